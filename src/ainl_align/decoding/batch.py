"""Rows on their way through a model: the step that all kinds of batches share."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ainl_align.decoding.masks import Bitmask
from ainl_align.decoding.records import PHASES
from ainl_align.decoding.row import Row
from ainl_align.decoding.sampling import Sampler
from ainl_align.errors import ConstraintDeadEnd


class Batch(ABC):
    """Rows that share forward passes; ``rows`` are those begun and not yet finished, ``ended`` those that the last
    step finished."""

    def __init__(self, sampler: Sampler) -> None:
        self.started = time.monotonic()
        self.rows: list[Row] = []
        self.ended: list[Row] = []
        self._sampler = sampler
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
        constrained = any(row.constraint is not None for row in rows)
        mask: Bitmask | None = None
        favoured: list[tuple[int, int]] = []
        shares = [1.0] * len(rows)
        with self._timed("mask"):  # on a GPU the forward pass is still running meanwhile
            if constrained:
                mask = self._masks(rows)
                favoured = _ground(rows, mask)
                shares = (np.bitwise_count(mask.view(np.uint32)).sum(axis=1, dtype=np.int64) / logits.shape[1]).tolist()
        with self._timed("sample" if torch.device(self._sampler.device).type == "cpu" else phase):
            picked, rejected, kept, log_probs = self._sampler.sample(logits, mask, favoured, rows)
        gained = 0
        with self._timed("mask" if constrained else "other"):
            for place, row in enumerate(rows):
                if row.finish is not None:
                    continue
                gained += row.take(
                    picked[place],
                    rejected=rejected[place],
                    allowed=shares[place],
                    log_kept=kept[place],
                    log_prob=log_probs[place],
                )
        return gained

    def _masks(self, rows: Sequence[Row]) -> Bitmask:
        """The masks of constrained rows, one a row; a row at a dead end is finished."""
        constraints = [row.constraint for row in rows if row.constraint is not None]
        owner = constraints[0].owner
        mask = self._sampler.allocate(len(rows), -(-owner.vocabulary // 32))
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


def _ground(rows: Sequence[Row], mask: Bitmask) -> list[tuple[int, int]]:
    """Hold rows to their requests: bars tokens in ``mask``, or returns (row, token) to favour."""
    favoured: list[tuple[int, int]] = []
    for place, row in enumerate(rows):
        if row.copier is None or row.constraint is None:
            continue
        line = row.constraint.place.line
        bits = np.unpackbits(mask[place].view(np.uint8), bitorder="little").view(np.bool_)
        if row.settings.grounding == "require":
            row.copier.hold(line, bits)
            mask[place] = np.packbits(bits, bitorder="little").view(np.int32)
        else:
            favoured += ((place, token) for token in row.copier.copies(line, bits))
    return favoured
