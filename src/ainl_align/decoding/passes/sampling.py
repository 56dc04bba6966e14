"""From scores and masks to tokens, with what the constraint did to the model's choice."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ainl_align.decoding.grounding import BONUS
from ainl_align.decoding.masks import Bitmask
from ainl_align.decoding.passes.graphs import Graphs, upload
from ainl_align.decoding.row import Row

_FAINT = 1e-30
"""Shares of the best token below this have lost digits."""
_BLOCK = 8
"""Rows whose scores a CPU works on at a time, so that they stay in its cache."""


class Sampled(NamedTuple):
    """By row: the token that it takes, whether the constraint barred the best one, the log of the mass that it kept,
    and the log of the token's share of that mass."""

    picked: list[int]
    rejected: list[bool]
    kept: list[float]
    log_probs: list[float]


class Sampler:
    """Chooses tokens on one device. On CUDA nothing waits for the device but the reading of what was chosen."""

    def __init__(self, device: str, graphs: Graphs | None = None) -> None:
        self.device = device
        self._graphs = graphs if graphs is not None else Graphs(device, usable=False)
        self._on_host = torch.device(device).type == "cpu"
        self._masks = torch.empty((0, 0), dtype=torch.int32)

    def allocate(self, rows: int, words: int) -> Bitmask:
        """Room for the masks of one step; the last step's may be overwritten."""
        if self._masks.shape[0] < rows or self._masks.shape[1] != words:
            pinned = torch.device(self.device).type == "cuda"
            self._masks = torch.zeros((_rounded(rows), words), dtype=torch.int32, pin_memory=pinned)
        mask: Bitmask = self._masks[:rows].numpy()
        return mask

    def sample(
        self, logits: Tensor, mask: Bitmask | None, favoured: Sequence[tuple[int, int]], rows: Sequence[Row]
    ) -> Sampled:
        """Each row's token. ``logits``: (rows, vocabulary); ``mask``: what may come, from ``allocate``; ``favoured``:
        (row, token) that score higher."""
        if not self._on_host:
            return self._on_device(logits, mask, favoured, rows)
        scores = _raised(logits.float(), favoured)
        allowed = None if mask is None else _bits(mask, scores.shape[1])
        parts = [
            _sample_block(
                scores[low : low + _BLOCK],
                None if allowed is None else allowed[low : low + _BLOCK],
                rows[low : low + _BLOCK],
            )
            for low in range(0, len(rows), _BLOCK)
        ]
        return Sampled(*([*chain(*part)] for part in zip(*parts, strict=True)))

    def _on_device(
        self, logits: Tensor, mask: Bitmask | None, favoured: Sequence[tuple[int, int]], rows: Sequence[Row]
    ) -> Sampled:
        count = len(rows)
        warm = [place for place, row in enumerate(rows) if row.settings.temperature > 0]
        if favoured or warm:
            scores = _raised(logits.float(), favoured)
            words = None if mask is None else upload(self._masks[:count], scores.device)
            picked, rejected, kept, log_probs = decide(scores, words).tolist()
            for place in warm:
                left = scores[place]
                if words is not None:
                    left = left.masked_fill(~unpack(words[place : place + 1], len(left))[0], -math.inf)
                picked[place] = rows[place].choose(left, int(picked[place]))
                if words is not None:
                    log_probs[place] = float(left[picked[place]] - left.logsumexp(dim=-1))
        else:
            filled = _rounded(count)
            if filled > count:
                logits = torch.cat([logits, logits[:1].expand(filled - count, -1)])
            inputs = (logits,) if mask is None else (logits, self._masks[:filled])
            key = (mask is None, tuple(logits.shape), logits.dtype)
            picked, rejected, kept, log_probs = self._graphs.run(key, decide, *inputs)[:, :count].tolist()
        return Sampled([int(token) for token in picked], [bool(bad) for bad in rejected], kept, log_probs)


def decide(logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """Greedy tokens and the fields of ``Sampled`` as one tensor of shape (4, rows), in fp32
    (exact for tokens below 2**24).

    ``logits``: (rows, vocabulary); ``mask``: (rows, words) of 32 bits. No step depends on what another one found.
    """
    scores = logits.float()
    best = scores.argmax(dim=-1)
    if mask is None:
        nothing = torch.zeros_like(scores[:, 0])
        return torch.stack([best.float(), nothing, nothing, nothing])
    left = scores.masked_fill(~unpack(mask, scores.shape[1]), -math.inf)
    top, picked = left.max(dim=-1)
    mass = left.logsumexp(dim=-1)
    kept = mass - scores.logsumexp(dim=-1)
    return torch.stack([picked.float(), (best != picked).float(), kept, top - mass])


def unpack(mask: Tensor, vocabulary: int) -> Tensor:
    """Bits of (rows, words) as (rows, vocabulary) of bool."""
    places = torch.arange(32, dtype=torch.int32, device=mask.device)
    return (mask[:, :, None] >> places & 1).bool().flatten(1)[:, :vocabulary]


def _rounded(rows: int) -> int:
    """Rows that a step is filled up to, so that few shapes occur."""
    return 1 << (rows - 1).bit_length()


def _bits(mask: Bitmask, vocabulary: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little")[:, :vocabulary]
    return bits.view(np.bool_)


def _raised(scores: Tensor, favoured: Sequence[tuple[int, int]]) -> Tensor:
    if not favoured:
        return scores
    places = tuple(torch.tensor(part, device=scores.device) for part in zip(*favoured, strict=True))
    return scores.index_put(places, torch.tensor(BONUS, device=scores.device), accumulate=True)


def _sample_block(scores: Tensor, allowed: NDArray[np.bool_] | None, rows: Sequence[Row]) -> Sampled:
    # NumPy finds the largest of 49,152 numbers in 10 µs, where torch 2.13 takes 160; and it multiplies by flags in 30,
    # where ``masked_fill`` takes up to 340.
    best = scores.numpy().argmax(axis=1)
    first = torch.from_numpy(best)[:, None]
    barred = scores
    rejected = [False] * len(rows)
    kept = whole = top = torch.zeros(len(rows))
    if allowed is not None:
        top = scores.gather(1, first)
        shares = (scores - top).exp_()
        whole = shares.sum(dim=-1)
        held = shares.numpy()
        np.multiply(held, allowed, out=held)
        kept = (shares.sum(dim=-1) / whole).log()
        rejected = (~allowed[np.arange(len(rows)), best]).tolist()
        for row in np.flatnonzero(rejected).tolist():
            best[row], sure = _largest(scores[row].numpy(), held[row], allowed[row])
            if not sure:  # what is kept is too small for a plain sum
                left = scores[row][torch.from_numpy(allowed[row])]
                kept[row] = left.logsumexp(dim=-1) - scores[row].logsumexp(dim=-1)
        if any(row.settings.temperature > 0 for row in rows):
            barred = scores.masked_fill(~torch.from_numpy(allowed), -math.inf)
    picked = [
        row.choose(barred[place], token) for place, (row, token) in enumerate(zip(rows, best.tolist(), strict=True))
    ]
    log_probs = [0.0] * len(rows)
    if allowed is not None:
        chosen = scores.gather(1, torch.tensor(picked)[:, None])
        log_probs = ((chosen - top)[:, 0] - whole.log() - kept).tolist()
    return Sampled(picked, rejected, kept.tolist(), log_probs)


def _largest(scores: NDArray[np.float32], shares: NDArray[np.float32], allowed: NDArray[np.bool_]) -> tuple[int, bool]:
    """The allowed token of the highest score, the first of equal ones, and whether the shares of the allowed ones (all
    others are 0) can be trusted."""
    most = shares.max()
    sure = bool(most > _FAINT)
    # Scores that differ may have equal shares, and the share of a higher one may be a rounding smaller.
    near = np.flatnonzero(shares >= most * np.float32(1 - 1e-5)) if sure else np.flatnonzero(allowed)
    return int(near[scores[near].argmax()]), sure
