"""Thousands of damaged reports: never a traceback, and never a PASS that rests on what was damaged."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ainl_align.errors import UserError
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.gate.reports import Report, read_report
from ainl_align.progress import Progress
from tests.mutators import mutated

MakeReport = Callable[..., Path]
MUTATIONS = 2400
BATCHES = 12
EVERY_TIME = 3
"""Batches that every test run makes; `make test-slow` makes all."""


@pytest.fixture
def report(make_report: MakeReport) -> Path:
    """A passing report of twelve prompts that says its settings twice, as real ones do, and has a base."""
    path = make_report("model_eval_report.json", changes={"run_id": "run-1"})
    document = json.loads(path.read_text(encoding="utf-8"))
    kept = ("max_new_tokens", "constrained_decoding", "repair_attempts", "quantization_mode", "base_model", "run_id")
    document["provenance"]["settings"] = {name: document[name] for name in kept}
    document["summary"]["base"] = copy.deepcopy(document["summary"]["lora"])
    document["summary"]["comparison"] = {name: 0.0 for name in document["summary"]["lora"] if name.endswith("_rate")}
    document["diagnostics"]["lora"]["length_buckets"] = [
        {"prompt_tokens": [0, 64], "n": 12, "tokens": 100, "seconds_max": 2.0, "task_success": 12}
    ]
    document["diagnostics"]["lora"]["constraint_health"]["alerts"] = [
        {"name": "high_fallback_rate", "ratio": 0.5, "hint": "h"}
    ]
    for row in document["results"]:
        row["base"] = copy.deepcopy(row["lora"])
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def judged(report: Report) -> tuple[Any, ...]:
    """What a verdict rests on."""
    return report.outcomes, report.base, report.run_id, report.n


def status(folder: Path, report: Path | None = None) -> str:
    """The gate's status, or "refused"; any other error goes on and fails the test."""
    settings = trends.Settings(
        reports_dir=folder,
        report=report,
        run_id="run-1" if report else None,
        output_json=folder / "out" / "trends.json",
        max_regression_strict=None,
        max_regression_runtime=None,
        max_regression_nonempty=None,
    )
    try:
        return str(trends.run(settings, Progress())["summary"]["gate"]["status"])
    except UserError:
        return "refused"


@pytest.mark.parametrize(
    "batch", [pytest.param(batch, marks=[pytest.mark.slow] if batch >= EVERY_TIME else []) for batch in range(BATCHES)]
)
def test_damage_is_refused_or_changes_nothing_that_is_judged(tmp_path: Path, report: Path, batch: int) -> None:
    assert status(tmp_path, report) == "pass"
    text, original = report.read_text(encoding="utf-8"), judged(read_report(report))
    rng = random.Random(batch)
    refused = 0
    for number in range(MUTATIONS // BATCHES):
        content = mutated(text, rng)
        report.write_bytes(content)
        found = status(tmp_path, report)
        refused += found == "refused"
        if found == "pass":
            assert judged(read_report(report)) == original, f"batch {batch}, mutation {number}"
    assert refused > MUTATIONS // BATCHES // 2


@pytest.mark.parametrize("batch", range(3))
def test_no_changed_report_of_a_recorded_run_passes(tmp_path: Path, report: Path, batch: int) -> None:
    history = read_history(tmp_path / "history")
    kept = history.runs[history.record(report)].report
    assert status(tmp_path) == "pass"
    report.unlink()
    text, original = kept.read_text(encoding="utf-8"), kept.read_bytes()
    rng = random.Random(1000 + batch)
    for number in range(100):
        content = mutated(text, rng)
        kept.write_bytes(content)
        if content != original:
            assert status(tmp_path) != "pass", f"batch {batch}, mutation {number}"


def test_a_failing_report_is_not_mutated_into_a_pass_by_one_change(tmp_path: Path, make_report: MakeReport) -> None:
    report = make_report("model_eval_report.json", strict_ainl=2, changes={"run_id": "run-1"})
    text = report.read_text(encoding="utf-8")
    rng = random.Random(7)
    for _ in range(300):
        report.write_bytes(mutated(text, rng))
        assert status(tmp_path, report) != "pass"
