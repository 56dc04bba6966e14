"""Losses and their gradient from the output head's int8 product; arrays as in kernels.py."""

from typing import Any

import numpy as np

from ainl_align.training.cpu.vectors import ONE, ZERO, exponentiate, kernel, top


@kernel
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
        most = top(row, ZERO)
        losses[n] = most - row[targets[n]]
        for j in range(row.size):
            row[j] -= most
        exponentiate(row, bits)
        total = np.float32(0)
        for j in range(row.size):
            total += row[j]
        losses[n] += np.log(total)
        normalizers[n] = most + np.log(total)
        bound = least * total
        for j in range(row.size):
            hot[j] |= row[j] > bound
        hot[targets[n]] = 1


@kernel
def probabilities(
    products: Any, scales: Any, columns: Any, normalizers: Any, targets: Any, hot: Any, found: Any
) -> None:
    """Gradient of the losses by the ``hot`` columns' logits (tokens, hot): probabilities, less 1 at each target."""
    bits = np.empty(hot.size, np.int32)
    for n in range(targets.size):
        row = found[n]
        for j in range(hot.size):
            row[j] = np.float32(products[n, hot[j]]) * (scales[n] * columns[hot[j]]) - normalizers[n]
        exponentiate(row, bits)
        row[np.searchsorted(hot, targets[n])] -= ONE
