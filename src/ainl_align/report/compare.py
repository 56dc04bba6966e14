"""Two runs side by side: the same prompts, which were lost and gained, and whether chance explains it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ainl_align.artifacts import parse_json, provenance, read_json
from ainl_align.errors import UserError
from ainl_align.gate.reports import CONDITIONS
from ainl_align.gate.statistics import paired_difference
from ainl_align.report import html
from ainl_align.report.rates import METRICS, bounded, group_rows, met, paired
from ainl_align.report.run_files import EVALUATION, RunFiles, find_health, load, tasks_of
from ainl_align.report.samples import samples
from ainl_align.report.view import choices

SCHEMA = "run_comparison"
_ALSO_SHOWN = ("base_model", "adapter_path", "device")
_NAME = "run A"


@dataclass(frozen=True)
class Side:
    """One of the two: its evaluation report, and its name."""

    name: str
    path: Path
    evaluation: Mapping[str, Any]


def find_side(word: str, curated: Path) -> Side:
    """The run that a user names: an evaluation report, a health file, a folder of one, or a run id.

    Raises UserError when it has no evaluation report.
    """
    named = Path(word)
    kept = curated / "history" / f"{EVALUATION}_{word}.json"
    if not named.exists() and "/" not in word and kept.is_file():
        named = kept
    if named.is_file():
        content = parse_json(named)
        if isinstance(content, dict) and content.get("schema") == EVALUATION:
            report = read_json(named, EVALUATION)
            return Side(report.get("run_id") or named.stem, named, report)
    run = load(find_health(word, curated))
    if run.evaluation is None:
        raise UserError(f"{word}: run {run.run_id} has no evaluation report to compare ({run.missing.get(EVALUATION)})")
    return Side(run.run_id, run.path, run.evaluation)


def compare(a: Side, b: Side) -> dict[str, Any]:
    """Content of a run_comparison: drops are a less b, on the prompts that both judged."""
    metrics = {}
    for metric in METRICS:
        found = paired(b.evaluation, a.evaluation, metric)
        row: dict[str, Any] = {"n": found.n, "lost": list(found.lost), "gained": list(found.gained)}
        if found.n:
            difference = paired_difference(len(found.lost), len(found.gained), found.n)
            row |= {
                "drop": difference.value,
                "lower": difference.lower,
                "upper": difference.upper,
                "mcnemar_p": difference.mcnemar_p,
            }
        else:
            row |= dict.fromkeys(("drop", "lower", "upper", "mcnemar_p"))
        metrics[metric] = {**row, "a": _rate(a, metric), "b": _rate(b, metric)}
    keys = (*CONDITIONS, *_ALSO_SHOWN)
    different = {
        key: {"a": a.evaluation.get(key), "b": b.evaluation.get(key)}
        for key in keys
        if a.evaluation.get(key) != b.evaluation.get(key)
    }
    return {
        "a": {"run": a.name, "path": str(a.path), "created": a.evaluation["provenance"]["created"]},
        "b": {"run": b.name, "path": str(b.path), "created": b.evaluation["provenance"]["created"]},
        "comparable": not any(key in different for key in CONDITIONS),
        "different": different,
        "metrics": metrics,
    }


def document(a: Side, b: Side, content: Mapping[str, Any]) -> dict[str, Any]:
    """The comparison as an artifact, with schema and provenance."""
    made_by = provenance({}, data={"a": a.path, "b": b.path}, device="cpu")
    return {"schema": SCHEMA, "schema_version": 1, "provenance": made_by, **content}


def headline(content: Mapping[str, Any]) -> str:
    """The comparison in one sentence, by task success (strict AINL where no task was judged)."""
    name = "task_success" if content["metrics"]["task_success"]["n"] else "strict_ainl"
    row = content["metrics"][name]
    if not row["n"]:
        return "The two runs share no prompt, so nothing can be compared."
    lost, gained = len(row["lost"]), len(row["gained"])
    counts = f"{lost} lost, {gained} gained of {row['n']} shared prompts"
    if lost == gained:
        return f"No difference in {name}: {counts}."
    better, worse = ("B", "A") if gained > lost else ("A", "B")
    sure = "chance alone explains it" if row["mcnemar_p"] > 0.05 else "chance hardly explains it"
    return (
        f"{better} has the higher {name} than {worse} by {100 * abs(row['drop']):.1f} points: {counts}; {sure} "
        f"(McNemar p = {row['mcnemar_p']:.2g})."
    )


def render(a: Side, b: Side, content: Mapping[str, Any]) -> str:
    """The page of a comparison; its samples are those of B, with differences to A."""
    missing: dict[str, str] = {}
    run = RunFiles(
        path=b.path,
        health={"artifacts": {}, "run_id": b.name},
        evaluation=b.evaluation,
        tasks=tasks_of(b.path, b.evaluation, missing),
        references={"previous": a.evaluation},
        missing=missing,
    )
    entries = samples(run, {"previous": _NAME})
    return html.render(
        "compare.html.j2",
        {
            "content": content,
            "headline": headline(content),
            "metrics": METRICS,
            "rows": [
                (metric, row, _bounds(a, metric), _bounds(b, metric)) for metric, row in content["metrics"].items()
            ],
            "groups": [
                (title, key, group_rows(b.evaluation, key, a.evaluation))
                for title, key in (("Suites", "suite"), ("Tiers", "tier"), ("Families", "family"))
            ],
            "reference_name": _NAME,
            "samples": entries,
            "choices": choices(entries),
            "run": replace(run, missing=missing),
        },
    )


def _rate(side: Side, metric: str) -> float | None:
    rate: float | None = _bounds(side, metric)["rate"]
    return rate


def _bounds(side: Side, metric: str) -> dict[str, Any]:
    judged = [value for row in side.evaluation["results"] if (value := met(row, metric)) is not None]
    return bounded(sum(judged), len(judged))
