"""Checkpoints that a training goes on from: the adapter, and beside it the state of the loop.

The state lies in the folder ``resume`` of the newest checkpoint, as safetensors and JSON: no pickle is written or read.
The order of the data and the learning rate are functions of the step, and nothing in training is random after its
start, so a resumed training takes the same steps as one that never stopped.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from ainl_align.artifacts import content_hash, file_hash, parse_json, sync_folder
from ainl_align.errors import UserError
from ainl_align.keys import Key, code_hash, differing, in_words, libraries_hash
from ainl_align.progress import Progress
from ainl_align.training import checkpoints
from ainl_align.training.base import BaseModel
from ainl_align.training.checkpoints import MANIFEST, RESUME
from ainl_align.training.plan import Plan
from ainl_align.training.rows import Encoded

HISTORY = "trainer_state.json"
"""The training log in a checkpoint, under the name that the ecosystem's tools look for."""
_STATE = "state.json"
_TENSORS = "state.safetensors"

Losses = list[dict[str, float]]
"""One entry a log: step, and loss or eval_loss."""


@dataclass(frozen=True)
class Keeper:
    """Writes and finds the checkpoints of one training under ``root``.

    ``key`` is the training's content key: checkpoints of another key are no part of it. A checkpoint is made every
    ``save_steps`` of ``steps`` and at the end; ``limit`` of them are kept (None: all).
    """

    root: Path
    base: BaseModel
    key: Key
    provenance: Mapping[str, Any]
    save_steps: int
    steps: int
    limit: int | None = None

    def save(
        self,
        step: int,
        write: Callable[[Path], None],
        tensors: Mapping[str, Tensor],
        losses: Losses,
        *,
        epoch: float,
    ) -> None:
        """Write the checkpoint of ``step``; older ones then lose their state, and go beyond the limit.

        ``write`` puts the adapter's files into a folder, ``tensors`` is the loop's state. When a write fails, the
        checkpoints before stay as they are, and this one is gone.
        """
        folder = self.root / f"checkpoint-{step}"
        try:
            write(folder)
            log = {"global_step": step, "epoch": epoch, "log_history": losses}
            (folder / HISTORY).write_text(json.dumps(log, indent=2) + "\n", encoding="utf-8")
            if step < self.steps:
                _save_state(folder / RESUME, tensors)
            self._seal(folder, step, epoch, losses)
        except BaseException:
            checkpoints.discard(folder)
            raise
        self._tidy()

    def is_finished(self, progress: Progress, *, need_checkpoints: bool) -> bool:
        """Whether this very training has ended in ``root``; says so, or which checkpoints it has lost."""
        done = _final(self.root)
        if done is None or dict(done.training) != dict(self.key):
            return False
        gone = [name for name in done.made if not (self.root / name / MANIFEST).is_file()]
        if gone and need_checkpoints:
            progress.say(f"{self.root}: {', '.join(gone)} have been removed and are needed; training anew")
            return False
        lost = f" ({', '.join(gone)} have been removed since)" if gone else ""
        progress.say(f"{self.root}: this training is finished already{lost}; --no-resume trains anew")
        return True

    def prepare(self, progress: Progress, *, resume: bool) -> None:
        """Leave in ``root`` only what this training goes on from, and say what that is."""
        start = self.newest() if resume else 0
        if start:
            progress.say(f"{self.root}: this training goes on from checkpoint-{start} of {self.steps} steps")
            checkpoints.discard_incomplete(self.root)
            return
        if resume and checkpoints.checkpoint_folders(self.root):
            progress.say(f"{self.root}: {self._why_anew()}; training anew")
        self.clear()

    def _why_anew(self) -> str:
        try:
            found = checkpoints.checkpoints(self.root)[-1].training
        except UserError:
            return "no earlier checkpoint is whole"
        changed = differing(found, self.key)
        if not found or not changed:
            return "its checkpoints are of another training" if changed else "a checkpoint is missing or damaged"
        return f"its checkpoints are of a training with other {in_words(changed)}"

    def losses(self) -> Losses:
        """The losses of a finished training, as far as its checkpoints are still there."""
        folders = [path for path in checkpoints.checkpoint_folders(self.root) if (path / HISTORY).is_file()]
        found: Losses = parse_json(folders[-1] / HISTORY)["log_history"] if folders else []
        return found

    def newest(self) -> int:
        """The step to go on from: that of the newest checkpoint of this training; 0 when there is none to use.

        Where one that an uninterrupted training would have left is missing or damaged, there is nothing to go on from.
        """
        try:
            found = checkpoints.checkpoints(self.root)
        except UserError:
            return 0
        newest = found[-1].step or 0
        made = [step for step in range(1, newest + 1) if step % self.save_steps == 0 or step == self.steps]
        left = made if self.limit is None else made[-self.limit :]
        steps = [item.step for item in found]
        # A kill may have come between the newest checkpoint and the end of one that it puts beyond the limit.
        if steps[-len(left) :] != left or any(dict(item.training) != dict(self.key) for item in found):
            return 0
        return newest if newest == self.steps or _is_whole(found[-1].folder / RESUME) else 0

    def load(self, step: int) -> tuple[dict[str, Tensor], Losses]:
        """The loop's state at the checkpoint of ``step`` (empty at the end), and the losses until then."""
        folder = self.root / f"checkpoint-{step}"
        losses: Losses = parse_json(folder / HISTORY)["log_history"]
        return ({} if step == self.steps else load_file(folder / RESUME / _TENSORS)), losses

    def finish(self, step: int) -> None:
        """Make ``root`` the adapter of the checkpoint of ``step``; the training is finished then."""
        chosen = checkpoints.load_adapter(self.root / f"checkpoint-{step}")
        for name in chosen.files:
            if name != HISTORY:
                shutil.copyfile(chosen.folder / name, self.root / name)
        log = parse_json(chosen.folder / HISTORY)
        self._tidy()
        made = [folder.name for folder in checkpoints.checkpoint_folders(self.root)]
        self._seal(self.root, step, log["epoch"], log["log_history"], made)

    def clear(self) -> None:
        """Remove what another training left in ``root``, so that nothing of it is taken for this one's."""
        for name in (checkpoints.BEST_LINK, MANIFEST, checkpoints.WEIGHTS, "adapter_config.json", "README.md"):
            (self.root / name).unlink(missing_ok=True)
        for folder in checkpoints.checkpoint_folders(self.root):
            checkpoints.discard(folder)

    def _tidy(self) -> None:
        """Older checkpoints lose their state, and go where they are beyond the limit."""
        complete = checkpoints.checkpoint_folders(self.root)
        for older in complete[:-1]:
            _drop_state(older / RESUME)
        if self.limit is not None:
            for older in complete[: -self.limit]:
                checkpoints.discard(older)

    def _seal(self, folder: Path, step: int, epoch: float, losses: Losses, made: Sequence[str] = ()) -> None:
        def latest(name: str) -> float | None:
            return next((row[name] for row in reversed(losses) if name in row and row["step"] <= step), None)

        checkpoints.seal(
            folder,
            self.base,
            step=step,
            loss=latest("loss"),
            eval_loss=latest("eval_loss"),
            epoch=epoch,
            provenance=self.provenance,
            training=self.key,
            made=made,
        )


def training_key(plan: Plan, base: BaseModel, train: Sequence[Encoded], held_out: Sequence[Encoded]) -> Key:
    """What decides a training's outcome, by parts."""
    return {
        "settings": content_hash(asdict(plan)),
        "rows": content_hash([[row.ids, row.labels] for row in (*train, *held_out)]),
        "base model": base.fingerprint,
        "code": code_hash("training"),
        "libraries": libraries_hash(),
    }


def _final(root: Path) -> checkpoints.Adapter | None:
    """The adapter that a training left in ``root`` when it ended; None when there is none, or it is damaged."""
    if not (root / MANIFEST).is_file():
        return None
    try:
        return checkpoints.load_adapter(root)
    except UserError:
        return None


def _save_state(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, folder / _TENSORS)
    (folder / _STATE).write_text(json.dumps({"sha256": file_hash(folder / _TENSORS)}), encoding="utf-8")
    for name in (_TENSORS, _STATE):
        with (folder / name).open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)


def _is_whole(folder: Path) -> bool:
    try:
        return bool(parse_json(folder / _STATE)["sha256"] == file_hash(folder / _TENSORS))
    except (UserError, OSError, KeyError, TypeError):
        return False


def _drop_state(folder: Path) -> None:
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
