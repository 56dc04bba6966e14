"""Suites: sealed, stratified, and disjoint from training in prompts, resources and compositions."""

import itertools

import pytest

import ainl_align.tasks.commands as commands
from ainl_align.errors import UserError
from ainl_align.tasks import entities
from ainl_align.tasks.compose import held_out, normalised
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.suites import SUITE_SIZES, generate, locked_hashes, suite, suite_hash
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
    unseen = sum(held_out(task.cluster) for task in tasks) / len(tasks)
    assert 0.4 <= unseen <= 0.65


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


def test_the_shares_of_a_pool_are_disjoint_and_leave_nothing_out() -> None:
    pools = [value for name, value in vars(entities).items() if name.startswith("_") and isinstance(value, list)]
    assert len(pools) > 10
    for pool in pools:
        assert len(set(pool)) == len(pool), [word for word in pool if pool.count(word) > 1]
        parts = [entities.share(pool, split) for split in ("train", "dev", "test")]
        assert sorted(itertools.chain(*parts)) == sorted(pool)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UserError, match="no_such"):
        generate("train", seed=1, per_family=1, families=["no_such"])
    with pytest.raises(UserError, match="split"):
        generate("valid", seed=1, per_family=1)
    with pytest.raises(UserError, match="suite"):
        suite("train")  # type: ignore[arg-type]


def test_commands_give_rows_and_texts() -> None:
    rows = commands.stats(per_family=2)
    assert {row["family"] for row in rows} == set(FAMILIES)
    assert sum(row["dev"] for row in rows) == SUITE_SIZES["dev"]
    texts = commands.show("regression")
    assert len(texts) == 12
    assert "weather_email" in texts[0]
