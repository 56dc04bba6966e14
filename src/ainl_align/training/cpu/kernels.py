"""Passes over activations between the int8 products of a Llama layer, each element read and written once.

Every array is C-contiguous; ``levels`` are int8, ``products`` int32, all else float32. N is the number of tokens (rows
one after another, without padding), C the width of the residual stream, F of the feed-forward part, R the sum of the
ranks of the adapters that read one input.

A product of quantised rows is restored with the scale of its row and of its column. Its last R columns are the
adapters' inner activations (forward: ``inputs @ A.T``) or their gradients (backward: ``gradient @ B``), which ride in
the same product; ``inner`` receives them. ``adapters`` holds for each span of columns (between two ``ends``) the
matrix, rank × columns, that leads from there to the outputs.
"""

from typing import Any

import numpy as np

from ainl_align.training.cpu.vectors import ONE, exponentiate, kernel, quantize, reciprocal_norm, restore, rotate


@kernel
def normalize(hidden: Any, weight: Any, epsilon: Any, levels: Any, scales: Any) -> None:
    """RMSNorm of ``hidden`` (N, C), quantised by row."""
    row = np.empty_like(weight)
    for n in range(hidden.shape[0]):
        factor = reciprocal_norm(hidden[n], epsilon)
        for j in range(row.size):
            row[j] = hidden[n, j] * factor * weight[j]
        scales[n] = quantize(row, levels[n])


@kernel
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
        restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        for j in range(row.size):
            row[j] += hidden[n, j]
            total[n, j] = row[j]
        factor = reciprocal_norm(row, epsilon)
        for j in range(row.size):
            row[j] *= factor * weight[j]
        out_scales[n] = quantize(row, levels[n])


@kernel
def _keys_of(row: int, starts: Any, common: int, width: int) -> Any:
    """How many common tokens a row's keys begin with, and where they lie, each ``width`` numbers wide."""
    before = common if row else 0
    first = (starts[row] + before * (row - 1)) * width
    return before, (first, first + (before + starts[row + 1] - starts[row]) * width)


@kernel
def split_heads(
    products: Any,
    scales: Any,
    columns: Any,
    adapters: Any,
    ends: Any,
    cosine: Any,
    sine: Any,
    starts: Any,
    common: int,
    inner: Any,
    queries: Any,
    keys: Any,
    values: Any,
) -> None:
    """Restore queries, keys and values and turn the first two by their positions.

    For the row of T tokens that begins at each of ``starts``, the flat outputs hold (key heads, T, query heads a key
    head × D) and (key heads, T, D): the queries of one key head are one matrix. ``cosine`` and ``sine``: (T, D / 2).
    With ``common`` above 0 the first row is what all others begin with, so many tokens: their positions go on from
    there, and their keys and values, (key heads, ``common`` + T, D), begin with its.
    """
    size = 2 * cosine.shape[1]
    groups = (ends[2] - ends[1]) // size
    shared = ends[1] // (groups * size)
    row = np.empty(ends[3], np.float32)
    begin = groups * common * size
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        before, part = _keys_of(b, starts, common, groups * size)
        query = queries[first * ends[1] : starts[b + 1] * ends[1]].reshape(groups, length, shared, size)
        key = keys[part[0] : part[1]].reshape(groups, before + length, size)
        value = values[part[0] : part[1]].reshape(groups, before + length, size)
        if before:
            key[:, :before] = keys[:begin].reshape(groups, common, size)
            value[:, :before] = values[:begin].reshape(groups, common, size)
        for t in range(length):
            n, place = first + t, before + t
            restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
            for g in range(groups):
                for h in range(shared):
                    at = (g * shared + h) * size
                    rotate(row[at : at + size], cosine[place], sine[place], query[g, t, h])
                at = ends[1] + g * size
                rotate(row[at : at + size], cosine[place], sine[place], key[g, place])
                at = ends[2] + g * size
                value[g, place, :] = row[at : at + size]


@kernel
def join_heads(
    queries: Any,
    keys: Any,
    values: Any,
    ends: Any,
    cosine: Any,
    sine: Any,
    starts: Any,
    common: int,
    levels: Any,
    scales: Any,
) -> None:
    """The gradients of ``split_heads``' outputs as those of its input, quantised; ``sine`` negated.

    Those of the first row's keys and values receive what the others' common tokens have.
    """
    size = 2 * cosine.shape[1]
    groups = (ends[2] - ends[1]) // size
    shared = ends[1] // (groups * size)
    row = np.empty(ends[3], np.float32)
    if common:
        width = common * size
        for b in range(1, starts.size - 1):
            before, part = _keys_of(b, starts, common, groups * size)
            whole = (before + starts[b + 1] - starts[b]) * size
            for g in range(groups):
                at = part[0] + g * whole
                for j in range(width):
                    keys[g * width + j] += keys[at + j]
                    values[g * width + j] += values[at + j]
    for b in range(starts.size - 1):
        first, length = starts[b], starts[b + 1] - starts[b]
        before, part = _keys_of(b, starts, common, groups * size)
        query = queries[first * ends[1] : starts[b + 1] * ends[1]].reshape(groups, length, shared, size)
        key = keys[part[0] : part[1]].reshape(groups, before + length, size)
        value = values[part[0] : part[1]].reshape(groups, before + length, size)
        for t in range(length):
            place = before + t
            for g in range(groups):
                for h in range(shared):
                    at = (g * shared + h) * size
                    rotate(query[g, t, h], cosine[place], sine[place], row[at : at + size])
                at = ends[1] + g * size
                rotate(key[g, place], cosine[place], sine[place], row[at : at + size])
                at = ends[2] + g * size
                row[at : at + size] = value[g, place]
            scales[first + t] = quantize(row, levels[first + t])


@kernel
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
            scales[first + t] = quantize(row, levels[first + t])


@kernel
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
            restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
            for g in range(groups):
                out[g, t, :] = parts[g]


@kernel
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
        restore(products[n], scales[n], columns, adapters, ends, inner[n], gated[n])
        opened, up = gated[n, :width], gated[n, width:]
        for j in range(width):
            row[j] = -opened[j]
        exponentiate(row, bits)
        for j in range(width):
            row[j] = opened[j] / ((ONE + row[j]) * smoothing[j]) * up[j]
        out_scales[n] = quantize(row, levels[n])


@kernel
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
        restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        opened, up = gated[n, :width], gated[n, width:]
        for j in range(width):
            factor[j] = -opened[j]
        exponentiate(factor, bits)
        for j in range(width):
            sigmoid = ONE / (ONE + factor[j])
            silu = opened[j] * sigmoid
            left[j] = row[j] * up[j] * (sigmoid + silu * (ONE - sigmoid))
            right[j] = row[j] * silu
        out_scales[n] = quantize(gradient, levels[n])


@kernel
def _add_norm_gradient(received: Any, hidden: Any, weight: Any, epsilon: Any, gradient: Any) -> None:
    """Add to ``gradient`` what an RMSNorm of ``hidden`` passes on of ``received``; all of one token."""
    factor = reciprocal_norm(hidden, epsilon)
    dot = np.float32(0)
    for j in range(hidden.size):
        dot += hidden[j] * weight[j] * received[j]
    dot *= factor * factor / np.float32(hidden.size)
    for j in range(hidden.size):
        gradient[j] += factor * (received[j] * weight[j] - hidden[j] * dot)


@kernel
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
        restore(products[n], scales[n], columns, adapters, ends, inner[n], row)
        _add_norm_gradient(row, hidden[n], weight, epsilon, gradient[n])
        out_scales[n] = quantize(gradient[n], levels[n])


@kernel
def final_norm_backward(
    received: Any, places: Any, hidden: Any, weight: Any, epsilon: Any, gradient: Any, levels: Any, scales: Any
) -> None:
    """The gradient of the last layer's output (N, C) from that of the final norm's, known at ``places`` alone."""
    gradient[:] = np.float32(0)
    for i in range(places.size):
        _add_norm_gradient(received[i], hidden[places[i]], weight, epsilon, gradient[places[i]])
    for n in range(hidden.shape[0]):
        scales[n] = quantize(gradient[n], levels[n])
