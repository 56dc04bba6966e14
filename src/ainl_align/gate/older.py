"""Evaluation reports in the older format: no schema, no provenance, no canonical metric and no task success.

They count as evidence of the metrics that they hold, and are comparable with one another only: what their prompts
mean and how their programs were judged is not the same.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ainl_align.gate.consistency import same, tally

_Rate = Annotated[float, Field(ge=0, le=1)]
_FLAGS = {
    "runtime_compile": "runtime_ok",
    "strict_compile": "strict_ok",
    "strict_ainl": "strict_ainl_ok",
}
METRICS = ("nonempty", *_FLAGS)
SETTINGS = (
    "max_new_tokens",
    "constrained_decoding",
    "repair_attempts",
    "canonicalize_output",
    "canonicalize_chunk_lines",
    "canonicalize_max_lines",
    "quantization_mode",
)


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


class _Compile(_Strict):
    runtime_ok: bool
    strict_ok: bool
    strict_ainl_ok: bool


class _Side(_Strict):
    nonempty: bool
    compile: _Compile


class _Row(_Strict):
    id: str
    prompt: str
    lora: _Side
    base: _Side | None = None


class _Counts(_Strict):
    total_prompts: int = Field(ge=0)
    nonempty_rate: _Rate
    runtime_compile_rate: _Rate
    strict_compile_rate: _Rate
    strict_ainl_rate: _Rate


class _Summary(_Strict):
    lora: _Counts
    base: _Counts | None = None
    failure_families: dict[str, Any] = {}


class OlderReport(_Strict):
    """The keys of the older format that are read; others are passed over."""

    base_model: str
    adapter_path: str | None
    prompt_set: str
    summary: _Summary
    results: list[_Row]


def read(document: Mapping[str, Any]) -> OlderReport:
    """Check a document of the older format; ValueError says which field is wrong."""
    try:
        report = OlderReport.model_validate(document)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise ValueError(f"field '{'.'.join(map(str, detail['loc']))}': {detail['msg']}") from error
    ids = [row.id for row in report.results]
    if len(set(ids)) != len(ids):
        raise ValueError("field 'results': an id occurs twice")
    for name in ("lora", "base"):
        summary = getattr(report.summary, name)
        sides = [getattr(row, name) for row in report.results]
        if summary is None:
            continue
        if None in sides or summary.total_prompts != len(sides):
            raise ValueError(f"field 'summary.{name}.total_prompts': contradicts the results")
        for metric in METRICS:
            _, rate = tally(outcome(side, metric) for side in sides)
            if not same(getattr(summary, f"{metric}_rate"), rate or 0.0):
                raise ValueError(f"field 'summary.{name}.{metric}_rate': the results give {rate}")
    return report


def outcome(side: Any, metric: str) -> bool:
    """Whether one answer meets a metric."""
    return bool(side.nonempty if metric == "nonempty" else getattr(side.compile, _FLAGS[metric]))


def is_older(document: Any) -> bool:
    """True for a document that claims to be a report and carries no schema."""
    return isinstance(document, dict) and "schema" not in document and {"summary", "results"} <= document.keys()
