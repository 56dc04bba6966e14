"""Weights that a training begins from: those of a finished adapter, in place of fresh ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.artifacts import file_hash, parse_json
from ainl_align.errors import UserError
from ainl_align.training.base import BaseModel, loading
from ainl_align.training.checkpoints import WEIGHTS, check_base, load_adapter

RATE_SHARE = 0.25
"""Part of a profile's learning rate that a training from a finished adapter takes, unless one is named."""


@dataclass(frozen=True)
class Start:
    """A finished adapter: LoRA of one rank and one alpha on the layers that training here adapts."""

    folder: Path
    rank: int
    alpha: int
    sha256: str


def read_start(folder: Path, base: BaseModel) -> Start:
    """The adapter to begin from; UserError when it is damaged, of another base, or another kind of LoRA than ours."""
    adapter = load_adapter(folder)
    check_base(adapter, base)
    path = adapter.folder / "adapter_config.json"
    config = parse_json(path)
    if not isinstance(config, dict) or not all(isinstance(config.get(name), int) for name in ("r", "lora_alpha")):
        raise UserError(f"{path}: fields 'r' and 'lora_alpha' must be whole numbers; begin from another adapter")
    for name in ("use_dora", "use_rslora", "rank_pattern", "alpha_pattern"):
        if config.get(name):
            raise UserError(
                f"{path}: field '{name}' is set, which training here does not do; begin from another adapter"
            )
    return Start(adapter.folder, config["r"], config["lora_alpha"], file_hash(adapter.folder / WEIGHTS))


def begin_from(model: Any, start: Start) -> None:
    """Put the start's weights into a PEFT model's adapter, matrix by matrix; UserError unless they fill it exactly."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    with loading(start.folder, "weights"):
        result = set_peft_model_state_dict(model, load_file(start.folder / WEIGHTS))
    wrong = [*result.unexpected_keys, *(name for name in result.missing_keys if "lora_" in name)]
    if wrong:
        raise UserError(
            f"{start.folder}: adapts other layers than training here does ({len(wrong)} matrices, such as {wrong[0]}); "
            "begin from an adapter on all linear layers"
        )


def incomplete(wrapped: Any, folder: Path, name: str = "default") -> str | None:
    """What is wrong when an adapter's file does not hold exactly the matrices that its configuration asks for; it was
    loaded as ``name``.

    PEFT leaves what is missing as it was initialised, without effect, and says so in a warning at most.
    """
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    wanted = get_peft_model_state_dict(wrapped, adapter_name=name, save_embedding_layers=False).keys()
    with safe_open(folder / WEIGHTS, framework="numpy") as weights:
        found = set(weights.keys())
    for names, does in ((wanted - found, "lacks {} that"), (found - wanted, "holds {} that nothing in")):
        if names:
            matrices = f"{len(names)} matrices, such as {min(names)},"
            return (
                f"{folder}: its {WEIGHTS} {does.format(matrices)} its adapter_config.json asks for; save or "
                "fetch it again"
            )
    return None
