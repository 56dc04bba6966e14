"""The metric ladder over many programs, and kinds of failure."""

import pytest

from ainl_align.artifacts import METRICS
from ainl_align.evaluation.metrics import failure_family, rates, rates_by, score
from ainl_align.tasks.prompts import PromptRow
from ainl_align.tasks.suites import suite

TASK = suite("regression")[0]
ROW = PromptRow(id=TASK.id, prompt=TASK.prompt, task=TASK)
BARE = PromptRow(id="bare", prompt=TASK.prompt)
OTHER = 'S app core noop\nL_main:\n  J "hello"\n'


@pytest.mark.parametrize(
    ("program", "met"),
    [
        (TASK.gold, 6),
        (OTHER, 5),  # right AINL that does something else
        ("Cr D */*/* * * * *\n", 0),
        ("", 0),
    ],
)
def test_how_far_up_the_ladder_a_program_gets(program: str, met: int) -> None:
    (result,) = score([program], [ROW])
    values = [result.metrics[name] for name in METRICS]
    assert values[met:] == [False] * (6 - met) if met in (5, 6) else values[-1] is False
    assert result.metrics["task_success"] is (met == 6)


def test_a_prompt_without_a_task_has_no_task_success() -> None:
    (result,) = score([TASK.gold], [BARE])
    assert result.metrics["task_success"] is None
    assert rates([result])["task_success_rate"] is None
    assert rates([result])["canonical_rate"] == 1.0


def test_a_program_that_was_cut_off_is_a_failure_even_when_its_beginning_passes() -> None:
    whole, cut = score([TASK.gold, TASK.gold], [ROW, ROW], [False, True])
    assert whole.metrics["task_success"] is True
    assert cut.metrics["task_success"] is cut.metrics["canonical"] is False
    assert cut.metrics["strict_compile"] is True
    assert "cut off" in cut.reasons[0].message


def test_rates_count_only_what_was_measured() -> None:
    results = score([TASK.gold, OTHER, TASK.gold], [ROW, ROW, BARE])
    summary = rates(results)
    assert summary["n"] == 3
    assert summary["task_success_rate"] == 0.5
    assert summary["counts"]["canonical"] == 3
    assert rates_by(["a", "a", None], results).keys() == {"a"}
    assert rates([])["strict_ainl_rate"] is None


@pytest.mark.parametrize(
    ("program", "finish", "kind"),
    [
        (TASK.gold, "eos", None),
        (OTHER, "eos", "wrong_behaviour"),
        ("", "eos", "not_nonempty"),
        ("S app core noop\nL_main:\n  J nothing\n", "eos", "not_strict_compile"),
        (OTHER, "budget", "budget"),
        (OTHER, "timeout", "timeout"),
    ],
)
def test_each_failure_has_one_kind(program: str, finish: str, kind: str | None) -> None:
    (result,) = score([program], [ROW])
    assert failure_family(result, finish) == kind
