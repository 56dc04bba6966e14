"""Dynamic int8 for decoding on a CPU: weights of linear layers in 8-bit integers, activations quantised on the fly.

LLM.int8 (Dettmers et al. 2022, arXiv:2208.07339): weights are quantised by output channel and activations by row, both
symmetric, and the few input channels that reach much further than the others are multiplied in fp32. A row's numbers
do not depend on what else is in the batch. Everything else stays in fp32.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ainl_align.progress import Progress
from ainl_align.training.int8 import quantize_rows

_SAMPLE = 128
"""Tokens that show how far input channels reach."""
_FAR = 32
"""Input channels of a layer that stay in fp32."""
MODES = ("none", "dynamic-int8")


@dataclass(frozen=True)
class Quantization:
    """What was asked for, what was applied, and why they differ (None when they do not)."""

    requested: str
    applied: str
    reason: str | None


class Int8Linear(nn.Module):
    """A linear layer whose product is one of 8-bit integers; inputs of shape (..., in) in fp32."""

    def __init__(self, layer: nn.Linear, reach: Tensor) -> None:
        """``reach``: the largest magnitude met in each input channel."""
        super().__init__()
        weight = layer.weight.detach().float()
        far = reach.topk(min(_FAR, len(reach))).indices
        near = torch.ones_like(reach)
        near[far] = 0
        rows, scale = quantize_rows(weight)
        self.register_buffer("far", far)
        self.register_buffer("near", near)
        self.register_buffer("far_weight", weight[:, far].t().contiguous())
        self.register_buffer("rows", rows)
        self.register_buffer("scale", scale.squeeze(1))
        self.bias = layer.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """The layer's output, (..., out), in fp32."""
        shape = (*inputs.shape[:-1], len(self.scale))
        if not inputs.numel():
            return inputs.new_zeros(shape)
        flat = inputs.reshape(-1, inputs.shape[-1])
        rows, scale = quantize_rows(flat * self.near)
        output = torch._int_mm(rows, self.rows.t()).to(torch.float32).mul_(scale).mul_(self.scale)
        output.addmm_(flat[:, self.far], self.far_weight)
        if self.bias is not None:
            output += self.bias
        return output.view(shape)


def quantize(model: Any, requested: str, device: str, progress: Progress) -> tuple[Any, Quantization]:
    """The model to decode with: ``model`` itself, or an int8 copy whose linear layers are quantised.

    ``model`` is left as it is. Merge a LoRA adapter before: its side branches would be quantised one by one. Where
    int8 cannot be had, ``model`` comes back, and ``progress.fallback`` tells. ValueError for an unknown mode.
    """
    if requested not in MODES:
        raise ValueError(f"quantization {requested!r} is none of {', '.join(MODES)}")
    if requested == "none":
        return model, Quantization(requested, "none", None)
    reason = device_obstacle(device)
    if reason is None and not any(type(module) is nn.Linear for module in model.modules()):
        reason = "the model has no plain linear layers (merge the adapter first)"
    if reason is not None:
        progress.fallback(f"{requested} is not applied: {reason}; decoding goes on in full precision")
        return model, Quantization(requested, "none", reason)
    return _quantized(model), Quantization(requested, requested, None)


def device_obstacle(device: str) -> str | None:
    """Why no model can be quantised on ``device``; None when one can."""
    return None if torch.device(device).type == "cpu" else f"int8 decoding is for the CPU, this is {device}"


def _quantized(model: Any) -> Any:
    # The weights need no copy, except where activations must become fp32, which is all that int8 products take.
    memo = {id(parameter): parameter for parameter in model.parameters()} if model.dtype == torch.float32 else {}
    copied = copy.deepcopy(model, memo).float().eval()
    layers = {name: module for name, module in copied.named_modules() if type(module) is nn.Linear}
    reach = _reach(copied, layers)
    for name, layer in layers.items():
        copied.set_submodule(name, Int8Linear(layer, reach[name]))
    return copied


def _reach(model: Any, layers: Mapping[str, nn.Linear]) -> dict[str, Tensor]:
    """By layer, the largest magnitude of each input channel over tokens from the whole vocabulary.

    Which channels reach far is the model's nature and hardly the text's, so any tokens show it.
    """
    found: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: found.update({name: _largest(inputs[0])}))
        for name, layer in layers.items()
    ]
    vocabulary = int(model.config.get_text_config().vocab_size)
    with torch.inference_mode():
        model(input_ids=torch.arange(0, vocabulary, max(1, vocabulary // _SAMPLE))[None, :_SAMPLE])
    for hook in hooks:
        hook.remove()
    return {name: value.clone() for name, value in found.items()}


def _largest(inputs: Tensor) -> Tensor:
    return inputs.abs().flatten(0, -2).amax(0)
