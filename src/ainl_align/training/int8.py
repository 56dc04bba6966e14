"""LoRA layers over a frozen base in 8-bit integers, for training on CPUs that have VNNI but no bf16 instructions.

The base's weights get no gradient under LoRA, so both matrix products of a layer (outputs forward, input gradients
backward) can use quantised copies: weights by the channel that the product keeps, activations and gradients by row,
all symmetric (LLM.int8, Dettmers et al. 2022, arXiv:2208.07339; SwitchBack, Wortsman et al. 2023, arXiv:2304.13013).
Adapters, norms, attention and the output head stay in fp32. Layers that read the same input (queries, keys and values;
gate and up) are one product: the input is quantised once and its gradient is made once. This serves every architecture;
cpu/ is faster for Llama's. benchmarks/train_cpu.py measures both beside fp32.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

_LEVELS = 127.0
_SIBLINGS: tuple[tuple[str, ...], ...] = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Children of one module that are always called with the same input, in their order; any other layer stands alone."""


def row_scales(matrix: Tensor) -> Tensor:
    """Scales, shape (m, 1), that map the largest entry of each row of ``matrix`` to the last level."""
    return torch.maximum(matrix.amax(1, True), matrix.amin(1, True).neg_()).clamp_(min=1e-12).div_(_LEVELS)


def quantize_rows(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric 8-bit rows: (int8 of shape (m, k), scales of shape (m, 1)) with ``matrix`` ≈ int8 × scale."""
    scale = row_scales(matrix)
    return _levels(matrix, scale), scale


def _levels(matrix: Tensor, scale: Tensor) -> Tensor:
    return (matrix * scale.reciprocal()).round_().to(torch.int8)


class _Product(torch.autograd.Function):
    """``inputs @ weight.T + scaling * inputs @ A.T @ B.T`` for each of the siblings, the first product in int8."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, base: "_Base", scaling: float, down: Tensor, *ups: Tensor) -> Any:
        flat = inputs.reshape(-1, inputs.shape[-1])
        rows, row_scale = quantize_rows(flat)
        products = torch._int_mm(rows, base.outward.t())
        inner = flat @ down.t()
        outputs = []
        for slot, (first, last) in enumerate(base.spans):
            # Converting first and scaling in place is ten times as fast as one product of mixed types.
            output = products[:, first:last].to(torch.float32).mul_(row_scale).mul_(base.outward_scale[first:last])
            output.addmm_(_part(inner, slot, ups), ups[slot].t(), alpha=scaling)
            outputs.append(output.view(*inputs.shape[:-1], last - first))
        ctx.save_for_backward(flat, inner, down, *ups)
        ctx.base, ctx.scaling, ctx.shape = base, scaling, inputs.shape
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        flat, inner, down, *ups = ctx.saved_tensors
        base: _Base = ctx.base
        found = [gradient.reshape(len(flat), -1) for gradient in gradients]
        scale = torch.stack([row_scales(gradient) for gradient in found]).amax(0)
        rows = torch.empty(len(flat), base.outward.shape[0], dtype=torch.int8)
        inner_gradient = torch.empty_like(inner)
        up_gradients = []
        for slot, (gradient, (first, last)) in enumerate(zip(found, base.spans, strict=True)):
            rows[:, first:last] = _levels(gradient, scale)
            _part(inner_gradient, slot, ups).copy_(gradient @ ups[slot])
            up_gradients.append((gradient.t() @ _part(inner, slot, ups)).mul_(ctx.scaling))
        inner_gradient.mul_(ctx.scaling)
        inputs = torch._int_mm(rows, base.inward).to(torch.float32).mul_(scale).mul_(base.inward_scale)
        inputs.addmm_(inner_gradient, down)
        return inputs.view(ctx.shape), None, None, inner_gradient.t() @ flat, *up_gradients


def _part(inner: Tensor, slot: int, ups: Sequence[Tensor]) -> Tensor:
    """The columns of ``inner`` that belong to one sibling's adapter."""
    rank = ups[0].shape[1]
    return inner[:, slot * rank : (slot + 1) * rank]


class _Base:
    """The frozen weights of siblings, stacked and quantised: by output channel outward, by input channel inward."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        stacked = torch.cat([weight.detach() for weight in weights])
        self.outward, scale = quantize_rows(stacked)
        self.outward_scale = scale.squeeze(1)
        inward, scale = quantize_rows(stacked.t())
        self.inward, self.inward_scale = inward.t().contiguous(), scale.squeeze(1)
        ends = torch.tensor([len(weight) for weight in weights]).cumsum(0).tolist()
        self.spans = tuple(zip([0, *ends[:-1]], ends, strict=True))


class _Siblings:
    """LoRA layers with one input: whichever is called first computes the outputs of all."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self._base = _Base([layer.base_layer.weight for layer in layers])
        (self._name,) = layers[0].active_adapters
        self._layers = layers
        self._input: Tensor | None = None
        self._outputs: list[Tensor | None] = []

    def output(self, inputs: Tensor, slot: int) -> Tensor:
        """The output of one sibling."""
        if self._input is not inputs or self._outputs[slot] is None:
            downs = [layer.lora_A[self._name].weight for layer in self._layers]
            ups = [layer.lora_B[self._name].weight for layer in self._layers]
            scaling = self._layers[0].scaling[self._name]
            down = torch.cat(downs) if len(downs) > 1 else downs[0]
            self._input, self._outputs = inputs, list(_Product.apply(inputs, self._base, scaling, down, *ups))
        output, self._outputs[slot] = self._outputs[slot], None
        assert output is not None
        if all(item is None for item in self._outputs):
            self._input = None  # hold no activation longer than needed
        bias = self._layers[slot].base_layer.bias
        return output if bias is None else output + bias


def int8_lora(model: nn.Module) -> int:
    """Let every LoRA layer of a PEFT ``model`` multiply its base in int8; returns the number of layers.

    For training one adapter with the same rank everywhere and without dropout. The parameters stay where they are, so
    saving is unchanged.
    """
    from peft.tuners.lora import Linear

    done: set[int] = set()
    for parent in list(model.modules()):
        children = dict(parent.named_children())
        groups = [names for names in _SIBLINGS if all(isinstance(children.get(name), Linear) for name in names)]
        together = {name for names in groups for name in names}
        groups += [(name,) for name, child in children.items() if isinstance(child, Linear) and name not in together]
        for names in groups:
            layers = [children[name] for name in names]
            siblings = _Siblings(layers)
            for slot, layer in enumerate(layers):
                layer.forward = _Call(siblings, slot)
                done.add(id(layer))
    return len(done)


class _Call:
    """Stands in for a layer's ``forward``."""

    def __init__(self, siblings: _Siblings, slot: int) -> None:
        self._siblings = siblings
        self._slot = slot

    def __call__(self, inputs: Tensor, *_: Any, **__: Any) -> Tensor:
        return self._siblings.output(inputs, self._slot)
