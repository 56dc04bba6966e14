"""Kept answers: nothing is answered twice, nothing that something else decided is replayed, damage is mended."""

import shutil
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ainl_align.decoding.records import Generation, GenerationSettings
from ainl_align.evaluation.answer import Answer, AnswerSettings, Done, Job
from ainl_align.evaluation.store import Circumstances, Shelf, answered
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.base import BaseModel
from ainl_align.training.checkpoints import Adapter

BASE = BaseModel("tiny", Path("/nowhere"), "sha256:0", "test")
JOBS = [Job(PromptRow(id=f"p{n}", prompt=f"Return {n}.")) for n in range(4)]


def made(job: Job, finish: str = "eos") -> Answer:
    part = Generation(job.row.id, "x", finish, (1, 2), tokens=3, seconds=0.5, phases={"forward": 0.25})  # type: ignore[arg-type]
    return Answer(f"program of {job.row.id}\n", finish, [part], drafts=["a\u2028b"])


class Model:
    """Answers, counts, and may die on the way."""

    def __init__(self, *, dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self._dies_after = dies_after

    def ask(self, jobs: Sequence[Job], done: Done) -> list[Answer]:
        found = []
        for job in jobs:
            if len(self.asked) == self._dies_after:
                raise KeyboardInterrupt
            self.asked.append(job.row.id)
            found.append(made(job))
            done(job, found[-1])
        return found


def shelf(folder: Path | None, progress: Progress | None = None) -> Shelf:
    return Shelf(folder, "0" * 64, progress or Progress())


def programs(answers: Sequence[Answer]) -> list[str]:
    return [item.program for item in answers]


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    first, again = Model(), Model()
    answers, replayed = answered(JOBS, [shelf(tmp_path)], first.ask)
    assert (first.asked, replayed) == (["p0", "p1", "p2", "p3"], 0)
    known, replayed = answered(JOBS, [shelf(tmp_path)], again.ask)
    assert (again.asked, replayed) == ([], 4)
    assert programs(known) == programs(answers)
    assert known[0].drafts == ["a\u2028b"]
    assert known[0].generations[0].phases == {"forward": 0.25} and known[0].tokens == 3
    unkept = Model()
    answered(JOBS, [shelf(None)], unkept.ask)
    answered(JOBS, [shelf(None)], unkept.ask)
    assert len(unkept.asked) == 8


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answered(JOBS, [shelf(tmp_path)], Model(dies_after=3).ask)
    rest = Model()
    answers, replayed = answered(JOBS, [shelf(tmp_path)], rest.ask)
    assert (rest.asked, replayed) == (["p3"], 3)
    assert programs(answers) == [f"program of p{n}\n" for n in range(4)]


def test_answers_that_are_kept_together_are_all_there_or_none(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        answered(JOBS, [shelf(tmp_path)], Model(dies_after=3).ask, together=True)
    model = Model()
    answered(JOBS, [shelf(tmp_path)], model.ask, together=True)
    assert len(model.asked) == 4
    assert answered(JOBS, [shelf(tmp_path)], model.ask, together=True)[1] == 4


@pytest.mark.parametrize("damage", ["torn", "unended", "changed", "noise"])
def test_damaged_answers_are_told_and_given_again(tmp_path: Path, damage: str) -> None:
    answers, _ = answered(JOBS, [shelf(tmp_path)], Model().ask)
    (path,) = tmp_path.iterdir()
    text = path.read_bytes()
    if damage == "torn":
        path.write_bytes(text[:-20])
    elif damage == "unended":
        path.write_bytes(text[:-1])
    elif damage == "changed":
        path.write_bytes(text.replace(b"program of p3", b"program of p4"))
    else:
        path.write_bytes(text[: text.index(b"p3")] + b"\xff\x00\n" + text[:0])
    progress, model = Progress(), Model()
    found, replayed = answered(JOBS, [shelf(tmp_path, progress)], model.ask)
    assert (model.asked, replayed) == (["p3"], 3)
    assert programs(found) == programs(answers)
    assert len(progress.fallbacks) == 1 and "1 kept answers cannot be read" in progress.fallbacks[0]
    progress = Progress()
    assert answered(JOBS, [shelf(tmp_path, progress)], model.ask)[1] == 4
    assert progress.fallbacks == []


def test_kept_answers_take_the_memory_of_their_text(tmp_path: Path) -> None:
    jobs = [Job(PromptRow(id=f"p{n}", prompt=f"Return {n}.")) for n in range(400)]
    answered(jobs, [shelf(tmp_path)], Model().ask)
    (path,) = tmp_path.iterdir()
    tracemalloc.start()
    try:
        place = shelf(tmp_path)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert place.get(jobs[-1]) is not None
    assert held < 1.5 * path.stat().st_size and most < 1.7 * path.stat().st_size


def test_what_the_clock_ended_is_not_kept(tmp_path: Path) -> None:
    place = shelf(tmp_path)
    place.put(JOBS[0], made(JOBS[0], "timeout"))
    place.put(JOBS[1], made(JOBS[1], "budget"))
    assert shelf(tmp_path).get(JOBS[0]) is None
    assert shelf(tmp_path).get(JOBS[1]) is not None


def test_a_folder_that_cannot_be_written_costs_the_keeping_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    progress = Progress()
    answers, _ = answered(JOBS, [shelf(tmp_path / "file", progress)], Model().ask)
    assert len(answers) == 4
    assert len(progress.fallbacks) == 1 and "cannot be kept" in progress.fallbacks[0]


def test_the_key_is_that_of_all_that_decides(tiny_adapter: Path, tmp_path: Path, monkeypatch: Any) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(tiny_adapter / "checkpoint-1", copied)
    adapter = Adapter(tiny_adapter / "checkpoint-1", "tiny", None, 1, None)
    settings = AnswerSettings(GenerationSettings())

    def key(where: Adapter | None = adapter, **changes: Any) -> str:
        values = {"base": BASE, "settings": settings, "path": "merged"}
        return Circumstances(**{**values, **changes}).key(where)

    assert key() == key(Adapter(copied, "tiny", None, 7, 0.5)), "the same content in another place"
    faster = AnswerSettings(GenerationSettings(batch_size=3, timeout_seconds=5.0, heartbeat_seconds=1.0))
    assert key() == key(settings=faster)
    others = [
        key(None),
        key(Adapter(tiny_adapter / "checkpoint-2", "tiny", None, 1, None)),
        key(base=BaseModel("tiny", Path("/nowhere"), "sha256:1", "test")),
        key(path="stacked"),
        key(settings=AnswerSettings(GenerationSettings(max_new_tokens=9))),
        key(settings=AnswerSettings(GenerationSettings(constrained=False))),
        key(settings=AnswerSettings(GenerationSettings(), repair_attempts=0)),
    ]
    with (copied / "adapter_model.safetensors").open("r+b") as handle:
        handle.seek(-1, 2)
        last = handle.read(1)
        handle.seek(-1, 2)
        handle.write(bytes([last[0] ^ 1]))
    others.append(key(Adapter(copied, "tiny", None, 1, None)))
    monkeypatch.setattr("ainl_align.evaluation.store.code_hash", lambda: "changed")
    others.append(key())
    monkeypatch.undo()
    assert len({key(), *others}) == 1 + len(others)
