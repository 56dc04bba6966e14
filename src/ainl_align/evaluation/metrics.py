"""The six metrics over many programs (contract, section 4), and why a program failed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ainl_align.artifacts import METRICS
from ainl_align.data.records import CUT_OFF
from ainl_align.language.compiler import Diagnostic
from ainl_align.language.semantics import verdict
from ainl_align.tasks.prompts import PromptRow
from ainl_align.tasks.scenario import Outcome, judge_all

METRIC_VERSION = 1


@dataclass(frozen=True)
class Score:
    """One program's metrics; ``task_success`` is None when its prompt carries no task."""

    metrics: Mapping[str, bool | None]
    reasons: tuple[Diagnostic, ...]
    outcome: Outcome | None

    @property
    def rungs(self) -> int:
        """How many metrics of the ladder are met."""
        return sum(value is True for value in self.metrics.values())


def score(programs: Sequence[str], rows: Sequence[PromptRow], cut_off: Sequence[bool] = ()) -> list[Score]:
    """Judge each program against its prompt; programs run in the sandbox, so none can hang or hurt the host.

    A program marked in ``cut_off`` (a token or time budget ended it) is neither canonical nor a success, even where
    its beginning would pass.
    """
    with_task = [index for index, row in enumerate(rows) if row.task is not None]
    outcomes: dict[int, Outcome] = {}
    pairs = [(programs[index], task) for index in with_task if (task := rows[index].task) is not None]
    for index, outcome in zip(with_task, judge_all(pairs), strict=True):
        outcomes[index] = outcome
    scores = [_score(program, outcomes.get(index)) for index, program in enumerate(programs)]
    marks = [*cut_off, *[False] * (len(scores) - len(cut_off))]
    return [_cut(item) if cut else item for item, cut in zip(scores, marks, strict=True)]


def _cut(result: Score) -> Score:
    failed = {"canonical": False, "task_success": None if result.metrics["task_success"] is None else False}
    return Score({**result.metrics, **failed}, (CUT_OFF,), None)


def _score(program: str, outcome: Outcome | None) -> Score:
    found = verdict(program)
    ladder: dict[str, bool | None] = {name: bool(getattr(found, name)) for name in METRICS[:-1]}
    ladder["task_success"] = None if outcome is None else outcome.success
    reasons = found.reasons
    if found.canonical and outcome is not None and not outcome.success:
        reasons = tuple(Diagnostic(None, "behaviour", reason) for reason in outcome.reasons)
    return Score(ladder, reasons, outcome)


def failure_family(result: Score, finish_reason: str) -> str | None:
    """The kind of a failure: what stopped generation, else the first metric that is not met; None for a success."""
    if finish_reason in ("budget", "budget_too_small", "timeout", "dead_end"):
        return finish_reason
    for name in METRICS:
        if result.metrics[name] is False:
            return f"not_{name}" if name != "task_success" else "wrong_behaviour"
    return None


def rates(scores: Iterable[Score]) -> dict[str, Any]:
    """``n``, ``<metric>_rate`` for each metric, and ``counts``; a rate over nothing is None."""
    items = list(scores)
    summary: dict[str, Any] = {"n": len(items)}
    counts = {}
    for name in METRICS:
        measured = [item.metrics[name] for item in items if item.metrics[name] is not None]
        counts[name] = sum(value is True for value in measured)
        summary[f"{name}_rate"] = counts[name] / len(measured) if measured else None
    return {**summary, "counts": counts}


def rates_by(keys: Sequence[str | None], scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """``rates`` of each group of equal keys, in sorted order; scores without a key are left out."""
    groups = sorted({key for key in keys if key is not None})
    return {group: rates(item for key, item in zip(keys, scores, strict=True) if key == group) for group in groups}
