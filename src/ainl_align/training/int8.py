"""Frozen linear layers in 8-bit integers, for training on CPUs that have VNNI but no bf16 instructions.

The base's weights get no gradient under LoRA, so both matrix products of a layer (outputs forward, input gradients
backward) can use one quantised copy: weights by output channel, activations and gradients by row, all symmetric
(LLM.int8, Dettmers et al. 2022, arXiv:2208.07339; SwitchBack, Wortsman et al. 2023, arXiv:2304.13013). Adapters,
norms, attention and the output head stay in fp32. benchmarks/train.py measures speed and loss beside fp32.
"""

from typing import Any

import torch
from torch import Tensor, nn

_LEVELS = 127.0


def quantize_rows(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric 8-bit rows: (int8 of shape (m, k), scales of shape (m, 1)) with ``matrix`` ≈ int8 × scale."""
    scale = matrix.abs().amax(dim=1, keepdim=True).clamp_(min=1e-12).div_(_LEVELS)
    return (matrix / scale).round_().to(torch.int8), scale


class _Product(torch.autograd.Function):
    """``inputs @ weight.T`` with both operands in int8; the gradient goes to the inputs alone."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, scale: Tensor) -> Tensor:
        rows, row_scale = quantize_rows(inputs.reshape(-1, inputs.shape[-1]))
        ctx.save_for_backward(weight, scale)
        products = torch._int_mm(rows, weight.t()).to(torch.float32).mul_(row_scale).mul_(scale)
        return products.reshape(*inputs.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        weight, scale = ctx.saved_tensors
        gradient = gradients[0]
        rows, row_scale = quantize_rows(gradient.reshape(-1, gradient.shape[-1]) * scale)
        products = torch._int_mm(rows, weight).to(torch.float32).mul_(row_scale)
        return products.reshape(*gradient.shape[:-1], weight.shape[1]), None, None


class Int8Linear(nn.Linear):
    """An ``nn.Linear`` whose frozen weight is multiplied in int8; the fp32 weight stays for saving and merging."""

    quantized: Tensor
    scale: Tensor

    @classmethod
    def of(cls, layer: nn.Linear) -> "Int8Linear":
        """A layer with the same parameters as ``layer``."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.in_features, made.out_features = layer.in_features, layer.out_features
        made.weight, made.bias = layer.weight, layer.bias
        quantized, scale = quantize_rows(layer.weight.detach())
        made.register_buffer("quantized", quantized, persistent=False)
        made.register_buffer("scale", scale.squeeze(1), persistent=False)
        return made

    def forward(self, inputs: Tensor) -> Tensor:
        """Shapes as in ``nn.Linear``: (..., in) to (..., out)."""
        output: Tensor = _Product.apply(inputs, self.quantized, self.scale)
        return output if self.bias is None else output + self.bias


def quantize_linears(model: nn.Module) -> int:
    """Replace every linear layer of ``model`` but its output head; returns how many."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    replaced = 0
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Linear and child is not head:
                setattr(module, name, Int8Linear.of(child))
                replaced += 1
    return replaced
