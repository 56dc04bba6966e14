"""Suites: sealed, stratified, and disjoint from training in prompts, resources and compositions."""

import itertools
from collections import Counter

import pytest

import ainl_align.tasks.commands as commands
from ainl_align.errors import UserError
from ainl_align.tasks.compose import held_out, normalised
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import PromptRow, stratified
from ainl_align.tasks.suites import SUITE_SIZES, TIERS, even_shares, generate, locked_hashes, suite, suite_hash
from ainl_align.tasks.task_model import Task


@pytest.fixture(scope="module")
def train() -> list[Task]:
    return generate("train", seed=42, per_family=20)


def test_the_suites_are_the_locked_ones() -> None:
    assert locked_hashes() == {name: suite_hash(name) for name in ("dev", "test", "regression")}, (
        "a suite changed: say so in the commit, and run ainl_align.tasks.commands.lock_suites()"
    )


@pytest.mark.parametrize("name", ["dev", "test"])
def test_suites_hold_every_family_and_half_unseen_compositions(name: str) -> None:
    tasks = suite(name)  # type: ignore[arg-type]
    assert len(tasks) == SUITE_SIZES[name]
    assert {task.family for task in tasks} == set(FAMILIES)
    assert len({task.id for task in tasks}) == len(tasks)
    for tier in TIERS:
        mine = [task for task in tasks if task.tier == tier]
        assert len(mine) == SUITE_SIZES[name] // 5
        counts = Counter(task.family for task in mine)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert 0.4 <= sum(held_out(task.cluster) for task in mine) / len(mine) <= 0.6


@pytest.mark.parametrize(("name", "limit"), [("dev", 24), ("test", 48)])
def test_a_limit_takes_a_stratified_part_in_file_order(name: str, limit: int) -> None:
    rows = [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in suite(name)]  # type: ignore[arg-type]
    chosen = stratified(rows, limit)
    tasks = [row.task for row in chosen if row.task is not None]
    assert [row for row in rows if row in chosen] == chosen and len(tasks) == limit
    tiers = Counter(task.tier for task in tasks)
    assert max(tiers.values()) - min(tiers.values()) <= 1
    for tier in TIERS:
        known = {family.name for family in FAMILIES.values() if family.tier == tier}
        assert len({task.family for task in tasks if task.tier == tier}) == min(len(known), tiers[tier])
    assert abs(sum(held_out(task.cluster) for task in tasks) - limit / 2) <= 5
    assert set(map(id, stratified(rows, limit // 2))) <= set(map(id, chosen))
    assert sorted(row.id for row in stratified(rows[::-1], limit)) == sorted(row.id for row in chosen)


def test_a_limit_on_plain_prompts_takes_so_many() -> None:
    rows = [PromptRow(id=str(number), prompt="do it") for number in range(9)]
    assert len(stratified(rows, 4)) == 4
    assert stratified(rows, 9) == stratified(rows, 90) == rows


def test_shares_are_even() -> None:
    assert even_shares(11, 3) == [4, 4, 3]
    assert even_shares(2, 3) == [1, 1, 0]


def test_no_prompt_is_shared_between_splits(train: list[Task]) -> None:
    prompts = {name: {normalised(task.prompt) for task in suite(name)} for name in ("dev", "test", "regression")}
    prompts["train"] = {normalised(task.prompt) for task in train}
    for left, right in itertools.combinations(prompts, 2):
        assert not prompts[left] & prompts[right]


def test_training_never_has_a_held_out_composition(train: list[Task]) -> None:
    assert not any(held_out(task.cluster) for task in train)


def test_no_url_is_shared_between_splits(train: list[Task]) -> None:
    hosts = {
        name: {route.url.split("/")[2] for task in tasks for scene in task.scenarios for route in scene.world.http}
        for name, tasks in {
            "train": train,
            "dev": suite("dev"),
            "test": suite("test"),
            "x": suite("regression"),
        }.items()
    }
    for left, right in itertools.combinations(hosts, 2):
        assert not hosts[left] & hosts[right]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match="no_such"):
        generate("train", seed=1, per_family=1, families=["no_such"])
    with pytest.raises(UserError, match="split"):
        generate("valid", seed=1, per_family=1)
    with pytest.raises(UserError, match="suite"):
        suite("train")  # type: ignore[arg-type]


def test_commands_give_rows_and_texts() -> None:
    found = commands.stats(per_family=2)
    assert {row["family"] for row in found.families} == set(FAMILIES)
    assert [row["tier"] for row in found.tiers] == [*TIERS, "all"]
    for name, size in SUITE_SIZES.items():
        assert sum(row[name] for row in found.families) == found.tiers[-1][name] == size
    assert found.skeletons
    texts = commands.show("regression")
    assert len(texts) == 12
    assert "weather_email" in texts[0]
