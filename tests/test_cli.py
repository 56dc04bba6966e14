"""The command line as a user meets it: verdicts, exit codes, one message for every failure."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from ainl_align.cli import app, main
from ainl_align.cli.boundary import guarded
from ainl_align.cli.options import parse, parser_for
from ainl_align.config import ROOT, CycleSettings
from ainl_align.errors import StageError, UserError
from ainl_align.tasks.prompts import load_prompt_set

GOOD = 'S app core noop\nL1:\n  R core.CONCAT "a" "b" ->text\n  J text\n'


def ainl_align(*words: str) -> int:
    """Run the command in this process; returns its exit code."""
    before = sys.argv
    sys.argv = ["ainl-align", *words]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        sys.argv = before
    raise AssertionError("the command returned without an exit code")


def test_check_accepts_a_canonical_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "good.ainl"
    path.write_text(GOOD, encoding="utf-8")
    assert ainl_align("check", str(path), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert {
        name: said[name] for name in ("runtime_compile", "strict_compile", "strict_ainl", "canonical")
    } == dict.fromkeys(("runtime_compile", "strict_compile", "strict_ainl", "canonical"), True)
    assert said["reasons"] == []


@pytest.mark.parametrize("text", ["", "Sure! Here is the program.\n", GOOD.replace("J text", "J other")])
def test_check_refuses_with_reasons_and_10(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    path = tmp_path / "bad.ainl"
    path.write_text(text, encoding="utf-8")
    assert ainl_align("check", str(path), "--json") == 10
    said = json.loads(capsys.readouterr().out)
    assert not said["canonical"]
    assert said["reasons"]
    assert set(said["reasons"][0]) == {"line", "code", "message"}
    assert ainl_align("check", str(path)) == 10
    assert re.search(r"^canonical +no$", capsys.readouterr().out, re.MULTILINE)


def test_check_reads_standard_input() -> None:
    command = [sys.executable, "-c", "from ainl_align.cli import main; main()", "check", "-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    good = subprocess.run(command, input=GOOD.encode(), capture_output=True, env=environment, timeout=60, check=False)
    assert good.returncode == 0, good.stdout
    bad = subprocess.run(command, input=b"\xff\xfe", capture_output=True, env=environment, timeout=60, check=False)
    assert bad.returncode == 2
    assert b"standard input" in bad.stderr
    assert b"Traceback" not in bad.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "missing.ainl"], "missing.ainl: no such file"),
        (["run", "--config", "missing.toml"], "missing.toml: no such file"),
        (["run", "--positional", *[""] * 18], "at most 17"),
        (["run", "--positional", "", "x"], "argument 2 (VARIANTS_PER_PROMPT)"),
        (["run", "--min-strict-rate", "2"], "--min-strict-rate:"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "words"], "words"),
        (["report", "missing.json"], "missing.json: no such file"),
        (["gate", "--reports-dir", "missing"], "missing: no such folder"),
        (["gate", "--glob", "/x/*.json"], "--glob"),
        (["base", "no/such/base/name"], "no/such/base/name"),
    ],
)
def test_bad_input_is_one_message_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ainl_align(*words) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["nonsense"], ["check"], ["build", "nonsense"]])
def test_wrong_usage_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ainl_align(*words) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_tasks_show_stats_validate_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ainl_align("tasks", "show", "dev", "--family", "fetch_field") == 0
    assert "S app core noop" in capsys.readouterr().out
    assert ainl_align("tasks", "stats") == 0
    assert re.search(r"^ fetch_field +T1 ", capsys.readouterr().out, re.MULTILINE)
    assert ainl_align("tasks", "validate", "regression", "--mutants-per-task", "1") == 0
    assert "12 tasks, at least 98% must be killed: ok" in capsys.readouterr().out
    assert ainl_align("tasks", "export", "dev", str(tmp_path / "dev.jsonl")) == 0
    assert load_prompt_set(tmp_path / "dev.jsonl")[0].task is not None
    assert ainl_align("tasks", "show", "dev", "--family", "nonsense") == 2
    capsys.readouterr()
    assert ainl_align("tasks", "show", "dev", "--family", "fetch_field", "--json") == 0
    assert {task["family"] for task in json.loads(capsys.readouterr().out)} == {"fetch_field"}
    assert ainl_align("tasks", "stats", "--json") == 0
    assert json.loads(capsys.readouterr().out)["tiers"][-1]["tier"] == "all"
    assert ainl_align("tasks", "export", "dev", str(tmp_path / "dev.jsonl"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(tmp_path / "dev.jsonl")
    assert ainl_align("tasks", "validate", "regression", "--mutants-per-task", "1", "--limit", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def commands(group: typer.Typer, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for command in group.registered_commands:
        yield (*above, command.name or "")
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, (*above, inner.name or ""))


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_every_command_has_help_and_speaks_json(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert ainl_align(*words, "--help") == 0
    shown = capsys.readouterr().out
    assert "sage: ainl-align" in shown and "--json" in shown


def _raise(error: BaseException) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("f.json, line 3: bad; mend it"), 2, "f.json, line 3: bad; mend it"),
        (StageError("a worker was killed"), 1, "a worker was killed"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 2, "no space left on the disk"),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), 2, "no space left"),
        (MemoryError(), 1, "out of memory (MemoryError); what was finished is kept"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "out of memory ([Errno 12] Cannot allocate memory)"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), 1, "out of memory"),
        (PermissionError(errno.EACCES, "Permission denied", "/x/y"), 2, "/x/y: cannot be used (Permission denied)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_every_failure_has_its_code_and_message(
    error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    with pytest.raises(SystemExit) as stop:
        guarded(_raise)(error)
    assert stop.value.code == code
    shown = capfd.readouterr().err
    assert said in shown
    assert "Traceback" not in shown


def test_a_crash_is_one_line_that_says_where_the_traceback_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        guarded(_raise)(ValueError("three\nlines\nof text"))
    assert stop.value.code == 1
    shown = capsys.readouterr().err.strip()
    assert len(shown.splitlines()) == 1
    assert "ValueError: three;" in shown
    saved = Path(shown.rsplit(" ", 1)[1])
    assert "raise error\nValueError: three\nlines" in saved.read_text(encoding="utf-8")
    saved.unlink()


def test_options_come_from_the_settings_model(tmp_path: Path) -> None:
    parser = parser_for(CycleSettings, "test", "")
    words = "--epochs 0.5 --skip-base-eval --no-prune-non-topk --min-canonical-rate none --quantization-mode none"
    settings = parse(parser, CycleSettings, [*words.split(), "--corpus-dir", str(tmp_path)])
    assert settings.epochs == 0.5
    assert (settings.skip_base_eval, settings.prune_non_topk) == (True, False)
    assert settings.min_canonical_rate is None
    assert settings.quantization_mode == "none"
    assert settings.corpus_dir == tmp_path
    assert settings.model_fields_set == {
        *("epochs", "skip_base_eval", "prune_non_topk", "min_canonical_rate", "quantization_mode", "corpus_dir")
    }


def test_doctor_and_base_speak_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = ainl_align("doctor", "--json")
    findings = json.loads(capsys.readouterr().out)
    assert code == (0 if all(finding["ok"] for finding in findings) else 2)
    assert all(finding["ok"] or finding["mend"] for finding in findings)
    assert {"python", "torch", "device cpu"} <= {finding["what"] for finding in findings}
