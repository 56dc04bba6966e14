"""Forward and backward pass of some rows through a Llama, on the thread that calls it."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from ainl_align.training.cpu import adapting, head, kernels
from ainl_align.training.cpu.weights import Floats, Packed, Weights
from ainl_align.training.rows import IGNORED

LEAST_PROBABILITY = np.float32(3e-5)
"""A token of the vocabulary that is less likely than this wherever a chunk has loss gets no gradient there (1% of the
gradient's norm before training, less with every step of it)."""
Quantized = tuple[NDArray[np.int8], Floats]
"""Rows of levels, and their scales."""
_HALVED = 128
"""Rows of so many tokens and more attend in two halves, the first of which does not see the second."""
_CHUNK = 128
"""Positions that go through the output head at a time."""


class Passes:
    """Activations of one thread's rows, buffers that are kept between steps, and ``gradient`` of all adapters, flat.

    ``Weights.gradients`` says what in it belongs to which parameter.
    """

    def __init__(self, weights: Weights, gradient: Tensor) -> None:
        self._weights = weights
        self.gradient = gradient
        self._buffers: dict[Any, NDArray[Any]] = {}
        self._learns = True
        self._parts = dict(weights.parts(self.gradient))

    def run(self, rows: Sequence[tuple[Tensor, Tensor]], learn: bool) -> NDArray[np.float64]:
        """Summed loss of each of the rows of (token ids, labels of the tokens that follow); with ``learn``, fill
        ``gradient``.

        Every row has a label. What the rows begin with is computed once: it sees nothing of what follows.
        """
        weights = self._weights
        self._learns = learn
        self._common = common_tokens(rows)
        parts = [(ids[self._common :], labels[self._common :]) for ids, labels in rows]
        if self._common:
            parts.insert(0, (rows[0][0][: self._common], rows[0][1][: self._common]))
        self._starts = np.cumsum([0, *(len(ids) for ids, _ in parts)])
        self._tokens = int(self._starts[-1])
        self._keys = self._tokens + self._common * (len(parts) - 1)
        hidden = self._hidden(0)
        torch.index_select(weights.embedding, 0, torch.cat([ids for ids, _ in parts]), out=torch.from_numpy(hidden))
        kernels.normalize(hidden, weights.smoothed_norms[0], weights.epsilon, *self._inputs(weights.layers[0].qkv))
        for index in range(len(weights.layers)):
            self._attention(index)
            self._feed_forward(index)
        places, losses, gradient = self._head(torch.cat([labels for _, labels in parts]).numpy(), learn)
        if learn:
            for index in reversed(range(len(weights.layers))):
                gradient = self._attention_backward(index, self._feed_forward_backward(index, gradient))
        found: NDArray[np.float64] = np.add.reduceat(losses, np.searchsorted(places, self._starts[-1 - len(rows) : -1]))
        return found

    def _buffer(self, name: Any, *shape: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        size = math.prod(shape)
        held = self._buffers.get(name)
        if held is None or held.size < size:
            held = self._buffers[name] = np.empty(size, dtype)
        return held[:size].reshape(shape)

    def _quantized(self, name: Any, width: int) -> Quantized:
        """Room for quantised rows and their scales; of each name the latest ones are valid."""
        return self._buffer((name, "levels"), self._tokens, width, dtype=np.int8), self._buffer(
            (name, "scales"), self._tokens
        )

    def _inputs(self, packed: Packed) -> Quantized:
        return self._quantized(packed, packed.inputs)

    def _gradient(self, width: int) -> Quantized:
        return self._quantized("gradient", width)

    def _layer(self, index: int) -> int:
        """Which layers' buffers layer ``index`` uses: its own where a backward pass will read them."""
        return index if self._learns else index % 2

    def _hidden(self, index: int) -> Floats:
        """The residual stream before layer ``index``."""
        return self._buffer(("hidden", self._layer(index)), self._tokens, self._weights.final_norm.size)

    def _middle(self, index: int) -> Floats:
        """The residual stream between attention and feed-forward part."""
        return self._buffer(("middle", self._layer(index)), self._tokens, self._weights.final_norm.size)

    def _inner(self, packed: Packed) -> Floats:
        return self._buffer(packed, self._tokens, packed.inner)

    def _product(self, levels: NDArray[Any], weight: Tensor) -> NDArray[Any]:
        products = self._buffer("products", len(levels), len(weight), dtype=np.int32)
        torch._int_mm(torch.from_numpy(levels), weight.t(), out=torch.from_numpy(products))
        return products

    def _outward(self, packed: Packed) -> tuple[Any, ...]:
        """The product with the inputs, and what a kernel needs to restore it."""
        levels, scales = self._inputs(packed)
        products = self._product(levels, packed.outward)
        return products, scales, packed.outward_scales, packed.ups, packed.ends

    def _inward(self, gradient: Quantized, packed: Packed) -> tuple[Any, ...]:
        """The same for the gradient of the inputs, from that of the outputs."""
        levels, scales = gradient
        products = self._product(levels, packed.inward)
        return products, scales, packed.inward_scales, packed.downs

    def _attention(self, index: int) -> None:
        weights, layer = self._weights, self._weights.layers[index]
        flat = self._heads(self._layer(index))
        kernels.split_heads(
            *self._outward(layer.qkv),
            weights.cosine,
            weights.sine,
            self._starts,
            self._common,
            self._inner(layer.qkv),
            *flat,
        )
        attended = self._buffer("attended", self._tokens * layer.output.inputs)
        for at, (mask, (queries, out), (keys, values)) in enumerate(self._blocks((flat[0], attended), flat[1:])):
            chances = self._chances(index, at, mask)
            torch.baddbmm(mask, queries, keys.transpose(1, 2), alpha=weights.softmax_scale, out=chances)
            torch.softmax(chances, -1, out=chances)
            torch.bmm(chances, values, out=out)
        kernels.quantize_heads(attended, weights.groups, self._starts, *self._inputs(layer.output))
        kernels.add_and_normalize(
            *self._outward(layer.output),
            self._hidden(index),
            weights.smoothed_norms[2 * index + 1],
            weights.epsilon,
            self._inner(layer.output),
            self._middle(index),
            *self._inputs(layer.gate_up),
        )

    def _attention_backward(self, index: int, gradient: Quantized) -> Quantized:
        weights, layer, scale = self._weights, self._weights.layers[index], self._weights.softmax_scale
        self._learn_ups(layer.output, gradient)
        received = self._buffer("attended", self._tokens * layer.output.inputs)
        inner = self._inner_gradient(layer.output)
        kernels.restore_heads(*self._inward(gradient, layer.output), weights.groups, self._starts, inner, received)
        self._learn_downs(layer.output, inner)
        flat, made = self._heads(index), self._heads("gradient")
        made[1][:] = made[2][:] = 0
        blocks = self._blocks((flat[0], received, made[0]), (*flat[1:], *made[1:]))
        for at, (mask, (queries, out, to_queries), (keys, values, to_keys, to_values)) in enumerate(blocks):
            chances = self._chances(index, at, mask)
            scores = torch.from_numpy(self._buffer("scores", *chances.shape))
            to_values.baddbmm_(chances.transpose(1, 2), out)
            torch.bmm(out, values.transpose(1, 2), out=scores)
            torch._softmax_backward_data(scores, chances, -1, torch.float32, grad_input=scores)
            torch.baddbmm(to_queries, scores, keys, beta=0, alpha=scale, out=to_queries)
            to_keys.baddbmm_(scores.transpose(1, 2), queries, alpha=scale)
        gradient = self._gradient(layer.qkv.outputs)
        kernels.join_heads(
            *made, layer.qkv.ends, weights.cosine, weights.negative_sine, self._starts, self._common, *gradient
        )
        return self._norm_backward(gradient, layer.qkv, self._hidden(index), layer.norms[0])

    def _feed_forward(self, index: int) -> None:
        weights, layer = self._weights, self._weights.layers[index]
        gated = self._buffer(("gated", self._layer(index)), self._tokens, layer.gate_up.outputs)
        inner = self._inner(layer.gate_up)
        kernels.gate(*self._outward(layer.gate_up), layer.down.smoothing, inner, gated, *self._inputs(layer.down))
        last = index + 1 == len(weights.layers)
        kernels.add_and_normalize(
            *self._outward(layer.down),
            self._middle(index),
            weights.smoothed_norms[2 * index + 2],
            weights.epsilon,
            self._inner(layer.down),
            self._hidden(index + 1),
            *(self._head_inputs() if last else self._inputs(weights.layers[index + 1].qkv)),
        )

    def _feed_forward_backward(self, index: int, gradient: Quantized) -> Quantized:
        layer = self._weights.layers[index]
        self._learn_ups(layer.down, gradient)
        gated = self._buffer(("gated", self._layer(index)), self._tokens, layer.gate_up.outputs)
        inner, restored = self._inner_gradient(layer.down), self._inward(gradient, layer.down)
        gradient = self._gradient(layer.gate_up.outputs)
        kernels.gate_backward(*restored, gated, inner, *gradient)
        self._learn_downs(layer.down, inner)
        return self._norm_backward(gradient, layer.gate_up, self._middle(index), layer.norms[1])

    def _norm_backward(self, gradient: Quantized, packed: Packed, hidden: Floats, norm: Floats) -> Quantized:
        """From the gradient of a normed input's outputs to that of the residual stream before the norm."""
        self._learn_ups(packed, gradient)
        inner, restored = self._inner_gradient(packed), self._inward(gradient, packed)
        gradient = self._gradient(packed.inputs)
        kernels.norm_backward(*restored, hidden, norm, self._weights.epsilon, inner, self._residual(), *gradient)
        self._learn_downs(packed, inner)
        return gradient

    def _head_inputs(self) -> Quantized:
        return self._quantized("head", self._weights.final_norm.size)

    def _head(self, labels: NDArray[Any], learn: bool) -> tuple[NDArray[Any], NDArray[np.float64], Quantized]:
        """The labelled places, their losses, and the quantised gradient of the last layer's output."""
        weights, (levels, scales) = self._weights, self._head_inputs()
        places = np.flatnonzero(labels != IGNORED)
        received = self._buffer("head gradient", len(places), weights.final_norm.size)
        found = np.empty(len(places))
        for first in range(0, len(places), _CHUNK):
            at = places[first : first + _CHUNK]
            targets, scale = labels[at], scales[at]
            products = self._product(levels[at], weights.head_levels)
            losses, normalizers = np.empty(len(at), np.float32), np.empty(len(at), np.float32)
            likely = np.zeros(len(weights.head), np.bool_)
            head.token_losses(
                products, scale, weights.head_scales, targets, LEAST_PROBABILITY, losses, normalizers, likely
            )
            found[first : first + len(at)] = losses
            if learn:
                hot = np.flatnonzero(likely)
                chances = self._buffer("chances", len(at), len(hot))
                head.probabilities(products, scale, weights.head_scales, normalizers, targets, hot, chances)
                rows = torch.from_numpy(self._buffer("head rows", len(hot), weights.final_norm.size))
                torch.index_select(weights.head, 0, torch.from_numpy(hot), out=rows)
                torch.mm(torch.from_numpy(chances), rows, out=torch.from_numpy(received[first : first + len(at)]))
        gradient = self._gradient(weights.final_norm.size)
        if learn:
            hidden = self._hidden(len(weights.layers))
            kernels.final_norm_backward(
                received, places, hidden, weights.final_norm, weights.epsilon, self._residual(), *gradient
            )
        return places, found, gradient

    def _residual(self) -> Floats:
        """The gradient of the residual stream, updated in place from layer to layer."""
        return self._buffer("residual", self._tokens, self._weights.final_norm.size)

    def _inner_gradient(self, packed: Packed) -> Floats:
        return self._buffer("inner gradient", self._tokens, packed.inner)

    def _learn_ups(self, packed: Packed, gradient: Quantized) -> None:
        """Gradients of B, transposed, from that of the outputs."""
        ups, ones = self._parts[packed][1], self._weights.ones
        self._learn(self._inner(packed), gradient, packed.ends, ones, ups)

    def _learn_downs(self, packed: Packed, inner: Floats) -> None:
        """Gradients of A, from those of the inner activations."""
        downs = self._parts[packed][0]
        self._learn(inner, self._inputs(packed), packed.input_ends, packed.smoothing, downs)

    def _learn(self, inner: Floats, rows: Quantized, ends: NDArray[Any], smoothing: Floats, part: Tensor) -> None:
        """Sum over tokens of the outer products of ``inner`` and ``rows``, span by span."""
        levels, scales = rows
        weighed = self._buffer("weighed", inner.shape[1], self._tokens, dtype=np.int8)
        reach = self._buffer("reach", inner.shape[1])
        adapting.weigh(inner, scales, weighed, reach)
        sums = self._buffer("sums", inner.shape[1], levels.shape[1], dtype=np.int32)
        torch._int_mm(torch.from_numpy(weighed), torch.from_numpy(levels), out=torch.from_numpy(sums))
        adapting.restore_gradient(sums, reach, ends, smoothing, part.numpy())

    def _heads(self, of: Any) -> list[Floats]:
        """Queries, keys and values, flat, as ``split_heads`` lays them out."""
        wide, end, _ = self._weights.layers[0].qkv.ends[1:].tolist()
        return [
            self._buffer(("queries", of), self._tokens * wide),
            *(self._buffer((name, of), self._keys * (end - wide)) for name in ("keys", "values")),
        ]

    def _chances(self, index: int, at: int, mask: Tensor) -> Tensor:
        return torch.from_numpy(self._buffer(("chances", self._layer(index), at), self._weights.groups, *mask.shape))

    def _blocks(
        self, wide: Sequence[Floats], narrow: Sequence[Floats]
    ) -> Iterator[tuple[Tensor, list[Tensor], list[Tensor]]]:
        """Flat buffers laid out like queries and like keys, as matrices (key heads, tokens or more, head size).

        A row's queries, in two halves where that saves time, come with the keys up to their last, and the mask of both.
        """
        weights = self._weights
        groups, shared, size = weights.groups, weights.shared, weights.head_size
        scale, before, past = groups * size, 0, 0
        for first, last in pairwise(self._starts.tolist()):
            length = last - first
            queries = [item[first * shared * scale : last * shared * scale].reshape(groups, -1, size) for item in wide]
            here, past = past, past + before + length
            keys = [item[here * scale : past * scale].reshape(groups, -1, size) for item in narrow]
            for begin, end in pairwise((0, length) if length < _HALVED else (0, length // 2, length)):
                part = slice(begin * shared, end * shared)
                yield (
                    weights.mask[(before + begin) * shared : (before + end) * shared, : before + end],
                    [torch.from_numpy(item[:, part]) for item in queries],
                    [torch.from_numpy(item[:, : before + end]) for item in keys],
                )
            before = self._common


def common_tokens(rows: Sequence[tuple[Tensor, Tensor]]) -> int:
    """How many tokens without loss all rows of (token ids, labels) begin with; 0 for a single row."""
    if len(rows) < 2:
        return 0
    least = min(int((labels != IGNORED).nonzero()[0]) for _, labels in rows)
    starts = torch.stack([ids[:least] for ids, _ in rows])
    return int((starts == starts[0]).all(0).cumprod(0).sum())
