"""report, and report compare, as a user meets them."""

import json
import shutil
import sys
import webbrowser
from pathlib import Path

import jsonschema
import pytest

from ainl_align.artifacts import load_schema
from ainl_align.cli import main
from ainl_align.report.run_files import RunFiles


def ainl_align(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["ainl-align", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture
def run(regressed: RunFiles, tmp_path: Path) -> Path:
    """A copy of the failed run's corpus; returns its curated folder."""
    shutil.copytree(regressed.path.parents[1], tmp_path / "corpus")
    return tmp_path / "corpus" / "curated"


def test_report_writes_the_page_and_says_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    junit = run / "junit.xml"
    assert ainl_align(monkeypatch, "report", run, "--junit", junit) == 0
    shown = capsys.readouterr()
    page = run / "alignment_run_report.html"
    assert shown.out.startswith("fail: run 20260102T080000Z-bbbbbb;") and shown.out.endswith(f"report {page}\n")
    assert shown.out.count("\n") == 1
    assert "status: fail" in shown.err
    assert "All 11 lost prompts" in page.read_text(encoding="utf-8")
    assert "testsuites" in junit.read_text(encoding="utf-8")


def test_report_speaks_json_and_opens(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    page = tmp_path / "pages" / "x.html"
    words = ("report", run / "alignment_run_health.json", "--json", "--open", "--output", page)
    assert ainl_align(monkeypatch, *words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == "fail" and said["page"] == str(page)
    assert opened == [page.as_uri()] and page.is_file()
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert ainl_align(monkeypatch, *words) == 2
    assert "open the file yourself" in capsys.readouterr().err


def test_compare_writes_a_page_and_json_that_fits_its_schema(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = run / "history" / "model_eval_report_20260101T080000Z-aaaaaa.json"
    assert ainl_align(monkeypatch, "report", "compare", before, run) == 0
    page = run / "comparison_20260101T080000Z-aaaaaa_20260102T080000Z-bbbbbb.html"
    line = capsys.readouterr().out
    assert line.startswith("A has the higher task_success than B by 18.3 points") and line.endswith(f"Page: {page}\n")
    assert "run A passed here" in page.read_text(encoding="utf-8")
    assert ainl_align(monkeypatch, "report", "compare", before, run, "--json") == 0
    jsonschema.validate(json.loads(capsys.readouterr().out), load_schema("run_comparison"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.json"], "missing.json: no such file"),
        (["20990101T000000Z-ffffff"], "knows no such run"),
        (["compare", "a.json"], "name two runs"),
        (["compare", "a.json", "b.json"], "a.json: no such file"),
        (["compare", "a", "b", "--junit", "x.xml"], "--junit: is for one run"),
        (["one", "two"], "name one run"),
    ],
)
def test_wrong_words_are_one_message_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ainl_align(monkeypatch, "report", *words) == 2
    shown = capsys.readouterr()
    assert said in shown.err and len(shown.err.strip().splitlines()) == 1
    assert shown.out == "" and not list(tmp_path.iterdir())


def test_a_folder_without_a_run_and_an_unwritable_page(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ainl_align(monkeypatch, "report", tmp_path) == 0, "the folder above a corpus is fine"
    (tmp_path / "empty").mkdir()
    assert ainl_align(monkeypatch, "report", tmp_path / "empty") == 2
    assert "holds no alignment_run_health.json" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert ainl_align(monkeypatch, "report", run, "--output", tmp_path / "file" / "x.html") == 2
    assert "cannot be written" in capsys.readouterr().err
