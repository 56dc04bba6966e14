"""A training that was stopped goes on and ends as if it had not been: same losses, same bytes."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ainl_align.errors import UserError
from ainl_align.training import resume
from ainl_align.training.checkpoints import MANIFEST, RESUME, WEIGHTS, checkpoints
from tests import tiny

STEPS = (2, 4, 6)


def train(base: Path, folder: Path, **changes: Any) -> str:
    """Train six steps with three checkpoints, a loss for every three steps; returns what was said."""
    return tiny.train(base, folder, epochs=3, logging_steps=3, **changes)[1]


def outcome(root: Path) -> tuple[Any, ...]:
    """What must not depend on stops: weights of every checkpoint and of the root, and the log."""
    log = json.loads((root / "checkpoint-6" / resume.HISTORY).read_text())["log_history"]
    folders = [*(root / f"checkpoint-{step}" for step in STEPS), root]
    return log, [(folder / WEIGHTS).read_bytes() for folder in folders]


@pytest.fixture(scope="module")
def undisturbed(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    train(tiny_base, folder)
    return folder / "adapter"


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int, error: BaseException) -> None:
    """Let the ``call``-th call of a function of the resume module raise."""
    original: Callable[..., Any] = getattr(resume, name)
    count = 0

    def stopping(*words: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == call:
            raise error
        return original(*words, **options)

    monkeypatch.setattr(resume, name, stopping)


# _save_state comes after a checkpoint's files and before its manifest; _drop_state after it.
@pytest.mark.parametrize(
    ("name", "call", "goes_on_from"),
    [("_save_state", 1, 0), ("_save_state", 2, 2), ("_drop_state", 1, 4), ("_drop_state", 2, 6)],
)
def test_a_stopped_training_ends_as_one_that_was_not(
    tiny_base: Path,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    call: int,
    goes_on_from: int,
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, name, call, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            train(tiny_base, tmp_path)
    assert not (tmp_path / "adapter" / MANIFEST).exists()
    said = train(tiny_base, tmp_path)
    assert (f"goes on from checkpoint-{goes_on_from} " in said) == (goes_on_from > 0)
    assert outcome(tmp_path / "adapter") == outcome(undisturbed)
    left = [path.name for path in (tmp_path / "adapter").rglob("*")]
    assert RESUME not in left
    assert not [file for file in left if file.endswith((".bin", ".pt", ".pth", ".pkl"))], "a pickle was written"


def test_a_full_disk_leaves_the_last_complete_checkpoint(
    tiny_base: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, "save_file", 2, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        with pytest.raises(OSError, match="No space left"):
            train(tiny_base, tmp_path)
    root = tmp_path / "adapter"
    assert [item.step for item in checkpoints(root)] == [2]
    assert not (root / "checkpoint-4").exists(), "the space of what could not be written is given back"
    assert (root / "checkpoint-2" / RESUME).is_dir()
    train(tiny_base, tmp_path)
    assert outcome(root) == outcome(undisturbed)


def test_a_finished_training_is_not_repeated(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path)
    root = tmp_path / "adapter"
    written = (root / WEIGHTS).stat().st_mtime_ns
    assert "this training is finished already" in train(tiny_base, tmp_path)
    assert (root / WEIGHTS).stat().st_mtime_ns == written
    resume.checkpoints.discard(root / "checkpoint-2")
    assert "checkpoint-2 have been removed since" in train(tiny_base, tmp_path)
    assert "training anew" in train(tiny_base, tmp_path, need_checkpoints=True)
    assert (root / "checkpoint-2" / MANIFEST).is_file()
    assert "finished already" not in train(tiny_base, tmp_path, resume=False)


def test_another_training_starts_anew_and_says_why(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path)
    assert "a training with other settings; training anew" in train(tiny_base, tmp_path, learning_rate=0.01)
    tiny.write_chat_rows(tmp_path / "rows.jsonl", 7)
    said = train(tiny_base, tmp_path, learning_rate=0.01)
    assert "other settings and rows; training anew" in said


def test_damage_is_found_and_trained_anew(
    tiny_base: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "adapter"
    with monkeypatch.context() as patch:
        stop_at(patch, "_drop_state", 1, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            train(tiny_base, tmp_path)
    state = root / "checkpoint-4" / RESUME / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-7])
    assert "a checkpoint is missing or damaged; training anew" in train(tiny_base, tmp_path)
    assert outcome(root) == outcome(undisturbed)


def test_a_limit_keeps_the_newest_and_survives_a_stop(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, "_drop_state", 1, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            train(tiny_base, tmp_path, save_total_limit=1)
    said = train(tiny_base, tmp_path, save_total_limit=1)
    assert "goes on from checkpoint-4" in said
    assert [item.step for item in checkpoints(tmp_path / "adapter")] == [6]


def test_the_validation_choice_survives_the_rounds(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path, select_best_by_loss=True)
    root = tmp_path / "adapter"
    best = min(checkpoints(root), key=lambda item: (item.eval_loss, item.step))
    assert (root / WEIGHTS).read_bytes() == (best.folder / WEIGHTS).read_bytes()
    with pytest.raises(UserError, match="needs validation rows"):
        train(tiny_base, tmp_path, select_best_by_loss=True, eval_data_path=None)
