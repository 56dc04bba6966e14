"""A cycle's outcome on the terminal: stages with their time, rates, verdict, and where to look next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from ainl_align.artifacts import METRICS
from ainl_align.progress import Progress
from ainl_align.report.health import Health

_SHOWN = ("task_success", "canonical", "strict_ainl")


def print_summary(health: Health, path: Path, progress: Progress) -> None:
    """Print the tables of a run that has just ended."""
    show(
        {
            "status": health.status,
            "run_id": health.run_id,
            "stages": health.stage_rows(),
            "metrics": health.metrics,
            "gate": health.gate,
            "error": health.error,
            "artifacts": {name: str(item) for name, item in health.artifacts.items()},
            "selected_adapter": health.selected_adapter,
            "training_start": health.training_start,
            "fallbacks": progress.fallbacks,
        },
        path,
        progress,
    )


def show(document: Mapping[str, Any], path: Path, progress: Progress) -> None:
    """Print the tables for the content of a health file."""
    console = progress.console
    stages = Table("stage", "", "time", "", title=f"run {document['run_id']}", title_justify="left", box=None)
    for row in document["stages"]:
        stages.add_row(row["name"], row["status"], _clock(row["seconds"]), row.get("note") or row.get("error") or "")
    console.print(stages, markup=False)
    metrics = document["metrics"]
    if metrics is not None:
        base = metrics.get("base")
        rates = Table("rate", "adapter", *(["base"] if base else []), box=None)
        for name in METRICS:
            cells = [_rate(metrics.get(f"{name}_rate")), *([_rate(base.get(f"{name}_rate"))] if base else [])]
            rates.add_row(name, *cells)
        console.print(rates)
    progress.say(f"status: {document['status']}")
    if document.get("training_start"):
        progress.say(f"training began {document['training_start']}")
    if document["error"] is not None:
        progress.say(f"stopped in stage {document['error']['stage']}: {document['error']['message']}")
    for line in (document["gate"] or {}).get("failures", []):
        progress.say(f"  {line}")
    for line in document["fallbacks"]:
        progress.say(f"note: {line}")
    progress.say("where to look next:")
    progress.say(f"  {'run health':24} {path}")
    for name in ("run_report", "model_eval_report", "model_eval_trends", "checkpoint_sweep_report"):
        if document["artifacts"].get(name):
            progress.say(f"  {name:24} {document['artifacts'][name]}")
    if document["status"] == "pass":
        progress.say(f"  {'adapter':24} {document['selected_adapter']}")
        progress.say(f"  {'try it':24} ainl-align generate 'Fetch https://example.com/status and return its body.'")


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def one_line(document: Mapping[str, Any], page: Path | None) -> str:
    """The outcome of a run in one line, for scripts and logs."""
    metrics = document["metrics"] or {}
    rates = [f"{name} {metrics[f'{name}_rate']:.3f}" for name in _SHOWN if metrics.get(f"{name}_rate") is not None]
    error, gate = document["error"], document["gate"] or {}
    reason = f"stopped in stage {error['stage']}: {error['message']}" if error else gate.get("headline")
    if reason is None and gate.get("failures"):
        reason = gate["failures"][0]
    parts = [f"{document['status']}: run {document['run_id']}", *rates, *([" ".join(reason.split())] if reason else [])]
    return "; ".join([*parts, *([f"report {page}"] if page is not None else [])])
