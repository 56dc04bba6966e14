"""The history of runs, the champion, and reports in the older format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ainl_align.cli.gate import accept, add, judge
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate.history import read_history
from ainl_align.gate.shelf import fill

MakeReport = Callable[..., Path]
DAY = "2026-01-{:02d}T00:00:00+00:00"


def older_report(path: Path, strict: int, n: int = 12) -> Path:
    """A report in the older format."""

    def side(index: int) -> dict[str, Any]:
        flags = {"runtime_ok": True, "strict_ok": True, "strict_ainl_ok": index < strict}
        return {"nonempty": True, "output": "S", "compile": flags}

    summary = {
        "total_prompts": n,
        "nonempty_rate": 1.0,
        "runtime_compile_rate": 1.0,
        "strict_compile_rate": 1.0,
        "strict_ainl_rate": strict / n,
    }
    health = {"alerts": ["eos_never_allowed"], "hints": ["h"], "ratios": {"eos_block_rate": 1.0}}
    buckets = {
        "tok_000_064": {"total_prompts": n, "strict_ainl_rate": 0.5, "timing_totals": {"prompt_total_seconds": 3.0}}
    }
    document = {
        "base_model": "microsoft/phi-3-mini-4k-instruct",
        "adapter_path": "models/v5",
        "prompt_set": "corpus/curated/regression_prompts.jsonl",
        "max_new_tokens": 30,
        "summary": {"lora": summary, "base": None, "failure_families": {"lora": {"ok": strict, "empty": n - strict}}},
        "diagnostics": {"lora": {"constraint_health": health, "length_buckets": buckets}},
        "results": [{"id": f"p{i}", "prompt": f"prompt {i}", "lora": side(i), "base": None} for i in range(n)],
    }
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def test_events_are_added_and_read_back(tmp_path: Path, make_report: MakeReport) -> None:
    folder = tmp_path / "history"
    path = make_report("model_eval_report.json", changes={"run_id": "run-1"})
    history = read_history(folder)
    assert history.record(path) == "run-1"
    assert history.record(path) == "run-1"
    history.judged("run-1", "pass", "certified")
    history.accept("run-1", "")
    again = read_history(folder)
    assert (list(again.runs), again.verdicts, again.champion) == (["run-1"], {"run-1": "pass"}, "run-1")
    assert [json.loads(line)["event"] for line in history.log.read_text().splitlines()] == ["run", "verdict", "accept"]
    assert history.report("run-1").n == 12


def test_a_run_has_one_report(tmp_path: Path, make_report: MakeReport) -> None:
    history = read_history(tmp_path / "history")
    history.record(make_report("a.json", changes={"run_id": "run-1"}))
    other = make_report("b.json", strict_ainl=3, changes={"run_id": "run-1"})
    with pytest.raises(UserError, match="with another report"):
        history.record(other)
    with pytest.raises(UserError, match="no name for a file"):
        history.record(make_report("c.json", changes={"run_id": "../x"}))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"event": "run"}',
        '{"event": "verdict", "run_id": "x", "at": "", "status": "pass", "policy": "point"}',
    ],
)
def test_a_damaged_log_is_refused_with_its_line(tmp_path: Path, make_report: MakeReport, line: str) -> None:
    history = read_history(tmp_path)
    history.record(make_report("a.json", changes={"run_id": "run-1"}))
    with history.log.open("a", encoding="utf-8") as handle:
        handle.write(line + "\n")
    with pytest.raises(UserError, match=r"runs\.jsonl, line 2"):
        read_history(tmp_path)


def test_half_a_last_line_is_the_rest_of_a_kill(tmp_path: Path, make_report: MakeReport) -> None:
    history = read_history(tmp_path)
    history.record(make_report("a.json", changes={"run_id": "run-1"}))
    with history.log.open("a", encoding="utf-8") as handle:
        handle.write('{"event": "verd')
    again = read_history(tmp_path)
    assert list(again.runs) == ["run-1"]
    again.judged("run-1", "pass", "point")
    assert read_history(tmp_path).verdicts == {"run-1": "pass"}
    history.log.write_text('{"ev')
    assert read_history(tmp_path).runs == {}


def test_a_kept_report_that_is_gone_is_kept_again(tmp_path: Path, make_report: MakeReport) -> None:
    path = make_report("a.json", changes={"run_id": "run-1"})
    history = read_history(tmp_path / "history")
    history.record(path)
    kept = history.runs["run-1"].report
    for damage in (kept.unlink, lambda: kept.write_text("cut")):
        damage()
        read_history(tmp_path / "history").record(path)
        assert kept.read_bytes() == path.read_bytes()


def test_recorded_runs_stand_in_the_order_of_the_log(tmp_path: Path, make_report: MakeReport) -> None:
    history = read_history(tmp_path / "history")
    for run, day in (("b", 3), ("a", 1)):
        history.record(make_report("x.json", created=DAY.format(day), changes={"run_id": run}))
    make_report("model_eval_report_loose.json", created=DAY.format(2))
    shelf = fill(tmp_path, "**/model_eval_report*.json", (), history)
    assert [report.run_id for report in shelf.reports] == ["b", "a", None]


def test_accept_wants_a_passed_run_or_a_reason(
    tmp_path: Path, make_report: MakeReport, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--history", str(tmp_path / "history"))
    report = make_report("model_eval_report.json", n=60, changes={"run_id": "run-1"})
    with pytest.raises(UserError, match="no run is recorded yet"):
        accept(where)
    with pytest.raises(UserError, match="has not judged it"):
        accept([str(report), *where])
    assert accept([str(report), "--reason", "first of all", *where]) == ExitCode.OK
    assert accept(["--json", *where]) == ExitCode.OK
    assert '"champion": "run-1"' in capsys.readouterr().out
    with pytest.raises(UserError, match="no such run"):
        accept(["run-9", *where])


def test_the_command_prints_one_line_or_json(
    tmp_path: Path, make_report: MakeReport, capsys: pytest.CaptureFixture[str]
) -> None:
    make_report("model_eval_report.json", n=60)
    words = ["--reports-dir", str(tmp_path), "--output-json", str(tmp_path / "t.json"), "--enforce-gate"]
    assert judge(words, "gate") == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("gate PASS (certified at 95%): 3 checks hold on 60 prompts") and out.count("\n") == 1
    assert judge([*words, "--json", "--floor", "tier:T1:task_success=1"], "gate") == ExitCode.GATE_INCONCLUSIVE
    assert json.loads(capsys.readouterr().out)["summary"]["gate"]["groups"]["tier:T1"]["task_success"]["threshold"] == 1
    assert judge([*words, "--floor", "family:none:canonical=0.1"], "gate") == ExitCode.GATE_FAIL
    assert "family:none cannot be measured" in capsys.readouterr().out
    for bad in ("task=0.5", "task_success=2", "tier:T1", "planet:x:canonical=0.5"):
        with pytest.raises(UserError, match="--floor"):
            judge([*words, "--floor", bad], "gate")


def test_older_reports_are_imported_and_compared_with_each_other(
    tmp_path: Path, make_report: MakeReport, capsys: pytest.CaptureFixture[str]
) -> None:
    first = older_report(tmp_path / "model_eval_report_v4.json", 12)
    second = older_report(tmp_path / "model_eval_report_v5.json", 6)
    where = ["--reports-dir", str(tmp_path), "--output-json", str(tmp_path / "t.json"), "--json"]
    with pytest.raises(UserError, match="gate import"):
        judge(where, "gate")
    assert add([str(first), str(second), "--history", str(tmp_path / "history")]) == ExitCode.OK
    capsys.readouterr()
    judge([*where, "--policy", "point"], "gate")
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["latest"]["strict_ainl_rate"] == 0.5
    assert summary["latest"]["task_success_rate"] is None
    assert summary["latest"]["failure_kinds"] == {"empty": 6}
    assert summary["latest"]["constraint_alerts"] == [{"name": "eos_never_allowed", "ratio": None}]
    assert summary["latest"]["worst"]["slowest"]["value"] == 3.0
    assert summary["delta_vs_previous"]["strict_ainl_rate"] == -0.5
    assert summary["gate"]["status"] == "fail"
    make_report("model_eval_report_new.json")
    judge([*where, "--policy", "point"], "gate")
    assert json.loads(capsys.readouterr().out)["summary"]["previous"] is None


@pytest.mark.parametrize(
    ("key", "value"), [("strict_ainl_rate", 0.9), ("strict_ainl_rate", "1"), ("total_prompts", 11)]
)
def test_damaged_older_reports_are_refused(tmp_path: Path, key: str, value: Any) -> None:
    path = older_report(tmp_path / "old.json", 6)
    document = json.loads(path.read_text(encoding="utf-8"))
    document["summary"]["lora"][key] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=rf"old\.json.*{key}"):
        read_history(tmp_path / "history").record(path)
