"""Guesses at the next tokens of a row: what followed the same tokens before, in the row itself or in others.

Prompt lookup (Saxena 2023) with a memory that the rows of a batch share, as their programs share idioms, and as
several checkpoints answer the same prompt alike. Every kind of precedent has a record of how often it was right, so a
guess comes with its probability. The model decides on every token; a guess only saves passes.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from ainl_align.decoding.row import Row

_LONG = 4
_MIDDLE = 3
_SHORT = 2
_DRAFT = "draft"
_LEARN = 0.03
"""Weight of the newest token in a record."""
_LEAST = 0.1
"""A guess ends where it is less likely than this."""


class Guessed(NamedTuple):
    """One guessed token: ``chance`` is the probability that it and all before it are right, ``kind`` what it was
    guessed by; None for one that is sure to follow the one before."""

    token: int
    kind: tuple[str, int] | None
    chance: float


class Memory:
    """What followed which tokens in the rows of one batch, and how often a precedent of each kind was right."""

    def __init__(self) -> None:
        self._after: dict[tuple[object, ...], tuple[int, int]] = {}
        self._right: dict[tuple[str, int], float] = {}

    def note(self, key: tuple[object, ...], token: int) -> None:
        """Remember what came after ``key``, and whether it was the same as the last time, and the time before."""
        last = self._after.get(key)
        self._after[key] = (token, min(last[1] + 1, 2) if last is not None and last[0] == token else 0)

    def find(self, key: tuple[object, ...]) -> tuple[int, int] | None:
        """The token that came after ``key`` the last time, and how often in a row it had been the same."""
        return self._after.get(key)

    def chance(self, kind: tuple[str, int]) -> float:
        """The share of precedents of a kind that were right."""
        return self._right.get(kind, 0.9 if kind[0] == _DRAFT else 0.5)

    def learn(self, kind: tuple[str, int], right: bool) -> None:
        """Take one fate into the record of a kind."""
        known = self.chance(kind)
        self._right[kind] = known + _LEARN * (right - known)


class Oracle:
    """Guesses the next tokens of one row."""

    def __init__(self, row: Row, memory: Memory) -> None:
        self._row = row
        self._memory = memory
        self._own = Memory()
        self._draft = Memory()
        self._seen: list[int] = []
        self._taken = 0
        if row.request.draft:
            text = [*row.request.prompt_ids[-_LONG:], *row.request.draft]
            for place in range(_LONG, len(text)):
                self._draft.note(tuple(text[place - _LONG : place]), text[place])
        self._read(row.request.prompt_ids, shared=False)

    def _read(self, tokens: Sequence[int], *, shared: bool) -> None:
        """Go on in the text, and remember it: for this row, and, when ``shared``, for all."""
        seen, prompt = self._seen, self._row.request.id
        for token in tokens:
            long = tuple(seen[-_LONG:])
            self._own.note(long, token)
            self._own.note(long[-_SHORT:], token)
            if shared:
                self._memory.note((prompt, long), token)
                self._memory.note(long[-_MIDDLE:], token)
            seen.append(token)

    def _precedent(self, tail: tuple[int, ...]) -> tuple[str, tuple[int, int]] | None:
        for name, memory, key in (
            (_DRAFT, self._draft, tail),
            ("own", self._own, tail),
            ("same prompt", self._memory, (self._row.request.id, tail)),
            ("any", self._memory, tail[-_MIDDLE:]),
            ("own, short", self._own, tail[-_SHORT:]),
        ):
            found = memory.find(key)
            if found is not None:
                return name, found
        return None

    def learn(self) -> None:
        """Remember what the row took since the last time."""
        ids = self._row.ids
        self._read(ids[self._taken :], shared=True)
        self._taken = len(ids)

    def guess(self, most: int) -> Generator[Guessed, Sequence[int] | None]:
        """Up to ``most`` tokens that may follow; fewer where there is no precedent. What is sure to follow a token may
        be sent in answer to it."""
        tail = (*self._seen[-_LONG:], *self._row.ids[self._taken :])[-_LONG:]
        chance = 1.0
        for _ in range(most):
            precedent = self._precedent(tail)
            if precedent is None:
                return
            name, (token, times) = precedent
            chance *= self._memory.chance((name, times))
            if chance < _LEAST:
                return
            sure = yield Guessed(token, (name, times), chance)
            tail = (*tail, token, *(sure or ()))[-_LONG:]
