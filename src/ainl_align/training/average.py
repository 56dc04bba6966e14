"""The mean of several adapters as one adapter: model soups (Wortsman et al. 2022, arXiv 2203.05482).

Trainings that went on from the same weights end close enough together for the mean of their updates to be better than
each (docs/log.md). The updates are averaged exactly and brought back to one rank by their singular values, which no
other adapter of that rank comes closer to (Eckart and Young 1936).
"""

import shutil
import warnings
from pathlib import Path
from typing import Any

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.artifacts import appearing, check_new, check_writable, provenance
from ainl_align.config import default_base
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training.base import load_model, loading, quiet_peft, resolve
from ainl_align.training.checkpoints import WEIGHTS, load_adapter, seal
from ainl_align.training.start import incomplete, read_start

_MEAN = "mean"


class Settings(PydanticModel):
    """Options of ``average``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: tuple[Path, ...] = Field(description="folder of an adapter; name two or more")
    output_dir: Path = Field(description="folder to write; must be new or empty")
    lora_rank: int | None = Field(None, ge=1, description="rank of the mean; default: the largest of the adapters'")
    base_model: str = Field(default_factory=default_base, description="embedded name, folder or Hugging Face id")


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Write the mean as an adapter folder, sealed; returns what was done.

    UserError for an adapter that is damaged, of another base, on other layers or no plain LoRA, and for a folder that
    holds something; the folder appears only when everything went well.
    """
    target = settings.output_dir
    if len(settings.adapter) < 2:
        raise UserError(f"--adapter {settings.adapter[0]}: is the only one; name two or more to average")
    check_new(target, "--output-dir")
    base = resolve(settings.base_model)
    starts = [read_start(folder, base) for folder in settings.adapter]
    rank = settings.lora_rank or max(start.rank for start in starts)
    check_writable(target.parent)
    with appearing(target) as scratch:
        with progress.task(f"mean of {len(starts)} adapters", total=1):
            _write_mean([start.folder for start in starts], rank, load_model(base, "cpu"), scratch)
        weights = {f"adapter {number}": start.folder / WEIGHTS for number, start in enumerate(starts, 1)}
        made_by = provenance(settings.model_dump(mode="json"), data=weights, device="cpu")
        seal(scratch, base, step=None, loss=None, eval_loss=None, epoch=None, provenance=made_by)
    adapter = load_adapter(target)
    return {
        "folder": str(target),
        "adapters": [str(start.folder) for start in starts],
        "lora_rank": rank,
        "weights_sha256": adapter.files[WEIGHTS],
    }


def _write_mean(folders: list[Path], rank: int, model: Any, target: Path) -> None:
    """Mean of the adapters' updates, each of which counts alike, at ``rank``."""
    from peft import PeftModel

    quiet_peft()
    names = [f"adapter{number}" for number in range(len(folders))]  # PEFT takes a bare number for that of a layer
    with loading(folders[0], "weights"):
        wrapped = PeftModel.from_pretrained(model, str(folders[0]), adapter_name=names[0])
    for name, folder in zip(names, folders, strict=True):
        with loading(folder, "weights"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Found missing adapter keys")  # that is an error, told below
            if name != names[0]:
                wrapped.load_adapter(str(folder), adapter_name=name)
            problem = incomplete(wrapped, folder, name)
        if problem is not None:
            raise UserError(problem)
        if _layers(wrapped, name) != _layers(wrapped, names[0]):
            raise UserError(f"{folder}: adapts other layers than {folders[0]}; average adapters of one kind")
    wrapped.add_weighted_adapter(
        names, [1 / len(names)] * len(names), _MEAN, combination_type="svd", svd_rank=rank, svd_full_matrices=False
    )
    wrapped.save_pretrained(str(target), selected_adapters=[_MEAN], save_embedding_layers=False)
    (target / "README.md").unlink(missing_ok=True)  # PEFT's, with nothing filled in
    for path in (target / _MEAN).iterdir():
        if path.name in ("adapter_config.json", WEIGHTS):
            path.rename(target / path.name)
    shutil.rmtree(target / _MEAN)


def _layers(wrapped: Any, name: str) -> frozenset[str]:
    """The layers that an adapter adapts."""
    modules = wrapped.base_model.model.named_modules()
    return frozenset(layer for layer, module in modules if name in getattr(module, "lora_A", {}))
