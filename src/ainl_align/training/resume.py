"""Checkpoints that a training goes on from: adapter, optimiser, schedule, random numbers and losses so far.

What goes beyond the adapter lies in the folder ``resume`` of the newest checkpoint, as safetensors and JSON: no pickle
is written or read. Where the order of the data is a function of the seed, a resumed training takes the same steps as
one that never stopped.
"""

import json
import os
import random
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ainl_align.artifacts import file_hash, parse_json, sync_folder
from ainl_align.errors import UserError
from ainl_align.keys import Key
from ainl_align.training import checkpoints
from ainl_align.training.base import BaseModel
from ainl_align.training.checkpoints import RESUME, WEIGHTS

HISTORY = "trainer_state.json"
_STATE = "state.json"
_TENSORS = "state.safetensors"


@dataclass
class Keeper:
    """Saves the checkpoints of one training under ``root`` and finds the one to go on from. For the main process alone.

    ``key`` is the training's content key: checkpoints of another key are no part of it. ``limit`` is the number of
    checkpoints to keep (None: all).
    """

    root: Path
    base: BaseModel
    key: Key
    provenance: Mapping[str, Any]
    limit: int | None = None

    def save(
        self,
        model: Any,
        tokenizer: Any,
        optimizer: Any | None,
        schedule: Any | None,
        *,
        step: int,
        epoch: float,
        history: list[dict[str, float]],
    ) -> None:
        """Write the checkpoint of ``step``; older ones lose what only the newest needs, and go beyond the limit.

        ``model`` is a PEFT model, ``history`` the training log (entries with step, and loss or eval_loss). Without
        ``optimizer`` no training can go on from it. A write that fails leaves the checkpoints before as they are.
        """
        folder = self.root / f"checkpoint-{step}"
        try:
            model.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)  # PEFT's card says nothing
            tokenizer.save_pretrained(folder)
            log = {"global_step": step, "epoch": epoch, "log_history": history}
            (folder / HISTORY).write_text(json.dumps(log, indent=2), encoding="utf-8")
            if optimizer is not None:
                save_state(folder, optimizer, schedule)
            self._seal(folder, step, epoch, history)
        except BaseException:
            checkpoints.discard(folder)
            raise
        complete = checkpoints.checkpoint_folders(self.root)
        for older in complete[:-1]:
            drop_state(older)
        if self.limit is not None:
            for older in complete[: -self.limit]:
                checkpoints.discard(older)

    def newest(self, save_steps: int, steps: int) -> int:
        """The step to go on from: that of the newest checkpoint of this training; 0 when there is none to use.

        ``save_steps`` and ``steps`` say which checkpoints an uninterrupted training makes: where one is missing or
        damaged, there is nothing to go on from.
        """
        try:
            found = checkpoints.checkpoints(self.root)
        except UserError:
            return 0
        newest = found[-1]
        made = [step for step in range(1, (newest.step or 0) + 1) if step % save_steps == 0 or step == steps]
        whole = [item.step for item in found] == (made if self.limit is None else made[-self.limit :])
        if not whole or any(dict(item.training) != dict(self.key) for item in found):
            return 0
        if newest.step != steps and not _is_whole(newest.folder / RESUME):
            return 0
        return newest.step or 0

    def load(self, step: int, model: Any, optimizer: Any, schedule: Any | None) -> list[dict[str, float]]:
        """Put model, optimiser, schedule and random numbers where they were at ``step``; returns the log until then."""
        folder = self.root / f"checkpoint-{step}"
        load_weights(folder, model)
        load_state(folder, optimizer, schedule)
        return self.history(step)

    def history(self, step: int) -> list[dict[str, float]]:
        """The training log up to the checkpoint of ``step``."""
        history: list[dict[str, float]] = parse_json(self.root / f"checkpoint-{step}" / HISTORY)["log_history"]
        return history

    def finish(self, step: int) -> None:
        """Make ``root`` the adapter of the checkpoint of ``step``: the training is finished then."""
        chosen = checkpoints.load_adapter(self.root / f"checkpoint-{step}")
        for name in chosen.files:
            if name != HISTORY:
                shutil.copyfile(chosen.folder / name, self.root / name)
        log = parse_json(chosen.folder / HISTORY)
        self._seal(self.root, step, log["epoch"], log["log_history"])
        for folder in checkpoints.checkpoint_folders(self.root):
            drop_state(folder)

    def _seal(self, folder: Path, step: int, epoch: float, history: list[dict[str, float]]) -> None:
        checkpoints.seal(
            folder,
            self.base,
            step=step,
            loss=_latest(history, "loss", step),
            eval_loss=_latest(history, "eval_loss", step),
            epoch=epoch,
            provenance=self.provenance,
            training=self.key,
        )


def finished(root: Path, key: Key) -> checkpoints.Adapter | None:
    """The adapter in ``root`` when the training of this key made and finished it, else None."""
    if not (root / checkpoints.MANIFEST).is_file():
        return None
    try:
        adapter = checkpoints.load_adapter(root)
    except UserError:
        return None
    return adapter if dict(adapter.training) == dict(key) else None


def save_state(checkpoint: Path, optimizer: Any, schedule: Any | None) -> None:
    """Write optimiser, schedule and random numbers into ``checkpoint/resume``; complete when ``state.json`` exists."""
    folder = checkpoint / RESUME
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = optimizer.state_dict()
    tensors = {f"random.{name}": state for name, state in _random_states().items()}
    plain: dict[str, dict[str, Any]] = {}
    for index, values in kept["state"].items():
        for name, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{index}.{name}"] = value.detach().cpu().contiguous()
            else:
                plain.setdefault(str(index), {})[name] = value
    save_file(tensors, folder / _TENSORS)
    state = {
        "tensors_sha256": file_hash(folder / _TENSORS),
        "optimizer": {"param_groups": kept["param_groups"], "state": plain},
        "schedule": None if schedule is None else schedule.state_dict(),
        "random": {"python": random.getstate(), "numpy": _numpy_state()},
    }
    (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")
    for name in (_TENSORS, _STATE):
        with (folder / name).open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)


def load_state(checkpoint: Path, optimizer: Any, schedule: Any | None) -> None:
    """The reverse of ``save_state``."""
    folder = checkpoint / RESUME
    state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    tensors = load_file(folder / _TENSORS)
    values: dict[int, dict[str, Any]] = {int(index): dict(kept) for index, kept in state["optimizer"]["state"].items()}
    for key, tensor in tensors.items():
        kind, _, rest = key.partition(".")
        if kind == "optimizer":
            index, _, name = rest.partition(".")
            values.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": values, "param_groups": state["optimizer"]["param_groups"]})
    if schedule is not None:
        schedule.load_state_dict(state["schedule"])
    version, numbers, gauss = state["random"]["python"]
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(tuple(state["random"]["numpy"]))
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])


def drop_state(checkpoint: Path) -> None:
    """Remove the state from a checkpoint that a newer one has followed, or whose training is finished."""
    (checkpoint / RESUME / _STATE).unlink(missing_ok=True)
    shutil.rmtree(checkpoint / RESUME, ignore_errors=True)


def load_weights(checkpoint: Path, model: Any) -> None:
    """Copy a checkpoint's adapter into the trained parameters of a PEFT model, bit by bit."""
    saved = load_file(checkpoint / WEIGHTS)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data.copy_(saved.pop(name.replace(".default.", ".")))
    if saved:
        raise UserError(f"{checkpoint}: holds weights that this training has not ({next(iter(saved))}); train anew")


def _is_whole(folder: Path) -> bool:
    try:
        return bool(parse_json(folder / _STATE)["tensors_sha256"] == file_hash(folder / _TENSORS))
    except (UserError, OSError, KeyError, TypeError):
        return False


def _random_states() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _numpy_state() -> list[Any]:
    name, numbers, *rest = np.random.get_state(legacy=True)
    return [name, numbers.tolist(), *rest]


def _latest(history: list[dict[str, float]], name: str, step: int) -> float | None:
    values = [entry[name] for entry in history if name in entry and entry["step"] <= step]
    return values[-1] if values else None
