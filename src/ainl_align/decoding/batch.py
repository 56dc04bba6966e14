"""Rows on their way through a model: the step that all kinds of batches share."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ainl_align.decoding.grounding import BONUS
from ainl_align.decoding.masks import Bitmask
from ainl_align.decoding.records import PHASES
from ainl_align.decoding.row import Row
from ainl_align.errors import ConstraintDeadEnd

_BLOCK = 8
"""Rows whose scores a CPU works on at a time, so that they stay in its cache."""


class Batch(ABC):
    """Rows that share forward passes; ``rows`` are those begun and not yet finished, ``ended`` those that the last
    step finished."""

    def __init__(self, device: str) -> None:
        self.started = time.monotonic()
        self.rows: list[Row] = []
        self.ended: list[Row] = []
        self._device = device
        self._spent = dict.fromkeys(PHASES, 0.0)
        self._charged = time.monotonic()

    @property
    def unfinished(self) -> int:
        """Rows that still need steps."""
        return len(self.rows)

    @abstractmethod
    def _advance(self) -> tuple[Tensor, list[Row], str]:
        """One forward pass: the scores of the rows that have read all their tokens, those rows, and the phase."""

    def step(self) -> int:
        """One forward pass and the tokens that it decides; returns how many tokens the rows gained."""
        logits, ready, phase = self._advance()
        gained = 0
        while ready:
            gained += self._decide(logits, ready, phase)
            logits, ready = self._decided(ready)
        now = time.monotonic()
        for row in self.rows:
            row.seconds = now - row.started
            timeout = row.settings.timeout_seconds
            if row.finish is None and timeout is not None and row.seconds > timeout:
                row.finish = "timeout"
        self._charge(now)
        self.ended = [row for row in self.rows if row.finish is not None]
        self.rows = [row for row in self.rows if row.finish is None]
        return gained

    def _decided(self, rows: Sequence[Row]) -> tuple[Tensor, list[Row]]:
        """After ``rows`` took their tokens: those of them whose next scores the same pass has given, and the scores."""
        return torch.empty(0), []

    def _begin(self, rows: Sequence[Row]) -> None:
        now = time.monotonic()
        for row in rows:
            row.started = now
        self.rows += rows

    def _decide(self, logits: Tensor, rows: Sequence[Row], phase: str) -> int:
        constraints = [row.constraint for row in rows if row.constraint is not None]
        allowed: Tensor | None = None
        favoured: list[tuple[int, int]] = []
        with self._timed("mask"):  # on a GPU the forward pass is still running meanwhile
            if constraints:
                mask = _masks(rows)
                bits = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little")[:, : logits.shape[1]]
                shares = bits.sum(axis=1, dtype=np.int64) / logits.shape[1]
                favoured = _ground(rows, bits.view(np.bool_))
                allowed = torch.from_numpy(bits.view(np.bool_)).to(logits.device, non_blocking=True)
        with self._timed(phase):
            _synchronize(self._device)
        with self._timed("sample"):
            scores = logits.float()
            if favoured:
                scores = scores.index_put(
                    tuple(torch.tensor(part, device=scores.device) for part in zip(*favoured, strict=True)),
                    torch.tensor(BONUS, device=scores.device),
                    accumulate=True,
                )
            picked, rejected, kept, log_probs = _sample(scores, allowed, rows)
        gained = 0
        with self._timed("mask" if constraints else "other"):
            for place, row in enumerate(rows):
                if row.finish is not None:
                    continue
                gained += row.take(
                    picked[place],
                    rejected=rejected[place],
                    allowed=float(shares[place]) if allowed is not None else 1.0,
                    log_kept=kept[place],
                    log_prob=log_probs[place],
                )
        return gained

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._spent[phase] += time.monotonic() - start

    def _charge(self, now: float) -> None:
        """Share the step's seconds among the rows that took part."""
        self._spent["other"] += now - self._charged - sum(self._spent.values())
        for row in self.rows:
            for phase, seconds in self._spent.items():
                row.phases[phase] += seconds / len(self.rows)
        self._spent = dict.fromkeys(PHASES, 0.0)
        self._charged = now


def _masks(rows: Sequence[Row]) -> Bitmask:
    """The masks of constrained rows, one a row; a row at a dead end is finished."""
    constraints = [row.constraint for row in rows if row.constraint is not None]
    owner = constraints[0].owner
    mask = owner.allocate(len(rows))
    try:
        owner.fill(constraints, mask)
    except ConstraintDeadEnd:
        for place, row in enumerate(rows):
            try:
                owner.fill(constraints[place : place + 1], mask[place : place + 1])
            except ConstraintDeadEnd as error:
                row.die(error)
                mask[place] = -1  # nobody reads what is chosen from it
    return mask


def _ground(rows: Sequence[Row], allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Hold rows to their requests: bars tokens in ``allowed`` (rows, vocabulary), or returns (row, token) to favour."""
    favoured: list[tuple[int, int]] = []
    for place, row in enumerate(rows):
        if row.copier is None or row.constraint is None:
            continue
        line = row.constraint.place.line
        if row.settings.grounding == "require":
            row.copier.hold(line, allowed[place])
        else:
            favoured += ((place, token) for token in row.copier.copies(line, allowed[place]))
    return favoured


_Sampled = tuple[list[int], list[bool], list[float], list[float]]


def _sample(scores: Tensor, allowed: Tensor | None, rows: Sequence[Row]) -> _Sampled:
    """By row: the token that it takes, whether the constraint barred the best one, the log of the mass it kept, and
    the log of the token's share of that mass.

    ``scores``: (rows, vocabulary) in fp32; ``allowed``: the same shape, or None for no constraint.
    """
    block = len(rows) if scores.is_cuda else _BLOCK
    parts = [
        _sample_block(
            scores[low : low + block], None if allowed is None else allowed[low : low + block], rows[low : low + block]
        )
        for low in range(0, len(rows), block)
    ]
    picked, rejected, kept, log_probs = zip(*parts, strict=True)
    return [*chain(*picked)], [*chain(*rejected)], [*chain(*kept)], [*chain(*log_probs)]


def _sample_block(scores: Tensor, allowed: Tensor | None, rows: Sequence[Row]) -> _Sampled:
    top, first = scores.max(dim=-1, keepdim=True)
    best = first[:, 0]
    barred = scores
    rejected = [False] * len(rows)
    kept = whole = torch.zeros(len(rows))
    if allowed is not None:
        shares = (scores - top).exp_()
        whole = shares.sum(dim=-1)
        kept = (shares.masked_fill_(~allowed, 0).sum(dim=-1) / whole).log()
        rejected = (~allowed.gather(1, first)[:, 0]).tolist()
        if any(rejected):  # then what is kept may be too small for a plain sum
            odd = torch.tensor(rejected, device=scores.device)
            left = scores[odd].masked_fill_(~allowed[odd], -math.inf)
            best[odd] = left.argmax(dim=-1)
            kept[odd] = left.logsumexp(dim=-1) - scores[odd].logsumexp(dim=-1)
        if any(row.settings.temperature > 0 for row in rows):
            barred = scores.masked_fill(~allowed, -math.inf)
    picked = [
        row.choose(barred[place], token) for place, (row, token) in enumerate(zip(rows, best.tolist(), strict=True))
    ]
    log_probs = [0.0] * len(rows)
    if allowed is not None:
        chosen = scores.gather(1, torch.tensor(picked, device=scores.device)[:, None])
        log_probs = ((chosen - top)[:, 0] - whole.log() - kept).tolist()
    return picked, rejected, kept.tolist(), log_probs


def _synchronize(device: str) -> None:
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.synchronize(device)
    elif kind == "mps":
        torch.mps.synchronize()
