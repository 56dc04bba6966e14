"""Weights and adapters on their way into the int8 products, and gradients out of them; arrays as in kernels.py."""

from typing import Any

import numpy as np

from ainl_align.training.cpu.vectors import kernel, quantize


@kernel
def widen(matrix: Any, widest: Any) -> None:
    """Raise ``widest`` to the largest magnitude in each column of ``matrix``."""
    for i in range(len(matrix)):
        for j in range(widest.size):
            widest[j] = max(widest[j], abs(matrix[i, j]))


@kernel
def quantize_rows(matrix: Any, factors: Any, levels: Any, scales: Any) -> None:
    """Fill ``levels`` and ``scales`` with the rows of ``matrix``, its columns times ``factors``."""
    row = np.empty(factors.size, np.float32)
    for i in range(len(matrix)):
        for j in range(row.size):
            row[j] = matrix[i, j] * factors[j]
        scales[i] = quantize(row, levels[i])


@kernel
def weigh(inner: Any, scales: Any, weighed: Any, reach: Any) -> None:
    """``inner`` (N, R) times its tokens' ``scales``, transposed and quantised: ``weighed`` (R, N), scales ``reach``."""
    row = np.empty(scales.size, np.float32)
    for i in range(reach.size):
        for n in range(scales.size):
            row[n] = inner[n, i] * scales[n]
        reach[i] = quantize(row, weighed[i])


@kernel
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


@kernel
def add_rows(rows: Any, first: int, total: Any) -> None:
    """``total``: the sum of ``rows`` from column ``first`` on."""
    total[:] = rows[0, first : first + total.size]
    for i in range(1, len(rows)):
        row = rows[i, first : first + total.size]
        for j in range(total.size):
            total[j] += row[j]


@kernel
def add_gradient(found: Any, downs: int, ups: int, scale: Any, down: Any, up: Any) -> None:
    """Add to ``down`` (rank, inputs) and ``up`` (outputs, rank) the sum of what threads found, times ``scale``.

    ``found`` (threads, numbers) holds A from number ``downs`` on, and B, transposed, from ``ups`` on.
    """
    rank, inputs = down.shape
    width = up.shape[0]
    total = np.empty(rank * max(inputs, width), np.float32)
    add_rows(found, downs, total[: rank * inputs])
    for i in range(rank):
        for j in range(inputs):
            down[i, j] += total[i * inputs + j] * scale
    add_rows(found, ups, total[: rank * width])
    for j in range(width):
        for i in range(rank):
            up[j, i] += total[i * width + j] * scale


@kernel
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
        outward_scales[place] = quantize(smoothed, outward[place]) * scaling
        row = ups[rank * first + i * width : rank * first + (i + 1) * width]
        for j in range(width):
            row[j] = up[j, i]
        place = inputs + at
        inward_scales[place] = quantize(row, inward[place, first : first + width]) * scaling
