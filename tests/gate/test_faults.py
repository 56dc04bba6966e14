"""Faults that gates of this kind were measured to have: each must end in anything but a PASS (or in the right file)."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ainl_align.errors import UserError
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.progress import Progress

MakeReport = Callable[..., Path]
DAY = "2026-01-{:02d}T00:00:00+00:00"
POLICIES = pytest.mark.parametrize("policy", ["point", "certified"])


def judge(folder: Path, **options: Any) -> dict[str, Any]:
    settings = trends.Settings(reports_dir=folder, output_json=folder / "out" / "trends.json", **options)
    return trends.run(settings, Progress())


def gate_of(folder: Path, **options: Any) -> dict[str, Any]:
    gate: dict[str, Any] = judge(folder, **options)["summary"]["gate"]
    return gate


def rewrite(path: Path, text: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert text in content
    path.write_text(content.replace(text, new), encoding="utf-8")


@POLICIES
@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", '"1.0"', "1.5", "-0.1", "1e999", "true", "null", "[]"]
)
def test_rates_that_are_no_rates_never_pass(tmp_path: Path, make_report: MakeReport, policy: str, value: str) -> None:
    make_report("model_eval_report_1.json", created=DAY.format(1), n=60)
    newest = make_report("model_eval_report_2.json", created=DAY.format(2), n=60)
    rewrite(newest, '"strict_ainl_rate": 1.0', f'"strict_ainl_rate": {value}')
    assert gate_of(tmp_path, policy=policy)["status"] == "fail"
    with pytest.raises(UserError, match=r"model_eval_report_2\.json"):
        judge(tmp_path, policy=policy, report=newest)


@POLICIES
def test_a_corrupt_newest_report_is_not_passed_over(tmp_path: Path, make_report: MakeReport, policy: str) -> None:
    make_report("model_eval_report_1.json", created=DAY.format(1), n=60)
    newest = make_report("model_eval_report_2.json", created=DAY.format(2), n=60)
    newest.write_bytes(newest.read_bytes()[:-100])
    content = judge(tmp_path, policy=policy)
    assert content["summary"]["gate"]["status"] == "fail"
    assert content["unreadable"][0]["path"] == str(newest)
    assert gate_of(tmp_path, policy=policy, ignore=(newest.name,))["passed"]


@POLICIES
def test_a_missing_newest_report_is_not_passed_over(tmp_path: Path, make_report: MakeReport, policy: str) -> None:
    history = read_history(tmp_path / "history")
    for day in (1, 2):
        path = make_report("report.json", created=DAY.format(day), n=60, changes={"run_id": f"run-{day}"})
        history.record(path)
    assert gate_of(tmp_path, policy=policy)["passed"]
    history.runs["run-2"].report.unlink()
    gate = gate_of(tmp_path, policy=policy)
    assert gate["status"] == "fail"
    assert "run run-2 is gone" in gate["failures"][0]
    assert gate_of(tmp_path, policy=policy, ignore=("run-2",))["passed"]


def test_this_runs_own_report_is_needed(tmp_path: Path, make_report: MakeReport) -> None:
    older = make_report("model_eval_report.json", n=60, changes={"run_id": "run-1"})
    with pytest.raises(UserError, match="this run's own report is needed"):
        judge(tmp_path, report=older, run_id="run-2")
    with pytest.raises(UserError, match="no such file"):
        judge(tmp_path, report=tmp_path / "model_eval_report_gone.json", run_id="run-2")


@POLICIES
def test_a_verdict_that_was_not_reached_leaves_no_earlier_one_behind(
    tmp_path: Path, make_report: MakeReport, policy: str
) -> None:
    report = make_report("model_eval_report.json", n=60)
    assert gate_of(tmp_path, policy=policy)["passed"]
    report.write_text("{", encoding="utf-8")
    with pytest.raises(UserError):
        judge(tmp_path, policy=policy, report=report)
    assert not (tmp_path / "out" / "trends.json").exists()


@POLICIES
@pytest.mark.parametrize(
    "changes",
    [{}, {"prompt_set_sha256": "a" * 64}, {"max_new_tokens": 40}, {"repair_attempts": 0}, {"metric_version": 2}],
)
def test_other_prompts_sizes_and_settings_are_not_compared(
    tmp_path: Path, make_report: MakeReport, policy: str, changes: dict[str, Any]
) -> None:
    n = 60 if changes else 59
    make_report("model_eval_report_1.json", created=DAY.format(1), n=n, strict_ainl=5, changes=changes)
    make_report("model_eval_report_2.json", created=DAY.format(2), n=60)
    content = judge(tmp_path, policy=policy)
    assert content["summary"]["previous"] is None
    assert not content["summary"]["gate"]["comparisons"]["previous"]["compared"]
    assert content["summary"]["gate"]["passed"]


def test_the_same_hash_over_other_prompts_is_not_compared(tmp_path: Path, make_report: MakeReport) -> None:
    first = make_report("model_eval_report_1.json", created=DAY.format(1), n=60)
    rewrite(first, '"prompt 7"', '"another request"')
    make_report("model_eval_report_2.json", created=DAY.format(2), n=60)
    assert judge(tmp_path)["summary"]["previous"] is None


def test_a_smoke_report_neither_passes_nor_fails_a_real_run(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report_1.json", n=60, created=DAY.format(1))
    make_report("model_eval_report_2.json", n=1, created=DAY.format(2), nonempty=0, strict_ainl=0)
    make_report("model_eval_report_3.json", n=60, created=DAY.format(3))
    assert gate_of(tmp_path)["passed"]
    make_report("model_eval_report_4.json", n=1, created=DAY.format(4))
    assert gate_of(tmp_path)["status"] == "inconclusive"


@POLICIES
@pytest.mark.parametrize("accepted", [False, True])
def test_four_small_drops_in_a_row_do_not_pass(
    tmp_path: Path, make_report: MakeReport, policy: str, accepted: bool
) -> None:
    history = read_history(tmp_path / "history")
    statuses = []
    for day, strict in enumerate((57, 54, 51, 48, 45), 1):
        path = make_report(
            "model_eval_report.json",
            n=60,
            created=DAY.format(day),
            strict_ainl=strict,
            changes={"run_id": f"run-{day}"},
        )
        read_history(tmp_path / "history").record(path)
        statuses.append(gate_of(tmp_path, policy=policy, report=path)["status"])
        if accepted and day == 1:
            read_history(tmp_path / "history").accept("run-1", "")
    assert statuses[0] == "pass"
    assert statuses[-1] == "fail"
    gate = gate_of(tmp_path, policy=policy)
    champion = gate["comparisons"]["champion"]
    assert champion["run_id"] == "run-1"
    assert champion["stand_in"] is not accepted
    assert champion["metrics"]["strict_ainl"]["drop"] == pytest.approx(0.2)
    assert list(history.runs) == []


def test_file_times_do_not_order_runs(tmp_path: Path, make_report: MakeReport) -> None:
    bad = make_report("model_eval_report_2.json", n=60, created=DAY.format(2), strict_ainl=5)
    good = make_report("model_eval_report_1.json", n=60, created=DAY.format(1))
    os.utime(bad, (1, 1))
    os.utime(good, (2_000_000_000, 2_000_000_000))
    content = judge(tmp_path)
    assert content["summary"]["latest"]["path"] == str(bad)
    assert content["summary"]["gate"]["status"] == "fail"


@pytest.mark.parametrize(("strict", "status"), [(12, "pass"), (11, "inconclusive"), (10, "inconclusive")])
def test_twelve_prompts_are_no_ground_for_failing_an_unchanged_model(
    tmp_path: Path, make_report: MakeReport, strict: int, status: str
) -> None:
    make_report("model_eval_report_1.json", created=DAY.format(1))
    assert gate_of(tmp_path)["passed"]
    make_report("model_eval_report_2.json", created=DAY.format(2), strict_ainl=strict)
    gate = gate_of(tmp_path)
    assert gate["status"] == "inconclusive"
    drop = gate["comparisons"]["previous"]["metrics"]["strict_ainl"]
    assert drop["status"] == "inconclusive"
    assert (drop["more_prompts_needed"] == 47) == (status == "pass")


@pytest.mark.parametrize("field", ["id", "prompt"])
def test_prompts_that_chose_the_checkpoint_do_not_judge_it(tmp_path: Path, make_report: MakeReport, field: str) -> None:
    make_report("model_eval_report.json")
    row = {"id": "x", "prompt": "y", field: {"id": "p3", "prompt": "prompt  3"}[field]}
    chosen = tmp_path / "dev.jsonl"
    chosen.write_text(json.dumps({"id": "d", "prompt": "other"}) + "\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"line 2: prompt .* chose the checkpoint"):
        judge(tmp_path, selection_prompts=chosen)
    chosen.write_text(json.dumps({"id": "d", "prompt": "other"}) + "\n", encoding="utf-8")
    assert gate_of(tmp_path, selection_prompts=chosen, max_regression_strict=None)["passed"]
