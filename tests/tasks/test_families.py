"""Families: every gold does what its prompt says, and a wrong program does not pass for it."""

import random

import pytest

from ainl_align.language.semantics import verdict
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.mutants import mutants
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.suites import generate
from ainl_align.tasks.validate import validate


def test_there_are_enough_families_in_every_tier() -> None:
    tiers = [family.tier for family in FAMILIES.values()]
    assert len(FAMILIES) >= 50
    assert {tier: tiers.count(tier) >= 4 for tier in ("T1", "T2", "T3", "T4", "T5")} == dict.fromkeys(
        ("T1", "T2", "T3", "T4", "T5"), True
    )


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_golds_pass_and_mutants_do_not(split: str) -> None:
    report = validate(generate(split, seed=1, per_family=1), mutants_per_task=3)
    assert report.broken == []
    assert report.trivial_passes == []
    assert report.kill_rate >= 0.98, report.survivors


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_never_runs_dry(name: str) -> None:
    tasks = generate("train", seed=3, per_family=60, families=[name])
    assert len(tasks) == 60
    assert len({task.gold for task in tasks}) >= 55
    assert not any(held_out(task.cluster) for task in tasks)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_gold_is_canonical_and_every_label_is_reached(name: str) -> None:
    for task in generate("train", seed=13, per_family=2, families=[name]):
        opinion = verdict(task.gold)
        assert opinion.canonical, (task.gold, opinion.reasons)
        lines = task.gold.rstrip("\n").split("\n")
        for number, line in enumerate(lines):
            if line.startswith(("  J ", "  If ")):
                broken = "\n".join([*lines[:number], '  R core.PARSE "{" ->oops', *lines[number:]]) + "\n"
                assert not judge(broken, task).success, (line, task.gold)


def test_prompts_are_short_and_show_no_syntax() -> None:
    for task in generate("train", seed=5, per_family=4) + generate("dev", seed=5, per_family=2):
        assert 5 <= len(task.prompt.split()) <= 140, task.prompt
        text = task.prompt.replace("\n  - ", "\n- ")
        assert not any(sign in text for sign in ("->L", "->r", "L_", " core.", "R http", "{}", "None", "  ")), text


def test_the_same_seed_gives_the_same_tasks() -> None:
    first, second = (generate("train", seed=9, per_family=2) for _ in range(2))
    assert [task.model_dump_json() for task in first] == [task.model_dump_json() for task in second]
    assert first != generate("train", seed=10, per_family=2)


def test_mutants_differ_from_the_gold_and_from_one_another() -> None:
    task = FAMILIES["watch_with_retry"].sample(random.Random(4), "train")
    made = mutants(task.gold)
    kinds = {mutant.kind for mutant in made}
    assert {"branches swapped", "handler removed", "retry removed", "schedule changed", "step dropped"} <= kinds
    assert task.gold not in {mutant.program for mutant in made}
    assert judge(task.gold, task).success


def test_a_dropped_step_keeps_the_node_numbers_of_its_label_right() -> None:
    gold = (
        'S app core noop\nL_main:\n  R queue.PUT "first" "text one" ->res\n'
        '  R http.GET "https://a.example.com/b" ->resp\n'
        '  Err @n2 ->L_fail\n  J resp\nL_fail:\n  J "failed"\n'
    )
    dropped = next(mutant.program for mutant in mutants(gold) if mutant.kind == "step dropped")
    assert "Err @n1 ->L_fail" in dropped
    assert verdict(dropped).canonical
