"""The family whose parts are joined at random: its tasks hold, differ, and are in no suite."""

import random

import pytest

from ainl_align.errors import UserError
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.families import FAMILIES, TRAIN_ONLY
from ainl_align.tasks.parts.apart import told_apart
from ainl_align.tasks.parts.base import Item
from ainl_align.tasks.structure import structure
from ainl_align.tasks.suites import generate
from ainl_align.tasks.task_model import Task
from ainl_align.tasks.validate import validate


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return generate("train", seed=6, per_family=40, families=["medley"])


def test_golds_pass_and_mutants_do_not(tasks: list[Task]) -> None:
    report = validate(tasks[:6], mutants_per_task=3)
    assert report.broken == report.trivial_passes == []
    assert report.kill_rate >= 0.95, report.survivors


def test_hardly_two_are_built_alike(tasks: list[Task]) -> None:
    assert len({structure(task.gold) for task in tasks}) >= 38
    assert not any(held_out(task.cluster) for task in tasks)
    assert {task.trigger.kind for task in tasks} == {"plain", "cron", "endpoint"}


def test_the_same_seed_gives_the_same_task() -> None:
    first, second = (TRAIN_ONLY["medley"].sample(random.Random(3), "train") for _ in range(2))
    assert first == second


def test_no_suite_can_have_it() -> None:
    assert not FAMILIES.keys() & TRAIN_ONLY.keys()
    with pytest.raises(UserError, match="'medley': does not exist for dev"):
        generate("dev", seed=1, per_family=1, families=["medley"])


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("the file's text", "the cached value", True),
        ("the orders", "that orderTotal", True),
        ("that text", "the cached value", False),
        ("the score", "the score from the api", False),
        ("the sum", "that total", False),
        ("the highest load", "the maximum load", False),
        ("the highest load", "the load", False),
    ],
)
def test_names_that_fit_two_values_are_refused(one: str, other: str, apart: bool) -> None:
    assert told_apart([Item("a", one, "any")], [Item("b", other, "any")]) is apart
