"""Validation: a stratified part of dev in CI, and that the checks themselves can fail."""

from pathlib import Path

import pytest

from ainl_align.errors import UserError
from ainl_align.language.semantics import verdict
from ainl_align.language.world_model import HttpRoute, Reply, Trigger, World
from ainl_align.tasks import commands
from ainl_align.tasks.mutants import KINDS, mutants
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.structure import renamed, structure
from ainl_align.tasks.task_model import CallSpec, Expect, Scenario, Task
from ainl_align.tasks.validate import validate, why_it_passes

GOLD = """S core cron
Cr L_main "30 6 * * 1"
L_main:
  R http.GET "https://api.example.org/load" ->resp
  Retry @n1 2 100 exponential
  Err @n1 ->L_fail
  R core.GET resp "body.load" ->load
  R core.GTE load 80 ->high
  If high ->L_yes ->L_no
L_yes:
  R core.CONCAT "load is " load ->text
  R queue.PUT "mailto:ops@example.org" text ->res
  J res
L_no:
  J false
L_fail:
  J "gave up"
"""


def task(*scenarios: Scenario) -> Task:
    return Task(
        id="watch-1",
        prompt="Mondays at 6:30: read the load; mail ops at 80 or more; try twice more, doubling 100 ms.",
        family="watch",
        tier="T4",
        cluster="watch",
        split="train",
        trigger=Trigger(kind="cron", cron="30 6 * * 1"),
        gold=GOLD,
        scenarios=scenarios,
    )


def scenario(
    name: str, *replies: Reply, mail: str | None = None, delays: tuple[float, ...] = (), returned: str = "any"
) -> Scenario:
    writes = (CallSpec(name="queue.PUT", args=("mailto:ops@example.org", mail)),) if mail else ()
    route = HttpRoute(method="GET", url="https://api.example.org/load", replies=replies)
    return Scenario(
        name=name, world=World(http=(route,)), expect=Expect(writes=writes, delays_ms=delays, returned=returned)
    )


DOWN = Reply(status=503)
FULL = (
    scenario("bound", Reply(body={"load": 80}), mail="load is 80"),
    scenario("below", Reply(body={"load": 79})),
    scenario("last attempt", DOWN, DOWN, Reply(body={"load": 90}), mail="load is 90", delays=(100, 200)),
    scenario("down", DOWN, delays=(100, 200), returned="gave up"),
)


def test_a_stratified_part_of_dev_is_valid() -> None:
    report = commands.validate("dev", limit=40, mutants_per_task=6)
    assert report.tasks == 40
    assert report.broken == []
    assert report.trivial_passes == []
    assert report.ok, [found for found in report.survivors if not found.equivalent]
    assert report.trivial["empty"] == 40


def test_every_kind_of_mutant_is_made_and_killed() -> None:
    report = validate([task(*FULL)])
    # It has no endpoint and no text test.
    assert set(report.killed) == set(KINDS) - {"endpoint changed", "condition changed"}
    assert report.survived.total() == 0
    assert {found.kind for found in report.survivors} == {"returned value changed"}
    assert report.equivalences().total() == report.equivalent.total() == 2
    assert report.ok and report.table()[-1][-1] == "100.0%"


@pytest.mark.parametrize(
    ("kept", "kind"),
    [((1, 2, 3), "threshold off by one"), ((0, 1), "retry removed"), ((0, 1, 2), "handler removed")],
)
def test_a_missing_scenario_lets_a_mutant_live(kept: tuple[int, ...], kind: str) -> None:
    report = validate([task(*(FULL[index] for index in kept))])
    assert report.survived[kind]
    assert not report.ok


def test_a_gold_that_fails_is_named() -> None:
    report = validate([task(scenario("wrong", Reply(body={"load": 80})))])
    assert report.broken[0][0] == "watch-1" and "wrong" in report.broken[0][1]
    assert not report.ok


def test_why_a_program_passes() -> None:
    full = task(*FULL)
    assert why_it_passes(GOLD.replace("J false", "J true"), full) == (
        "differs in the returned value only, which the request leaves open",
        True,
    )
    loose = task(scenario("high", Reply(body={"load": 95}), mail="load is 95"))
    assert why_it_passes(GOLD.replace("GTE load 80", "GTE load 81"), loose) == (
        "runs as the gold does in all 1 scenarios",
        False,
    )


def test_most_mutants_are_programs_and_none_is_the_gold() -> None:
    made = mutants(GOLD)
    assert GOLD not in {mutant.program for mutant in made}
    assert len({mutant.program for mutant in made}) == len(made)
    assert sum(verdict(mutant.program).canonical for mutant in made) > len(made) / 2
    removed = next(mutant.program for mutant in made if mutant.kind == "handler removed")
    assert "L_fail" not in removed and verdict(removed).canonical


def test_a_file_can_be_validated(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    found = task(*FULL)
    write_prompt_set(path, [PromptRow(id=found.id, prompt=found.prompt, task=found)])
    assert commands.validate("dev", prompt_set=path).tasks == 1
    write_prompt_set(path, [PromptRow(id="a", prompt="b")])
    with pytest.raises(UserError, match="no row has a task"):
        commands.validate("dev", prompt_set=path)


def test_structure_forgets_names_and_values() -> None:
    other = GOLD.replace("load", "height").replace("L_yes", "L_more").replace("resp", "answer").replace(" 80", " 12")
    assert structure(other) == structure(GOLD) and renamed(other) != renamed(GOLD)
    assert renamed(GOLD.replace("L_fail", "L_gone").replace("high", "steep")) == renamed(GOLD)
    assert structure(GOLD.replace("GTE", "GT")) != structure(GOLD)
    select = 'R sqlite.QUERY "SELECT SUM(fee) AS n FROM trips WHERE fee > 3" ->rows'
    assert structure(select) == structure(select.replace("fee", "cost").replace("3", "9").replace("rows", "found"))
    assert structure(select) != structure(select.replace("SUM", "MAX"))
