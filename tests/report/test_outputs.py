"""JUnit XML, GitHub's step summary, the model card, comparison, tracking, and that none of them can fail a run."""

import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ainl_align.artifacts import load_schema, read_json
from ainl_align.errors import UserError
from ainl_align.gate.reports import CONDITIONS
from ainl_align.progress import Progress
from ainl_align.report import compare, outputs, track
from ainl_align.report.card import card, write_cards
from ainl_align.report.junit import junit, write_junit
from ainl_align.report.run_files import RunFiles, load
from ainl_align.report.step_summary import append_step_summary, markdown
from ainl_align.report.summary import one_line
from tests.report import runs


def cases(run: RunFiles) -> dict[tuple[str, str], ElementTree.Element]:
    root = ElementTree.fromstring(junit(run))
    return {(suite.get("name", ""), case.get("name", "")): case for suite in root for case in suite}


def test_junit_has_a_case_for_each_floor_regression_and_family(regressed: RunFiles) -> None:
    found = cases(regressed)
    assert found["gate", "floor strict_ainl"].find("failure") is None
    failed = found["gate", "regression task_success against champion"].find("failure")
    assert failed is not None and "dropped by 0.183" in failed.get("message", "")
    assert found["gate", "regression task_success tier:T1 against champion"].find("error") is not None
    family = found["families", "ladder"].find("system-out")
    assert family is not None and family.text == "task_success 0 of 12; 11 lost, 0 gained"
    assert {name for suite, name in found if suite == "families"} == set(runs.FAMILIES)
    assert found["stages", "boost"].find("skipped") is not None
    root = ElementTree.fromstring(junit(regressed))
    gate = root[1]
    assert (gate.get("tests"), gate.get("failures"), gate.get("errors")) == ("12", "2", "4")


def test_junit_of_a_stopped_run_has_its_error(leaked: RunFiles) -> None:
    found = cases(leaked)
    error = found["stages", "distill"].find("error")
    assert error is not None and "overlap with test" in error.get("message", "")
    assert found["stages", "gate"].find("skipped") is not None


def test_junit_survives_what_xml_cannot_hold(leaked: RunFiles, tmp_path: Path) -> None:
    stages = [{"name": "sweep", "status": "failed", "seconds": 1.0, "error": "bell \x07 nul \x00 \ud800 <&]]>"}]
    run = RunFiles(path=leaked.path, health={**leaked.health, "stages": stages})
    error = cases(run)["stages", "sweep"].find("error")
    assert error is not None and error.get("message") == "bell \ufffd nul \ufffd \ufffd <&]]>"
    assert ElementTree.parse(write_junit(run, tmp_path / "junit.xml"))


def test_a_family_fails_in_junit_where_its_own_threshold_does(tmp_path: Path) -> None:
    run = runs.Run(
        "20260101T000000Z-aaaaaa",
        "2026-01-01T00:00:00+00:00",
        lambda index, tier: tier != "T3",
        gate={"floor": ("family:ladder:task_success=0.9",)},
    )
    found = cases(load(runs.finished(tmp_path / "corpus", run)))
    assert found["families", "ladder"].find("failure") is not None
    assert found["families", "sql_read"].find("failure") is None


def test_the_step_summary_says_why(regressed: RunFiles, tmp_path: Path) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n", encoding="utf-8")
    where = {"GITHUB_STEP_SUMMARY": str(target)}
    assert append_step_summary(regressed, Path("/reports/page.html"), where) is None
    text = target.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert "## Failed: The gate failed: 2 of 12 checks." in text
    assert "All 11 lost prompts are in tier T3" in text
    assert "| task_success | 0.733 (44 of 60) |" in text
    assert append_step_summary(regressed, None, where) is None
    assert target.read_text(encoding="utf-8") == text, "a run is summed up once"
    assert append_step_summary(regressed, None, {}) is None


def test_the_step_summary_is_plain_text(leaked: RunFiles) -> None:
    error = {
        "stage": "distill",
        "message": "<img src=x> [a](javascript:x) `b` | c\n# d",
        "type": "X",
        "traceback": None,
    }
    text = markdown(RunFiles(path=leaked.path, health={**leaked.health, "error": error}), None)
    assert "<img" not in text and "](" not in text and "\n# d" not in text


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "link", "device", "nul", "full"])
def test_an_unusable_step_summary_is_one_message(regressed: RunFiles, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "summary.md"
    other = tmp_path / "other"
    if kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "link":
        other.write_text("", encoding="utf-8")
        target.symlink_to(other)
    elif kind == "device":
        target = Path("/dev/null")
    elif kind == "full":
        target.write_bytes(b"x" * 1024 * 1024)
    name = f"{target}\x00" if kind == "nul" else str(target)
    problem = append_step_summary(regressed, None, {"GITHUB_STEP_SUMMARY": name})
    assert problem is not None and "GITHUB_STEP_SUMMARY" in problem and "left out" in problem
    assert "\n" not in problem
    assert not other.exists() or other.read_text(encoding="utf-8") == ""


def test_the_model_card(regressed: RunFiles) -> None:
    paths = write_cards(regressed)
    adapter = Path(regressed.health["selected_adapter"])
    assert paths == [adapter / "README.md"]
    text = paths[0].read_text(encoding="utf-8")
    assert text.startswith(
        '---\nlibrary_name: peft\nbase_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\nlicense: apache-2.0'
    )
    assert "Verdict of run `20260102T080000Z-bbbbbb`: **failed**." in text
    assert "| task_success | 0.733 (44 of 60) | 0.624 to 0.825 | 0.667 | 0.083 |" in text
    assert "| T3 | 0.000 (0 of 12) |" in text
    assert "overlap with held-out prompts: none over its limit" in text
    assert f'from_pretrained("/base"), "{adapter}")' in text
    assert "generated by ainl-align, Apache-2.0" in text
    assert "root of its training" in card(regressed, adapter, adapter.parent)


def test_no_card_without_an_evaluation(leaked: RunFiles) -> None:
    assert write_cards(leaked) == []


def test_one_line(regressed: RunFiles, leaked: RunFiles) -> None:
    line = one_line(regressed.health, Path("/x/page.html"))
    assert line.startswith(
        "fail: run 20260102T080000Z-bbbbbb; task_success 0.733; canonical 1.000; strict_ainl 1.000; "
    )
    assert "dropped by 0.183" in line and line.endswith("; report /x/page.html")
    assert one_line(leaked.health, None).startswith("error: run 20260103T080000Z-cccccc; stopped in stage distill: ")
    assert "\n" not in line


def test_the_cycle_gets_every_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runs.regressed(tmp_path / "corpus")
    target = tmp_path / "summary.md"
    target.touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    written = outputs.write_outputs(path, Progress(io.StringIO()))
    assert set(written) == {"run_report", "junit", "model_card"}
    assert all(item.is_file() for item in written.values())
    assert "alignment_run_report.html" in target.read_text(encoding="utf-8")


def test_what_cannot_be_written_is_said_and_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runs.regressed(tmp_path / "corpus")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none.md"))

    def broken(_: Any) -> str:
        raise RuntimeError("no such template")

    monkeypatch.setattr(outputs.html, "render_run", broken)
    progress = Progress(io.StringIO())
    written = outputs.write_outputs(path, progress)
    assert set(written) == {"junit", "model_card"}
    assert progress.fallbacks[0] == "run_report could not be written: RuntimeError: no such template"
    assert "GITHUB_STEP_SUMMARY" in progress.fallbacks[1]
    assert outputs.write_outputs(tmp_path / "none.json", progress) == {}


def test_copies_by_run_id_are_enough_for_a_report(tmp_path: Path) -> None:
    path = runs.regressed(tmp_path / "corpus")
    outputs.keep_copies(path, Progress(io.StringIO()))
    runs.finished(
        tmp_path / "corpus", runs.Run("20260105T000000Z-eeeeee", "2026-01-05T00:00:00+00:00", lambda index, tier: True)
    )
    found = load(path.parent / "history" / "alignment_run_health_20260102T080000Z-bbbbbb.json")
    assert found.evaluation is not None and found.trends is not None and found.sweep is not None
    assert set(found.references) == {"champion", "previous"}


def test_two_runs_compared(regressed: RunFiles) -> None:
    curated = regressed.path.parent
    a, b = compare.find_side("20260101T080000Z-aaaaaa", curated), compare.find_side(str(regressed.path), curated)
    content = compare.compare(a, b)
    assert content["comparable"] and content["different"] == {}
    row = content["metrics"]["task_success"]
    assert (len(row["lost"]), len(row["gained"]), row["n"], round(row["drop"], 3)) == (11, 0, 60, 0.183)
    assert compare.headline(content).startswith(
        "A has the higher task_success than B by 18.3 points: 11 lost, 0 gained of 60 shared prompts; chance hardly"
    )
    page = compare.render(a, b, content)
    assert "run A passed here" in page and "The same settings" not in page
    import jsonschema

    document = compare.document(a, b, content)
    jsonschema.validate(json.loads(json.dumps(document)), load_schema("run_comparison"))


def test_runs_under_other_settings_are_not_comparable(regressed: RunFiles) -> None:
    a = compare.find_side("20260101T080000Z-aaaaaa", regressed.path.parent)
    b = compare.Side("b", a.path, {**a.evaluation, "max_new_tokens": 64})
    content = compare.compare(a, b)
    assert not content["comparable"]
    assert content["different"] == {"max_new_tokens": {"a": 416, "b": 64}}
    assert "not comparable" in compare.render(a, b, content)
    for name in CONDITIONS:
        b = compare.Side("b", a.path, {**a.evaluation, name: "another"})
        assert not compare.compare(a, b)["comparable"], name


def test_a_run_without_an_evaluation_cannot_be_compared(leaked: RunFiles) -> None:
    with pytest.raises(UserError, match="has no evaluation report to compare"):
        compare.find_side(str(leaked.path), leaked.path.parent)


FAKE = """
import json, os, sys, time
def init(**words): record.append(words)
def log(figures): record.append(figures)
def finish():
    {end}
    open(os.environ["TRACKED"], "w").write(json.dumps(record))
record = []
"""


@pytest.mark.parametrize(
    ("end", "problem"), [("pass", None), ("raise OSError('no disk')", "no disk"), ("time.sleep(60)", "more than 3 s")]
)
def test_tracking_is_never_in_the_way(
    regressed: RunFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, problem: str | None
) -> None:
    (tmp_path / "trackio.py").write_text(FAKE.format(end=end), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setenv("TRACKED", str(tmp_path / "tracked.json"))
    said = track.track(regressed.path, limit_s=3)
    if problem is None:
        assert said is None
        settings, figures = json.loads((tmp_path / "tracked.json").read_text(encoding="utf-8"))
        assert settings["name"] == regressed.run_id
        assert figures["task_success_rate"] == pytest.approx(44 / 60) and figures["passed"] == 0
        assert figures["base/task_success_rate"] == pytest.approx(5 / 60)
    else:
        assert said is not None and problem in said and "the run itself is complete" in said


def test_tracking_without_trackio_says_so(regressed: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(SystemExit, match=r"ainl-align\[track\]"):
        track.send(read_json(regressed.path, "alignment_run_health"))
