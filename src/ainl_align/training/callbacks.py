"""What happens beside the training loop: progress, losses, and sealing each checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ainl_align.progress import ProgressTask
from ainl_align.training import checkpoints
from ainl_align.training.base import BaseModel

_UNWANTED = ("training_args.bin", "README.md")  # a pickle, and a model card that says nothing


class Watch(TrainerCallback):  # type: ignore[misc]
    """Advances the progress task and keeps the losses."""

    def __init__(self, task: ProgressTask) -> None:
        self._task = task
        self.losses: list[dict[str, float]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._task.advance()

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, float] | None = None, **_: Any) -> None:
        kept = {name: logs[name] for name in ("loss", "eval_loss") if logs and name in logs}
        if kept:
            self.losses.append({"step": state.global_step, **kept})
            self._task.advance(0, ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in kept.items()))


class Seal(TrainerCallback):  # type: ignore[misc]
    """Writes each checkpoint's manifest once its files are on disk."""

    def __init__(self, base: BaseModel, provenance: Mapping[str, Any]) -> None:
        self._base = base
        self._provenance = provenance

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.close(Path(args.output_dir) / f"checkpoint-{state.global_step}", state, state.global_step)

    def close(self, folder: Path, state: Any, step: int) -> None:
        """Seal ``folder`` as the adapter of ``step``, with the losses that were logged nearest before it."""
        for name in _UNWANTED:
            (folder / name).unlink(missing_ok=True)
        checkpoints.seal(
            folder,
            self._base,
            step=step,
            loss=_latest(state.log_history, "loss", step),
            eval_loss=_latest(state.log_history, "eval_loss", step),
            epoch=state.epoch,
            provenance=self._provenance,
        )


def _latest(history: list[dict[str, float]], name: str, step: int) -> float | None:
    values = [entry[name] for entry in history if name in entry and entry["step"] <= step]
    return values[-1] if values else None
