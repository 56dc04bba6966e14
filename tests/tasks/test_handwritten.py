"""The twenty handwritten requests: each gold is right, its scenarios tell wrong programs, and nothing is trained on."""

from collections import Counter

import pytest

from ainl_align.data.leakage import WRITTEN
from ainl_align.language.semantics import verdict
from ainl_align.tasks.mutants import KINDS
from ainl_align.tasks.prompts import load_prompt_set
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.suites import TIERS
from ainl_align.tasks.task_model import Task
from ainl_align.tasks.validate import validate

ROWS = load_prompt_set(WRITTEN["handwritten"])
TASKS = [row.task for row in ROWS if row.task is not None]


def test_there_are_twenty_over_all_tiers() -> None:
    assert len(ROWS) == len(TASKS) == 20
    assert Counter(task.tier for task in TASKS) == dict.fromkeys(TIERS, 4)
    assert {task.trigger.kind for task in TASKS} == {"plain", "cron", "endpoint"}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_gold_is_canonical_and_right(task: Task) -> None:
    assert verdict(task.gold).canonical
    outcome = judge(task.gold, task)
    assert outcome.success, outcome.reasons
    assert len(task.scenarios) >= 2


def test_every_kind_of_mutant_is_killed() -> None:
    report = validate(TASKS)
    assert set(report.killed) == set(KINDS)
    assert report.survived.total() == 0 and not report.trivial_passes
    assert report.ok
