"""``ainl-align tasks``: what the commands print, write and return."""

from pathlib import Path

import pytest

from ainl_align.cli import tasks as cli
from ainl_align.data.leakage import WRITTEN
from ainl_align.errors import ExitCode, UserError
from ainl_align.tasks import commands
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, write_prompt_set

Capture = pytest.CaptureFixture[str]


def test_stats_prints_families_tiers_and_splits(capsys: Capture) -> None:
    assert cli.stats(per_family=1) == ExitCode.OK
    said = capsys.readouterr().out
    assert all(name in said for name in FAMILIES)
    assert "of 200 tasks" in said and "of 500 tasks" in said and "sentence skeletons: " in said


def test_validate_prints_the_mutant_table(capsys: Capture) -> None:
    assert cli.validate(cli.Which.dev, limit=5, mutants_per_task=3) == ExitCode.OK
    said = capsys.readouterr().out
    assert "kill rate" in said and "trivial program 'prompt echoed': passes 0 of 5" in said
    assert said.splitlines()[-1] == "5 tasks, at least 98% must be killed: ok"


def test_validate_fails_with_the_reason(tmp_path: Path, capsys: Capture) -> None:
    task = next(row.task for row in load_prompt_set(WRITTEN["handwritten"]) if row.id == "hand-ferns")
    assert task is not None
    loose = task.model_copy(update={"scenarios": task.scenarios[2:]})
    path = tmp_path / "set.jsonl"
    write_prompt_set(path, [PromptRow(id=task.id, prompt=task.prompt, task=loose)])
    assert cli.validate(prompt_set=path) == ExitCode.GATE_FAIL
    said = capsys.readouterr().out
    assert "survives: hand-ferns, line 5: threshold off by one: R core.LT val 30 ->hit: runs as the gold does" in said
    assert "NOT ok" in said


def test_show_prints_prompt_gold_and_scenarios(capsys: Capture) -> None:
    assert cli.show(cli.Which.train, per_family=1, family=["fetch_field"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "fetch_field-" in said and "R http.GET" in said and "- " in said
    with pytest.raises(UserError, match="has no such task"):
        cli.show(cli.Which.dev, family=["nothing"])


def test_export_writes_a_prompt_set_that_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    assert cli.export(cli.Which.dev, path) == ExitCode.OK
    rows = load_prompt_set(path)
    assert [row.task for row in rows] == commands.select("dev")
