"""Rows on their way through a model: the step that all kinds of batches share."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ainl_align.decoding.constraint import RowConstraint
from ainl_align.decoding.masks import Bitmask
from ainl_align.decoding.passes.sampling import Sampler
from ainl_align.decoding.records import PHASES
from ainl_align.decoding.row import Row, Step
from ainl_align.errors import ConstraintDeadEnd


class Choice(NamedTuple):
    """One token to decide on: after what ``constraint`` has taken, from the scores at ``place`` of a pass.

    ``guess``: a token; where it is chosen, ``step`` says what that brings, and the next choice for the row counts too.
    """

    row: Row
    constraint: RowConstraint | None
    place: int
    guess: int | None = None
    step: Step | None = None


class Batch(ABC):
    """Rows that share forward passes; ``rows`` are those begun and not yet finished, ``ended`` those that the last
    step finished."""

    def __init__(self, sampler: Sampler) -> None:
        self.started = time.monotonic()
        self.rows: list[Row] = []
        self.ended: list[Row] = []
        self.gained = 0
        """Tokens that the rows gained in this step."""
        self._sampler = sampler
        self._spent = dict.fromkeys(PHASES, 0.0)
        self._charged = time.monotonic()

    @property
    def unfinished(self) -> int:
        """Rows that still need steps."""
        return len(self.rows)

    @abstractmethod
    def _advance(self) -> tuple[Tensor, list[Choice], str]:
        """One forward pass: the choices that it allows, each one's scores, and the phase."""

    def step(self) -> int:
        """One forward pass and the tokens that it decides; returns how many tokens the rows gained."""
        self.gained = 0
        logits, ready, phase = self._advance()
        while ready:
            self._decide(logits, ready, phase)
            logits, ready = self._decided(list(dict.fromkeys(choice.row for choice in ready)))
        now = time.monotonic()
        for row in self.rows:
            row.seconds = now - row.started
            timeout = row.settings.timeout_seconds
            if row.finish is None and timeout is not None and row.seconds > timeout:
                row.finish = "timeout"
        self._charge(now)
        self.ended = [row for row in self.rows if row.finish is not None]
        self.rows = [row for row in self.rows if row.finish is None]
        return self.gained

    def _decided(self, rows: Sequence[Row]) -> tuple[Tensor, list[Choice]]:
        """After ``rows`` took their tokens: the choices that the same pass allows then, and their scores."""
        return torch.empty(0), []

    def _begin(self, rows: Sequence[Row]) -> None:
        now = time.monotonic()
        for row in rows:
            row.started = now
        self.rows += rows

    def _decide(self, logits: Tensor, choices: Sequence[Choice], phase: str) -> None:
        rows = [choice.row for choice in choices]
        constrained = any(choice.constraint is not None for choice in choices)
        mask: Bitmask | None = None
        favoured: list[tuple[int, int]] = []
        shares = [1.0] * len(rows)
        with self._timed("mask"):  # on a GPU the forward pass is still running meanwhile
            if constrained:
                mask = self._masks(choices)
                favoured = _ground(rows, mask)
                shares = (np.bitwise_count(mask.view(np.uint32)).sum(axis=1, dtype=np.int64) / logits.shape[1]).tolist()
        with self._timed("sample" if torch.device(self._sampler.device).type == "cpu" else phase):
            picked, rejected, kept, log_probs = self._sampler.sample(logits, mask, favoured, rows)
        with self._timed("mask" if constrained else "other"):
            gone: set[int] = set()
            for place, choice in enumerate(choices):
                row, token = choice.row, picked[place]
                if row.finish is not None or row.index in gone:
                    continue
                foreseen = choice.step is not None and token == choice.guess
                if not foreseen:
                    gone.add(row.index)
                self.gained += row.take(
                    token,
                    rejected=rejected[place],
                    allowed=shares[place],
                    log_kept=kept[place],
                    log_prob=log_probs[place],
                    step=choice.step if foreseen else None,
                )

    def _masks(self, choices: Sequence[Choice]) -> Bitmask:
        """The masks of constrained choices; a row at a dead end is finished."""
        constraints = [choice.constraint for choice in choices if choice.constraint is not None]
        owner = constraints[0].owner
        mask = self._sampler.allocate(len(choices), -(-owner.vocabulary // 32))
        try:
            owner.fill(constraints, mask)
        except ConstraintDeadEnd:
            for place, choice in enumerate(choices):
                try:
                    owner.fill(constraints[place : place + 1], mask[place : place + 1])
                except ConstraintDeadEnd as error:
                    mask[place] = -1  # nobody reads what is chosen from it
                    if choice.constraint is choice.row.constraint:
                        choice.row.die(error)
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
