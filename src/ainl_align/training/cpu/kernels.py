"""Passes over activations between the int8 products of a Llama layer, each element read and written once.

Compiled by numba at the first call and kept on disk. Every array is C-contiguous; ``levels`` are int8, ``products``
int32, all else float32. N is the number of tokens (rows one after another, without padding), C the width of the
residual stream, F of the feed-forward part, R the sum of the ranks of the adapters that read one input.

A product of quantised rows is restored with the scale of its row and of its column. Its last R columns are the
adapters' inner activations (forward: ``inputs @ A.T``) or their gradients (backward: ``gradient @ B``), which ride in
the same product; ``inner`` receives them. ``adapters`` holds for each span of columns (between two ``ends``) the
matrix, rank × columns, that leads from there to the outputs.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

# numba computes in float64 wherever a Python number meets a float32.
_ZERO = np.float32(0)
_ONE = np.float32(1)
_LEVELS = np.float32(127)
_TINY = np.float32(1e-12)
_LOG2E = np.float32(1.4426950408889634)
_LN2 = np.float32(0.6931471805599453)
_EXPONENT = np.float32(126)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / n) for n in (2, 6, 24, 120, 720))
_MAGNITUDE = np.int32(0x7FFFFFFF)


def _kernel(function: Callable[..., Any]) -> Any:
    return numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)


@_kernel
def _top(row: Any, least: Any) -> Any:
    """The largest of ``row`` and ``least``, which is not negative.

    Compared as integers, for floats of one sign order like their bits, and a loop over integers is vectorised.
    """
    found = np.empty(1, np.float32)
    found[0] = least
    bits, top = row.view(np.int32), found.view(np.int32)[0]
    for j in range(bits.size):
        top = max(top, bits[j])
    found.view(np.int32)[0] = top
    return found[0]


@_kernel
def _quantize(row: Any, levels: Any) -> Any:
    """Fill ``levels`` with the row in 127 symmetric levels; returns the scale."""
    found = np.empty(1, np.float32)
    found[0] = _TINY
    bits, top = row.view(np.int32), found.view(np.int32)[0]
    for j in range(bits.size):
        top = max(top, np.int32(bits[j] & _MAGNITUDE))  # as in _top, less the sign
    found.view(np.int32)[0] = top
    inverse = _LEVELS / found[0]
    for j in range(row.size):
        levels[j] = np.int8(np.rint(row[j] * inverse))
    return found[0] / _LEVELS


@_kernel
def _exp(row: Any, bits: Any) -> None:
    """Exponential in place, within 3e-7 of each value: 2 to the nearest integer times a Taylor series of the rest.

    Without a call in the loops, so that they are vectorised. Arguments beyond ±87 are cut there. ``bits``: int32 room.
    """
    for j in range(row.size):
        power = min(max(row[j] * _LOG2E, -_EXPONENT), _EXPONENT)
        whole = np.rint(power)
        row[j] = (power - whole) * _LN2
        bits[j] = (np.int32(whole) + np.int32(127)) << np.int32(23)
    scale = bits.view(np.float32)
    for j in range(row.size):
        x = row[j]
        series = ((((_C6 * x + _C5) * x + _C4) * x + _C3) * x + _C2) * x + _ONE
        row[j] = (series * x + _ONE) * scale[j]


@_kernel
def _restore(product: Any, scale: Any, columns: Any, adapters: Any, ends: Any, inner: Any, row: Any) -> None:
    """One token of a product in float32, its adapters added."""
    for j in range(row.size):
        row[j] = np.float32(product[j]) * (scale * columns[j])
    for i in range(inner.size):
        inner[i] = np.float32(product[row.size + i]) * (scale * columns[row.size + i])
    rank = inner.size // (ends.size - 1)
    for span in range(ends.size - 1):
        part = row[ends[span] : ends[span + 1]]
        width = part.size
        matrix = adapters[rank * ends[span] : rank * ends[span + 1]]
        i = 0
        while i + 4 <= rank:  # four at a time: the outputs are loaded and stored a quarter as often
            first, second = matrix[i * width : (i + 1) * width], matrix[(i + 1) * width : (i + 2) * width]
            third, fourth = matrix[(i + 2) * width : (i + 3) * width], matrix[(i + 3) * width : (i + 4) * width]
            a, b = inner[span * rank + i], inner[span * rank + i + 1]
            c, d = inner[span * rank + i + 2], inner[span * rank + i + 3]
            for j in range(width):
                part[j] += a * first[j] + b * second[j] + c * third[j] + d * fourth[j]
            i += 4
        while i < rank:
            first = matrix[i * width : (i + 1) * width]
            a = inner[span * rank + i]
            for j in range(width):
                part[j] += a * first[j]
            i += 1


@_kernel
def _rotate(source: Any, cosine: Any, sine: Any, target: Any) -> None:
    """One head of one token turned by its position's angles, in the half-split order of Llama."""
    half = cosine.size
    for j in range(half):
        a, b = source[j], source[half + j]
        target[j] = a * cosine[j] - b * sine[j]
        target[half + j] = b * cosine[j] + a * sine[j]


@_kernel
def _reciprocal_norm(row: Any, epsilon: Any) -> Any:
    total = np.float32(0)
    for j in range(row.size):
        total += row[j] * row[j]
    return _ONE / np.sqrt(total / np.float32(row.size) + epsilon)


@_kernel
def normalize(hidden: Any, weight: Any, epsilon: Any, levels: Any, scales: Any) -> None:
    """RMSNorm of ``hidden`` (N, C), quantised by row."""
    row = np.empty_like(weight)
    for n in range(hidden.shape[0]):
        factor = _reciprocal_norm(hidden[n], epsilon)
        for j in range(row.size):
            row[j] = hidden[n, j] * factor * weight[j]
        scales[n] = _quantize(row, levels[n])


@_kernel
def add_and_normalize(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    ends: Any,
    hidden: Any,
    weight: Any,
    epsilon: Any,
    inner: Any,
    total: Any,
    levels: Any,
    out_scales: Any,
) -> None:
    """``total`` = ``hidden`` + the restored product (N, C); its RMSNorm is quantised."""
    row = np.empty_like(weight)
    for n in range(hidden.shape[0]):
        _restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        for j in range(row.size):
            row[j] += hidden[n, j]
            total[n, j] = row[j]
        factor = _reciprocal_norm(row, epsilon)
        for j in range(row.size):
            row[j] *= factor * weight[j]
        out_scales[n] = _quantize(row, levels[n])


@_kernel
def split_heads(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    ends: Any,
    cosine: Any,
    sine: Any,
    starts: Any,
    inner: Any,
    queries: Any,
    keys: Any,
    values: Any,
) -> None:
    """Restore queries, keys and values and turn the first two by their positions.

    For the row of T tokens that begins at each of ``starts``, the flat outputs hold (key heads, T, query heads a key
    head × D) and (key heads, T, D): the queries of one key head are one matrix. ``cosine`` and ``sine``: (T, D / 2).
    """
    size = 2 * cosine.shape[1]
    groups = (ends[2] - ends[1]) // size
    shared = ends[1] // (groups * size)
    row = np.empty(ends[3], np.float32)
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        query = queries[first * ends[1] : starts[b + 1] * ends[1]].reshape(groups, length, shared, size)
        key = keys[first * groups * size : starts[b + 1] * groups * size].reshape(groups, length, size)
        value = values[first * groups * size : starts[b + 1] * groups * size].reshape(groups, length, size)
        for t in range(length):
            n = first + t
            _restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
            for g in range(groups):
                for h in range(shared):
                    at = (g * shared + h) * size
                    _rotate(row[at : at + size], cosine[t], sine[t], query[g, t, h])
                at = ends[1] + g * size
                _rotate(row[at : at + size], cosine[t], sine[t], key[g, t])
                at = ends[2] + g * size
                value[g, t, :] = row[at : at + size]


@_kernel
def join_heads(
    queries: Any,
    keys: Any,
    values: Any,
    ends: Any,
    cosine: Any,
    sine: Any,
    starts: Any,
    levels: Any,
    scales: Any,
) -> None:
    """The gradients of ``split_heads``' outputs as those of its input, quantised; ``sine`` negated."""
    size = 2 * cosine.shape[1]
    groups = (ends[2] - ends[1]) // size
    shared = ends[1] // (groups * size)
    row = np.empty(ends[3], np.float32)
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        query = queries[first * ends[1] : starts[b + 1] * ends[1]].reshape(groups, length, shared, size)
        key = keys[first * groups * size : starts[b + 1] * groups * size].reshape(groups, length, size)
        value = values[first * groups * size : starts[b + 1] * groups * size].reshape(groups, length, size)
        for t in range(length):
            for g in range(groups):
                for h in range(shared):
                    at = (g * shared + h) * size
                    _rotate(query[g, t, h], cosine[t], sine[t], row[at : at + size])
                at = ends[1] + g * size
                _rotate(key[g, t], cosine[t], sine[t], row[at : at + size])
                at = ends[2] + g * size
                row[at : at + size] = value[g, t]
            scales[first + t] = _quantize(row, levels[first + t])


@_kernel
def quantize_heads(attended: Any, groups: int, starts: Any, levels: Any, scales: Any) -> None:
    """Attention's outputs, laid out like queries, as quantised rows (N, heads × D)."""
    width = levels.shape[1]
    row = np.empty(width, np.float32)
    parts = row.reshape(groups, width // groups)
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        heads = attended[first * width : starts[b + 1] * width].reshape(groups, length, width // groups)
        for t in range(length):
            for g in range(groups):
                parts[g, :] = heads[g, t]
            scales[first + t] = _quantize(row, levels[first + t])


@_kernel
def restore_heads(
    products: Any, scales: Any, columns: Any, adapters: Any, groups: int, starts: Any, inner: Any, heads: Any
) -> None:
    """The gradient of attention's outputs, laid out like queries."""
    width = products.shape[1] - inner.shape[1]
    row = np.empty(width, np.float32)
    ends = np.array([0, width])
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        out = heads[first * width : starts[b + 1] * width].reshape(groups, length, width // groups)
        parts = row.reshape(groups, width // groups)
        for t in range(length):
            n = first + t
            _restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
            for g in range(groups):
                out[g, t, :] = parts[g]


@_kernel
def gate(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    ends: Any,
    smoothing: Any,
    inner: Any,
    gated: Any,
    levels: Any,
    out_scales: Any,
) -> None:
    """SwiGLU of the restored ``gated`` (N, 2F: gate, up), over ``smoothing`` (F), quantised to ``levels`` (N, F)."""
    width = levels.shape[1]
    row, bits = np.empty(width, np.float32), np.empty(width, np.int32)
    for n in range(levels.shape[0]):
        _restore(products[n], scales[n], columns, adapters, ends, inner[n], gated[n])
        opened, up = gated[n, :width], gated[n, width:]
        for j in range(width):
            row[j] = -opened[j]
        _exp(row, bits)
        for j in range(width):
            row[j] = opened[j] / ((_ONE + row[j]) * smoothing[j]) * up[j]
        out_scales[n] = _quantize(row, levels[n])


@_kernel
def gate_backward(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    gated: Any,
    inner: Any,
    levels: Any,
    out_scales: Any,
) -> None:
    """From the restored gradient of SwiGLU (N, F) to that of ``gated`` (N, 2F), quantised."""
    width = gated.shape[1] // 2
    gradient = np.empty(2 * width, np.float32)
    left, right = gradient[:width], gradient[width:]
    row, factor, bits = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.int32)
    ends = np.array([0, width])
    for n in range(gated.shape[0]):
        _restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        opened, up = gated[n, :width], gated[n, width:]
        for j in range(width):
            factor[j] = -opened[j]
        _exp(factor, bits)
        for j in range(width):
            sigmoid = _ONE / (_ONE + factor[j])
            silu = opened[j] * sigmoid
            left[j] = row[j] * up[j] * (sigmoid + silu * (_ONE - sigmoid))
            right[j] = row[j] * silu
        out_scales[n] = _quantize(gradient, levels[n])


@_kernel
def _add_norm_gradient(received: Any, hidden: Any, weight: Any, epsilon: Any, gradient: Any) -> None:
    """Add to ``gradient`` what an RMSNorm of ``hidden`` passes on of ``received``; all of one token."""
    factor = _reciprocal_norm(hidden, epsilon)
    dot = np.float32(0)
    for j in range(hidden.size):
        dot += hidden[j] * weight[j] * received[j]
    dot *= factor * factor / np.float32(hidden.size)
    for j in range(hidden.size):
        gradient[j] += factor * (received[j] * weight[j] - hidden[j] * dot)


@_kernel
def norm_backward(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    hidden: Any,
    weight: Any,
    epsilon: Any,
    inner: Any,
    gradient: Any,
    levels: Any,
    out_scales: Any,
) -> None:
    """Add what the restored gradient of an RMSNorm's output passes on to ``gradient`` (N, C), and quantise that."""
    row = np.empty_like(weight)
    ends = np.array([0, row.size])
    for n in range(hidden.shape[0]):
        _restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        _add_norm_gradient(row, hidden[n], weight, epsilon, gradient[n])
        out_scales[n] = _quantize(gradient[n], levels[n])


@_kernel
def final_norm_backward(
    received: Any, places: Any, hidden: Any, weight: Any, epsilon: Any, gradient: Any, levels: Any, scales: Any
) -> None:
    """The gradient of the last layer's output (N, C) from that of the final norm's, known at ``places`` alone."""
    gradient[:] = np.float32(0)
    for i in range(places.size):
        _add_norm_gradient(received[i], hidden[places[i]], weight, epsilon, gradient[places[i]])
    for n in range(hidden.shape[0]):
        scales[n] = _quantize(gradient[n], levels[n])


@_kernel
def weigh(inner: Any, scales: Any, weighed: Any, reach: Any) -> None:
    """``inner`` (N, R) times its tokens' ``scales``, transposed and quantised: ``weighed`` (R, N), scales ``reach``."""
    row = np.empty(scales.size, np.float32)
    for i in range(reach.size):
        for n in range(scales.size):
            row[n] = inner[n, i] * scales[n]
        reach[i] = _quantize(row, weighed[i])


@_kernel
def restore_gradient(sums: Any, reach: Any, ends: Any, smoothing: Any, gradient: Any) -> None:
    """Gradients of adapters from int8 sums over tokens (R, columns), laid out flat like ``adapters``."""
    rank = reach.size // (ends.size - 1)
    for span in range(ends.size - 1):
        first, width = ends[span], ends[span + 1] - ends[span]
        factors = smoothing[first : ends[span + 1]]
        for i in range(rank):
            source = sums[span * rank + i, first : ends[span + 1]]
            target = gradient[rank * first + i * width : rank * first + (i + 1) * width]
            for j in range(width):
                target[j] = np.float32(source[j]) * (reach[span * rank + i] * factors[j])


@_kernel
def token_losses(
    products: Any, scales: Any, columns: Any, targets: Any, least: Any, losses: Any, normalizers: Any, hot: Any
) -> None:
    """Negative log-likelihood of each target, from the head's products (tokens, vocabulary).

    ``normalizers`` receives the log of each token's summed exponentials; ``hot`` (vocabulary) turns 1 where a
    probability exceeds ``least``.
    """
    row, bits = np.empty(columns.size, np.float32), np.empty(columns.size, np.int32)
    for n in range(targets.size):
        for j in range(row.size):
            row[j] = np.float32(products[n, j]) * (scales[n] * columns[j])
        top = _top(row, _ZERO)
        losses[n] = top - row[targets[n]]
        for j in range(row.size):
            row[j] -= top
        _exp(row, bits)
        total = np.float32(0)
        for j in range(row.size):
            total += row[j]
        losses[n] += np.log(total)
        normalizers[n] = top + np.log(total)
        bound = least * total
        for j in range(row.size):
            hot[j] |= row[j] > bound
        hot[targets[n]] = 1


@_kernel
def probabilities(
    products: Any, scales: Any, columns: Any, normalizers: Any, targets: Any, hot: Any, found: Any
) -> None:
    """Gradient of the losses by the ``hot`` columns' logits (tokens, hot): probabilities, less 1 at each target."""
    bits = np.empty(hot.size, np.int32)
    for n in range(targets.size):
        row = found[n]
        for j in range(hot.size):
            row[j] = np.float32(products[n, hot[j]]) * (scales[n] * columns[hot[j]]) - normalizers[n]
        _exp(row, bits)
        row[np.searchsorted(hot, targets[n])] -= _ONE


@_kernel
def pack_adapter(
    down: Any,
    up: Any,
    scaling: Any,
    slot: int,
    first: int,
    smoothing: Any,
    outward: Any,
    outward_scales: Any,
    inward: Any,
    inward_scales: Any,
    downs: Any,
    ups: Any,
) -> None:
    """Copy one adapter, A ``down`` (rank, inputs) and B ``up`` (outputs, rank), to where the products read it.

    It is number ``slot`` of those that share an input, and its outputs begin at column ``first``. ``outward`` (all
    outputs + R, inputs) and ``inward`` (inputs + R, all outputs) get it quantised in their last R rows, ``downs`` and
    ``ups`` (flat) as ``adapters`` in float32.
    """
    rank, width = up.shape[1], up.shape[0]
    inputs, outputs = outward.shape[1], inward.shape[1]
    smoothed = np.empty(inputs, np.float32)
    for i in range(rank):
        at = slot * rank + i
        downs[at * inputs : (at + 1) * inputs] = down[i]
        place = outputs + at
        for j in range(inputs):
            smoothed[j] = down[i, j] * smoothing[j]
        outward_scales[place] = _quantize(smoothed, outward[place]) * scaling
        row = ups[rank * first + i * width : rank * first + (i + 1) * width]
        for j in range(width):
            row[j] = up[j, i]
        place = inputs + at
        inward_scales[place] = _quantize(row, inward[place, first : first + width]) * scaling
