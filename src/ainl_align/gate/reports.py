"""Evaluation reports as the gate reads them: checked, comparable or not, in the order of their making."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.artifacts import content_hash, file_hash, read_json
from ainl_align.errors import UserError

METRICS = ("nonempty", "runtime_compile", "strict_compile", "strict_ainl", "canonical", "task_success")
RATE_TOLERANCE = 1e-4

# Reports are comparable only when the same prompts were answered under the same conditions. The base model and the
# device are not among them: another base on the same prompts is a fair comparison.
_COMPARED_SETTINGS = (
    "prompt_set_sha256",
    "metric_version",
    "max_new_tokens",
    "constrained_decoding",
    "repair_attempts",
    "canonicalize_output",
    "canonicalize_chunk_lines",
    "canonicalize_max_lines",
    "quantization_mode",
)


@dataclass(frozen=True)
class Report:
    """One model_eval_report; ``outcomes[metric][prompt id]`` is the adapter's final result, None if not judged."""

    path: Path
    created: str
    adapter_path: str | None
    base_model: str
    run_id: str | None
    n: int
    rates: Mapping[str, float | None]
    outcomes: Mapping[str, Mapping[str, bool | None]]
    by_suite: Mapping[str, Any]
    conditions: str

    def counts(self, metric: str) -> tuple[int, int]:
        """(successes, judged prompts) of a metric."""
        judged = [value for value in self.outcomes[metric].values() if value is not None]
        return sum(judged), len(judged)

    def comparable(self, other: "Report") -> bool:
        """True when both answered the same prompts with the same metric version, decoding settings and limits."""
        return (
            self.conditions == other.conditions
            and self.outcomes["nonempty"].keys() == other.outcomes["nonempty"].keys()
        )

    def row(self, *, comparable: bool) -> dict[str, Any]:
        """The report as a row of the trend file."""
        return {
            "path": str(self.path),
            "created": self.created,
            "run_id": self.run_id,
            "adapter_path": self.adapter_path,
            "base_model": self.base_model,
            "n": self.n,
            **{f"{metric}_rate": self.rates[metric] for metric in METRICS},
            "by_suite": dict(self.by_suite),
            "comparable": comparable,
        }


def read_report(path: Path) -> Report:
    """Read and check one report; UserError when it is damaged or contradicts itself."""
    document = read_json(path, "model_eval_report")
    lora = document["summary"]["lora"]
    outcomes: dict[str, dict[str, bool | None]] = {metric: {} for metric in METRICS}
    for number, row in enumerate(document["results"]):
        if row["id"] in outcomes["nonempty"]:
            raise UserError(f"{path}: field 'results.{number}.id': {row['id']!r} occurs twice; write the report again")
        for metric in METRICS:
            outcomes[metric][row["id"]] = row["lora"]["final"]["metrics"][metric]
    if lora["n"] != len(document["results"]):
        raise UserError(
            f"{path}: field 'summary.lora.n' is {lora['n']}, but there are {len(document['results'])} results; "
            "write the report again"
        )
    rates = {metric: _checked_rate(path, metric, lora, outcomes[metric]) for metric in METRICS}
    return Report(
        path=path,
        created=document["provenance"]["created"],
        adapter_path=document["adapter_path"],
        base_model=document["base_model"],
        run_id=document.get("run_id"),
        n=lora["n"],
        rates=rates,
        outcomes=outcomes,
        by_suite=lora["by_suite"],
        conditions=content_hash({name: document[name] for name in _COMPARED_SETTINGS}),
    )


def _checked_rate(
    path: Path, metric: str, summary: Mapping[str, Any], outcomes: Mapping[str, bool | None]
) -> float | None:
    """The rate of a metric from its outcomes; UserError when the summary says something else."""
    judged = [value for value in outcomes.values() if value is not None]
    rate = sum(judged) / len(judged) if judged else None
    said = summary[f"{metric}_rate"]
    if (said is None) != (rate is None) or (rate is not None and abs(said - rate) > RATE_TOLERANCE):
        raise UserError(
            f"{path}: field 'summary.lora.{metric}_rate' is {said}, but its results give {rate}; write the report again"
        )
    return rate


def find_reports(
    folder: Path, pattern: str, ignore: Sequence[str], also: Path | None = None
) -> tuple[list[Report], list[tuple[Path, str]]]:
    """All reports under ``folder`` that match, oldest first, and the unreadable ones with what is wrong.

    Files with the same bytes (a report and its copy in the history) count once. ``ignore`` holds file names to leave
    out; ``also`` is read wherever it lies. Raises UserError when the folder is missing, or nothing matches.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the folder of the evaluation reports (--reports-dir)")
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError) as error:
        raise UserError(f"--glob {pattern!r}: {error}; give a pattern relative to {folder}") from error
    if also is not None:
        found = [also, *(path for path in found if path.resolve() != also.resolve())]
    reports, unreadable, seen = [], [], set()
    for path in found:
        if path.name in ignore and path != also:
            continue
        try:
            report = read_report(path)
        except UserError as error:
            unreadable.append((path, str(error)))
            continue
        digest = file_hash(path)
        if digest not in seen:
            seen.add(digest)
            reports.append(report)
    if not reports and not unreadable:
        raise UserError(f"{folder}: holds no report that matches {pattern!r}; run the evaluation first")
    # By the time inside the report: file times change with every copy.
    reports.sort(key=lambda report: (report.created, str(report.path)))
    return reports, unreadable
