"""Dynamic int8 for decoding on a CPU: weights of linear layers in 8-bit integers, activations quantised on the fly."""

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ainl_align.progress import Progress

MODES = ("none", "dynamic-int8")


@dataclass(frozen=True)
class Quantization:
    """What was asked for, what was applied, and why they differ (None when they do not)."""

    requested: str
    applied: str
    reason: str | None


def quantize(model: Any, requested: str, device: str, progress: Progress) -> tuple[Any, Quantization]:
    """The model to decode with: ``model`` itself, or an int8 copy whose linear layers are quantised.

    ``model`` is left as it is. Merge a LoRA adapter before: its side branches would be quantised one by one. Where
    int8 cannot be had, ``model`` comes back, and ``progress.fallback`` tells. ValueError for an unknown mode.
    """
    if requested not in MODES:
        raise ValueError(f"quantization {requested!r} is none of {', '.join(MODES)}")
    if requested == "none":
        return model, Quantization(requested, "none", None)
    reason = _obstacle(model, device)
    if reason is not None:
        progress.fallback(f"{requested} is not applied: {reason}; decoding goes on in full precision")
        return model, Quantization(requested, "none", reason)
    return _quantized(model), Quantization(requested, requested, None)


def _obstacle(model: Any, device: str) -> str | None:
    if torch.device(device).type != "cpu":
        return f"int8 decoding is for the CPU, this is {device}"
    if not [engine for engine in torch.backends.quantized.supported_engines if engine != "none"]:
        return "this build of torch has no int8 engine"
    if not any(type(module) is nn.Linear for module in model.modules()):
        return "the model has no plain linear layers (merge the adapter first)"
    return None


def _quantized(model: Any) -> Any:
    with warnings.catch_warnings():
        # torch announces torchao as the successor; the pinned torch still has this, and torchao is one dependency more.
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=".*torch.quantize_per_channel.*")
        spec = {nn.Linear: torch.ao.quantization.per_channel_dynamic_qconfig}
        copied = copy.deepcopy(model).float()  # int8 layers take fp32 activations only
        quantized = torch.ao.quantization.quantize_dynamic(copied, spec, dtype=torch.qint8, inplace=True)
    return quantized.eval()
