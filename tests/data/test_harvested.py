"""Drafts of the base model: tracked templates that speak of the resources of any task."""

import json
import random
import re
from pathlib import Path

import pytest

from ainl_align.data import harvested
from ainl_align.language.semantics import verdict
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.scenario import Task


def test_there_are_enough_and_none_is_a_program() -> None:
    found = harvested.templates()
    assert len(found) >= 60
    assert len({text for text, _ in found}) == len(found)
    assert sum(not cut for _, cut in found) >= 5
    assert not any(verdict(text).canonical for text, _ in found)
    assert sum("«" in text for text, _ in found) >= 30


def test_resources_by_kind(task: Task) -> None:
    assert harvested.resources(task.gold.splitlines()) == {
        "url": ["https://status.example.org/api"],
        "mail": ["ops@example.org"],
        "file": [],
        "name": ["load"],
        "text": ["load is ", "alerted", "fine", "gave up"],
    }


def test_slots_are_filled_with_what_the_task_speaks_of(task: Task) -> None:
    lines = task.gold.splitlines()
    drafts = [harvested.cut_off(lines, random.Random(seed)) for seed in range(40)]
    texts = [draft for draft in drafts if draft is not None]
    assert len(set(texts)) > 8
    assert not any(re.search("[«»]", text) for text in texts)
    assert any("https://status.example.org/api" in text for text in texts)


def test_a_harvest_turns_resources_into_slots(task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvested, "__file__", str(tmp_path / "harvested.py"))
    write_prompt_set(tmp_path / "prompts.jsonl", [PromptRow(id=task.id, prompt=task.prompt, task=task)])
    program = "fetch('https://status.example.org/api')['load']\n" + "x = 1\n" * 200
    row = {"id": task.id, "program": program, "finish_reason": "budget"}
    (tmp_path / "outputs.jsonl").write_text(json.dumps(row) + "\n")
    assert harvested.harvest(tmp_path / "prompts.jsonl", tmp_path / "outputs.jsonl") == 1
    draft = json.loads((tmp_path / "harvested.json").read_text())["drafts"][0]
    assert draft["cut"] and draft["text"].startswith("fetch('«url0»')['«name0»']\nx = 1")
    assert len(draft["text"]) <= 480
