"""Make a trained adapter the one that comes with the package (``shipped.py``)."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.artifacts import check_writable, parse_json, read_text
from ainl_align.config import default_base
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import MANIFEST, WEIGHTS, load_adapter, seal
from ainl_align.training.shipped import LARGEST_BYTES, SHELF
from ainl_align.training.start import read_start

HUB_NAMES = {"smollm2-135m": "HuggingFaceTB/SmolLM2-135M-Instruct"}
"""Embedded bases by the names that PEFT finds them by elsewhere."""
DATA_CARD = "DATA.md"
_UNKNOWN: dict[str, Any] = {"code": {}, "data": {}, "libraries": {}, "python": "", "device": "", "created": ""}


class Settings(PydanticModel):
    """Options of scripts/ship_adapter.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: Path = Field(description="folder of the adapter, or of a checkpoint")
    version: int = Field(ge=1, description="number of this version")
    made_by: str = Field(min_length=1, description="the command that makes it again")
    data_card: tuple[Path, ...] = Field((), description="card of a dataset that it was trained on (*_card.md)")
    base_model: str = Field(default_factory=default_base, description="embedded name, folder or Hugging Face id")
    shelf: Path = Field(SHELF, description="where adapters that ship lie")


def run(settings: Settings, progress: Progress) -> Path:
    """Write the adapter in bf16 with its data card, sealed with the training's provenance; remove other versions.

    Returns its folder. UserError when it is of another base, no start for a training here, or too large.
    """
    from peft import PeftConfig

    base = resolve(settings.base_model)
    start = read_start(settings.adapter, base)
    adapter = load_adapter(start.folder)
    made_by = {**_UNKNOWN, **(parse_json(adapter.folder / MANIFEST)["provenance"] if adapter.files else {})}
    check_writable(settings.shelf)
    made = Path(tempfile.mkdtemp(dir=settings.shelf, prefix="."))
    try:
        size = _halve(adapter.folder / WEIGHTS, made / WEIGHTS)
        if size > LARGEST_BYTES:
            raise UserError(
                f"{settings.adapter}: {size:,} bytes in bf16, and at most {LARGEST_BYTES:,} ship; train at a lower rank"
            )
        config = PeftConfig.from_pretrained(str(adapter.folder))
        config.base_model_name_or_path = HUB_NAMES.get(base.name, base.name)
        config.save_pretrained(str(made))
        if settings.data_card:
            (made / DATA_CARD).write_text("\n".join(map(read_text, settings.data_card)), encoding="utf-8")
        origin = {**made_by.get("settings", {}), "command": settings.made_by, "source_weights_sha256": start.sha256}
        seal(
            made,
            base,
            step=adapter.step,
            loss=None,
            eval_loss=adapter.eval_loss,
            epoch=None,
            provenance={**made_by, "settings": origin},
            training=adapter.training,
        )
        for older in settings.shelf.glob("*-v*"):
            shutil.rmtree(older)
        target = settings.shelf / f"{Path(base.name).name}-ainl-v{settings.version}"
        made.chmod(0o755)
        made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    progress.say(f"{target}: {size / 1e6:.1f} MB, sha256 {load_adapter(target).files[WEIGHTS]}")
    return target


def _halve(source: Path, target: Path) -> int:
    """Write the weights in bf16; returns the bytes of the file."""
    import torch
    from safetensors.torch import load_file, save_file

    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in load_file(source).items()}
    save_file(weights, target, metadata={"format": "pt"})
    target.chmod(0o644)
    return target.stat().st_size
