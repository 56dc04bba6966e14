"""The run health: every outcome leaves a file that fits its schema and says what happened."""

import io
from pathlib import Path

import pytest

from ainl_align.artifacts import read_json
from ainl_align.progress import Progress
from ainl_align.report.health import Health
from ainl_align.report.summary import print_summary

STAGES = ("regression", "distill", "finetune")
GATE = {"passed": True, "status": "pass", "failures": []}


def written(health: Health, folder: Path) -> dict[str, object]:
    path = folder / "alignment_run_health.json"
    health.write(path, {"seed": 42}, ["int8 fell back"], "cpu")
    return read_json(path, "alignment_run_health")


def test_a_finished_run(tmp_path: Path) -> None:
    health = Health(STAGES)
    report = tmp_path / "report.json"
    report.write_text("{}", encoding="utf-8")
    with health.stage("regression"):
        health.artifacts["report"] = report
    health.off("distill", "DISTILL_MODE is 0")
    with health.stage("finetune"):
        pass
    health.gate = GATE
    document = written(health, tmp_path)
    assert document["status"] == "pass"
    assert document["artifacts"] == {"report": str(report)}
    assert document["fallbacks"] == ["int8 fell back"]
    assert [(row["name"], row["status"]) for row in document["stages"]] == [
        ("regression", "done"),
        ("distill", "off"),
        ("finetune", "done"),
    ]
    assert document["provenance"]["data"]["report"]["path"] == str(report)


@pytest.mark.parametrize(("error", "message"), [(ValueError("rows"), "rows"), (KeyboardInterrupt(), "interrupted")])
def test_a_failed_stage_is_recorded_and_goes_on(tmp_path: Path, error: BaseException, message: str) -> None:
    health = Health(STAGES)
    with pytest.raises(type(error)), health.stage("distill"):
        raise error
    health.artifacts["gone"] = tmp_path / "gone.json"
    document = written(health, tmp_path)
    assert document["status"] == "error"
    assert document["error"]["stage"] == "distill"
    assert document["error"]["message"] == message
    assert type(error).__name__ in document["error"]["traceback"]
    assert [row["status"] for row in document["stages"]] == ["not_run", "failed", "not_run"]
    assert document["artifacts"] == {"gone": None}


@pytest.mark.parametrize("status", ["pass", "fail", "inconclusive"])
def test_the_status_is_the_gates(status: str) -> None:
    health = Health(STAGES)
    assert health.status == "error", "a run that never reached its gate has not passed"
    health.gate = {**GATE, "status": status}
    assert health.status == status


def test_the_summary_says_what_failed_and_where_to_look(tmp_path: Path) -> None:
    health = Health(STAGES)
    health.off("distill", "DISTILL_MODE is 0")
    health.metrics = {"n": 12, "strict_ainl_rate": 0.5, "task_success_rate": None, "base": {"strict_ainl_rate": 0.25}}
    health.gate = {"passed": False, "status": "fail", "failures": ["strict_ainl_rate 0.500 is below [0.6]"]}
    health.artifacts["model_eval_report"] = tmp_path / "model_eval_report.json"
    stream = io.StringIO()
    print_summary(health, tmp_path / "health.json", Progress(stream))
    shown = stream.getvalue()
    assert "status: fail" in shown
    assert "strict_ainl_rate 0.500 is below [0.6]" in shown
    assert "DISTILL_MODE is 0" in shown
    assert "0.500    0.250" in " ".join(shown.splitlines())
    assert str(tmp_path / "health.json") in shown
    assert str(tmp_path / "model_eval_report.json") in shown
