"""LoRA layers that multiply once: the adapter is added to the weight before a step, not to every output in it.

``W x + s B A x`` and ``(W + s B A) x`` are the same function. The left side reads and writes each output three times
and launches four kernels for a layer; the right side costs one pass over the weights a step, which is little where a
step has thousands of tokens. The sum is rounded to the weights' format, as the outputs are on the left side. Backward,
the gradients of A and B come from the layer's input and output gradient by two thin products each, so that the full
gradient of W is never made (Hu et al. 2021, arXiv:2106.09685, for the function; the arrangement is ours).

Layers that read the same input (queries, keys and values; gate and up) become one: their weights are stacked by
output, their A by rank, and B is block-diagonal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIBLINGS: tuple[tuple[str, ...], ...] = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Children of one module that are always called with the same input, in their order; any other layer stands alone."""


class _Product(torch.autograd.Function):
    """``x @ weight.T + bias`` with gradients for x and for the adapter inside ``weight``.

    ``down`` (R, in) and ``up`` (out, R, scaled) are the adapter in the weight's format; ``down_leaf`` and ``up_leaf``
    (out, rank) are what the gradients go to. ``spans`` are the outputs of each sibling.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        down: Tensor,
        up: Tensor,
        down_leaf: Tensor,
        up_leaf: Tensor,
        spans: tuple[tuple[int, int], ...],
        scaling: float,
    ) -> Tensor:
        ctx.save_for_backward(inputs, weight, down, up)
        ctx.spans, ctx.scaling = spans, scaling
        return F.linear(inputs, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        inputs, weight, down, up = ctx.saved_tensors
        outer = gradient.reshape(-1, gradient.shape[-1])
        flat = inputs.reshape(-1, inputs.shape[-1])
        down_gradient = (outer @ up).t() @ flat
        full = outer.t() @ (flat @ down.t())
        rank = full.shape[1] // len(ctx.spans)
        blocks = [full[first:last, at * rank : (at + 1) * rank] for at, (first, last) in enumerate(ctx.spans)]
        up_gradient = torch.cat(blocks).float() * ctx.scaling
        return gradient @ weight, None, None, None, None, down_gradient.float(), up_gradient, None, None


class Group(nn.Module):
    """One stacked layer: ``weight`` (out, in) with the adapter added, and what its backward needs."""

    def __init__(self, spans: tuple[tuple[int, int], ...], scaling: float, bias: Tensor | None) -> None:
        super().__init__()
        self.spans = spans
        self.scaling = scaling
        self.bias = bias
        self.weight: Tensor
        self.down: Tensor
        self.up: Tensor
        self.down_leaf: Tensor
        self.up_leaf: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs of all siblings side by side."""
        return _Product.apply(
            inputs,
            self.weight,
            self.bias,
            self.down,
            self.up,
            self.down_leaf,
            self.up_leaf,
            self.spans,
            self.scaling,
        )


class First(nn.Module):
    """Stands where the first sibling stood: computes all, returns its own and leaves the others theirs."""

    def __init__(self, group: Group, others: Sequence["Later"]) -> None:
        super().__init__()
        self.group = group
        self._others = tuple(others)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.group(inputs)
        if not self._others:
            return outputs
        parts = outputs.split([last - first for first, last in self.group.spans], -1)
        for other, part in zip(self._others, parts[1:], strict=True):
            other.held = part
        return parts[0]


class Later(nn.Module):
    """Stands where a later sibling stood: returns what the first left here."""

    def __init__(self) -> None:
        super().__init__()
        self.held: Tensor | None = None

    def forward(self, _: Tensor) -> Tensor:
        output, self.held = self.held, None
        assert output is not None
        return output


@dataclass
class _Kind:
    """Groups of the same shape, one a decoder layer, stacked: a refresh is a few kernels for all of them."""

    groups: list[Group]
    members: list[list[Any]]  # for each group the PEFT layers in it
    base: Tensor  # (groups, out, in), frozen
    weight: Tensor  # the same with the adapters added
    down: Tensor  # (groups, R, in)
    up: Tensor  # (groups, out, R), block-diagonal

    def ordered(self) -> list[Any]:
        """The adapters' parameters in the order in which this kind keeps them: all A by group, then all B."""
        layers = [layer for members in self.members for layer in members]
        return [getattr(layer, side)["default"].weight for side in ("lora_A", "lora_B") for layer in layers]

    def attach(self, weights: Tensor, gradients: Tensor) -> None:
        """Take ``weights`` and ``gradients``, the vectors' parts in the order of ``ordered``, as the leaves."""
        (count, wide, _), rank = self.base.shape, self.rank
        middle = self.down.numel()
        self.down_weights = weights[:middle].view(self.down.shape)
        self.up_weights = weights[middle:].view(count, wide, rank)
        down_gradients = gradients[:middle].view(self.down.shape)
        up_gradients = gradients[middle:].view(count, wide, rank)
        for at, group in enumerate(self.groups):
            group.down_leaf = self.down_weights[at].detach().requires_grad_()
            group.down_leaf.grad = down_gradients[at]
            group.up_leaf = self.up_weights[at].detach().requires_grad_()
            group.up_leaf.grad = up_gradients[at]

    @property
    def rank(self) -> int:
        return int(self.down.shape[1]) // len(self.groups[0].spans)

    def refresh(self) -> None:
        """``weight = base + scaling * B @ A`` for all groups."""
        group, rank = self.groups[0], self.rank
        self.down.copy_(self.down_weights)
        for at, (first, last) in enumerate(group.spans):
            block = self.up[:, first:last, at * rank : (at + 1) * rank]
            torch.mul(self.up_weights[:, first:last], group.scaling, out=block)
        torch.baddbmm(self.base, self.up, self.down, out=self.weight)


class Merged:
    """All LoRA layers of a PEFT model, exchanged for stacked ones that multiply once.

    ``layers`` are the model's LoRA layers by name: one adapter called default, plain linear layers below it, no
    dropout, the same rank and scaling everywhere. The base's weights move into the stacks: the model is of no other
    use then.
    """

    def __init__(self, model: Any, layers: Mapping[str, Any]) -> None:
        kinds: dict[Any, list[tuple[Any, tuple[str, ...], list[Any]]]] = {}
        for parent, names in _families(model, layers):
            members = [getattr(parent, name) for name in names]
            kinds.setdefault((names, *(layer.base_layer.weight.shape for layer in members)), []).append(
                (parent, names, members)
            )
        self._kinds = [_stack(found) for found in kinds.values()]

    def ordered(self) -> list[Any]:
        """The adapters' parameters in the order in which ``attach`` wants them in the vectors."""
        return [parameter for kind in self._kinds for parameter in kind.ordered()]

    def attach(self, weights: Tensor, gradients: Tensor) -> None:
        """Let the groups read the vector ``weights`` and leave their gradients in ``gradients``."""
        at = 0
        for kind in self._kinds:
            span = slice(at, at + sum(parameter.numel() for parameter in kind.ordered()))
            kind.attach(weights[span], gradients[span])
            at = span.stop

    def refresh(self) -> None:
        """Add the adapters as they are now to the weights."""
        for kind in self._kinds:
            kind.refresh()


def _families(model: Any, layers: Mapping[str, Any]) -> list[tuple[Any, tuple[str, ...]]]:
    """Parent and child names of every group, in the model's order."""
    parents: dict[str, list[str]] = {}
    for name in layers:
        parent, _, child = name.rpartition(".")
        parents.setdefault(parent, []).append(child)
    found = []
    for parent, children in parents.items():
        groups = [names for names in SIBLINGS if set(names) <= set(children)]
        together = {name for names in groups for name in names}
        groups += [(child,) for child in children if child not in together]
        found += [(model.get_submodule(parent), names) for names in groups]
    return found


def _stack(found: Sequence[tuple[Any, tuple[str, ...], list[Any]]]) -> _Kind:
    """Stack the base weights of groups of one shape and put the groups in the layers' places."""
    first = found[0][2]
    sizes = [len(layer.base_layer.weight) for layer in first]
    ends = torch.tensor(sizes).cumsum(0).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    sample = first[0].base_layer.weight.data
    rank = first[0].r["default"] * len(first)
    count, wide, narrow = len(found), ends[-1], sample.shape[1]
    base = sample.new_empty(count, wide, narrow)
    kind = _Kind(
        groups=[],
        members=[members for _, _, members in found],
        base=base,
        weight=torch.empty_like(base),
        down=sample.new_empty(count, rank, narrow),
        up=sample.new_zeros(count, wide, rank),
    )
    for at, (parent, names, members) in enumerate(found):
        for layer, (start, end) in zip(members, spans, strict=True):
            base[at, start:end] = layer.base_layer.weight.data
            layer.base_layer.weight.data = base[at, start:end]
        group = Group(spans, first[0].scaling["default"], _bias([layer.base_layer for layer in members]))
        group.weight, group.down, group.up = kind.weight[at], kind.down[at], kind.up[at]
        kind.groups.append(group)
        others = [Later() for _ in names[1:]]
        setattr(parent, names[0], First(group, others))
        for name, other in zip(names[1:], others, strict=True):
            setattr(parent, name, other)
    return kind


def _bias(layers: Sequence[Any]) -> Tensor | None:
    if all(layer.bias is None for layer in layers):
        return None
    return torch.cat(
        [layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias for layer in layers]
    )
