"""Evaluation reports as the gate reads them: checked, comparable or not, damaged ones named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from ainl_align.artifacts import METRICS, content_hash, file_hash, parse_json, read_json
from ainl_align.errors import UserError
from ainl_align.gate import older
from ainl_align.gate.consistency import check, tally

Outcomes = Mapping[str, Mapping[str, bool | None]]
"""By metric and prompt id; None where it was not judged."""

# Reports are comparable only when the same prompts were answered under the same conditions. The base model and the
# device are not among them: another base on the same prompts is a fair comparison.
CONDITIONS = (
    "prompt_set_sha256",
    "metric_version",
    "max_new_tokens",
    "constrained_decoding",
    "grounding",
    "repair_attempts",
    "canonicalize_output",
    "canonicalize_chunk_lines",
    "canonicalize_max_lines",
    "quantization_mode",
    "generation_timeout_seconds",
)
_UNSTATED = {"grounding": "off"}
"""What reports from before a setting were made under."""


@dataclass(frozen=True)
class Report:
    """One evaluation report: the adapter's final results, the base's where it was evaluated, and the conditions."""

    path: Path
    digest: str
    created: datetime | None
    run_id: str | None
    adapter_path: str | None
    base_model: str
    outcomes: Outcomes
    base: Outcomes | None
    conditions: Mapping[str, Any]
    clusters: Mapping[str, str]
    """Cluster of every prompt; a prompt that shares none is its own."""
    groups: Mapping[str, frozenset[str]]
    """Ids of the prompts by scope: tier:T1, family:ladder, suite:test."""
    prompts: Mapping[str, str]
    document: Mapping[str, Any] = field(repr=False)
    format: str = "current"

    @property
    def key(self) -> str:
        """Name of the run in the history; a report that names no run is known by its content."""
        return self.run_id or f"report-{self.digest[:12]}"

    @property
    def n(self) -> int:
        """Number of prompts."""
        return len(self.prompts)

    def rate(self, metric: str) -> float | None:
        """The share of judged prompts that meet a metric."""
        return tally(self.outcomes[metric].values())[1]

    def differences(self, other: "Report") -> list[str]:
        """The conditions in which two reports differ; empty when they are comparable."""
        names = [name for name in self.conditions if self.conditions[name] != other.conditions.get(name)]
        if not names and self.prompts != other.prompts:
            names = ["prompts"]
        return names

    def comparable(self, other: "Report") -> bool:
        """True when both answered the same prompts with the same metric version, decoding settings and limits."""
        return not self.differences(other)


def read_report(path: Path, *, allow_older: bool = False) -> Report:
    """Read and check one report; UserError when it is damaged or contradicts itself.

    Reports in the older format are read with ``allow_older`` only: they are evidence once a person imported them.
    """
    document = parse_json(path)
    if older.is_older(document):
        if not allow_older:
            raise UserError(f"{path}: is a report in the older format; add it with: ainl-align gate import {path}")
        return _older(path, document)
    document = read_json(path, "model_eval_report")

    def wrong(where: str, problem: str) -> NoReturn:
        raise UserError(f"{path}: field '{where}' {problem}; write the report again")

    check(document, wrong)
    rows = document["results"]
    try:
        created = datetime.fromisoformat(document["provenance"]["created"])
    except ValueError as error:
        raise UserError(f"{path}: field 'provenance.created': {error}; write the report again") from error
    return Report(
        path=path,
        digest=file_hash(path),
        created=created if created.tzinfo else created.replace(tzinfo=UTC),
        run_id=document.get("run_id"),
        adapter_path=document["adapter_path"],
        base_model=document["base_model"],
        outcomes=_outcomes(rows, "lora"),
        base=_outcomes(rows, "base") if document["summary"]["base"] is not None else None,
        conditions={name: document.get(name, _UNSTATED.get(name)) for name in CONDITIONS},
        clusters={row["id"]: row.get("cluster") or f"prompt {row['prompt']}" for row in rows},
        groups=_groups(rows),
        prompts={row["id"]: row["prompt"] for row in rows},
        document=document,
    )


def _outcomes(rows: list[dict[str, Any]], side: str) -> Outcomes:
    return {metric: {row["id"]: row[side]["final"]["metrics"][metric] for row in rows} for metric in METRICS}


def _groups(rows: list[dict[str, Any]]) -> Mapping[str, frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for row in rows:
        for label in ("suite", "tier", "family"):
            if row[label] is not None:
                groups.setdefault(f"{label}:{row[label]}", set()).add(row["id"])
    return {name: frozenset(ids) for name, ids in sorted(groups.items())}


def _older(path: Path, document: dict[str, Any]) -> Report:
    try:
        content = older.read(document)
    except ValueError as error:
        raise UserError(f"{path}: {error}; the report cannot be used") from error

    def outcomes(side: str) -> Outcomes:
        unknown: dict[str, bool | None] = {row.id: None for row in content.results}
        known = {
            metric: {row.id: older.outcome(getattr(row, side), metric) for row in content.results}
            for metric in older.METRICS
        }
        return {metric: known.get(metric, unknown) for metric in METRICS}

    prompts = {row.id: row.prompt for row in content.results}
    settings = {name: document.get(name) for name in older.SETTINGS}
    return Report(
        path=path,
        digest=file_hash(path),
        created=None,
        run_id=None,
        adapter_path=content.adapter_path,
        base_model=content.base_model,
        outcomes=outcomes("lora"),
        base=outcomes("base") if content.summary.base is not None else None,
        conditions={
            **dict.fromkeys(CONDITIONS),
            **settings,
            "prompt_set_sha256": content_hash(prompts),
            "metric_version": "older",
        },
        clusters={name: f"prompt {prompt}" for name, prompt in prompts.items()},
        groups={},
        prompts=prompts,
        document=document,
        format="older",
    )
