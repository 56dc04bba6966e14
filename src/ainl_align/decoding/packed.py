"""Continuous decoding on a ``RowMemory``: a row that finishes makes room for the next one at once.

A row may also read a guess at its next tokens (``guess.py``), and the scores of the same pass decide how much of it
was right. With few rows a pass has room for guesses at no cost, for reading the weights takes the time; with many, a
row guesses what is likely to be right, for a row that reads several tokens in one pass looks at its past once. The
choices are those of reading one token at a time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile

import torch
from torch import Tensor

from ainl_align.decoding.batch import Batch
from ainl_align.decoding.guess import Guessed, Memory, Oracle
from ainl_align.decoding.memory import Plan, RowMemory
from ainl_align.decoding.row import Row
from ainl_align.decoding.sampling import Sampler

_LIKELY = 0.5
"""In a busy pass a token is guessed when all of the guess up to it is right with at least this probability."""
_LONGEST = 12
"""Most tokens of one row's guess."""


@dataclass(slots=True)
class _Guess:
    """Tokens that a row has read and may have to forget, and the place of the scores before the first of them."""

    slot: int
    tokens: list[int]
    place: int


class PackedBatch(Batch):
    """Up to ``size`` of the rows at a time, in their order."""

    def __init__(self, model: RowMemory, sampler: Sampler, rows: Sequence[Row], size: int) -> None:
        super().__init__(sampler)
        self._waiting = deque(rows)
        model.begin(_shared([row.queue for row in rows]))
        self._model = model
        self._size = size
        self._slots: list[Row] = []
        self._memory = Memory()
        self._oracles: dict[int, Oracle] = {}
        self._hints: dict[int, list[Guessed]] = {}
        """By row: the guess at its next tokens, whether it was read or not, as far as it is neither right nor wrong."""
        self._turn = 0
        self._scores = torch.empty(0)
        self._open: dict[int, _Guess] = {}
        """By row: what it guessed in this pass, as far as nobody has decided on it."""

    @property
    def unfinished(self) -> int:
        return len(self.rows) + len(self._waiting)

    def extend(self, rows: Sequence[Row]) -> None:
        """Let more rows wait for a place."""
        self._waiting.extend(rows)

    def _advance(self) -> tuple[Tensor, list[Row], str]:
        with self._timed("other"):
            self._leave()
        free = self._size - len(self._slots)
        if self._waiting and free >= max(1, min(self._size, len(self._waiting)) // 8):
            with self._timed("prefill"):
                return *self._admit(free), "prefill"
        with self._timed("forward"):
            plan = self._model.plan([len(row.queue) for row in self._slots])
            feeds = self._feeds(plan)
            ready = [slot for slot, row in enumerate(self._slots) if feeds[slot] and not row.queue]
            guesses = self._guesses(plan, ready, feeds)
            states = self._model.feed(0, [[*feed, *guesses.get(slot, ())] for slot, feed in enumerate(feeds)])
            ends = list(accumulate(len(feed) + len(guesses.get(slot, ())) for slot, feed in enumerate(feeds)))
            places = [range(ends[slot] - 1 - len(guesses.get(slot, ())), ends[slot]) for slot in ready]
            self._scores = self._model.scores(states, [*chain(*places)])
            firsts = [0, *accumulate(map(len, places))]
            self._open = {
                self._slots[slot].index: _Guess(slot, guesses[slot], first)
                for slot, first in zip(ready, firsts, strict=False)
                if slot in guesses
            }
            return self._chosen(firsts[:-1]), [self._slots[slot] for slot in ready], "forward"

    def _chosen(self, places: Sequence[int]) -> Tensor:
        """Some of the scores, without waiting for the device; all of them as they are."""
        if len(places) == len(self._scores):
            return self._scores
        return self._scores.index_select(0, torch.tensor(places).to(self._scores.device, non_blocking=True))

    def _guesses(self, plan: Plan, ready: Sequence[int], feeds: Sequence[Sequence[int]]) -> dict[int, list[int]]:
        """Guessed tokens by slot: what is likely, and more where the pass has room."""
        room = plan.free - sum(map(len, feeds))
        found = {}
        for place, slot in enumerate(ready):
            row = self._slots[slot].index
            most = min(_LONGEST, plan.row - len(feeds[slot]))
            hint = self._hints[row] = list(self._oracles[row].guess(most))
            likely = sum(item.chance >= _LIKELY for item in hint)
            guess = [item.token for item in hint[: max(room // (len(ready) - place), likely)]]
            if guess:
                found[slot] = guess
                room -= len(guess)
        return found

    def _decided(self, rows: Sequence[Row]) -> tuple[Tensor, list[Row]]:
        going, places = [], []
        for row in rows:
            self._learn(row)
            guess = self._open.get(row.index)
            if guess is None:
                continue
            right = 0
            while right < min(len(row.queue), len(guess.tokens)) and row.queue[right] == guess.tokens[right]:
                right += 1
            del row.queue[:right], guess.tokens[:right]
            guess.place += right
            if row.finish is None and not row.queue:
                going.append(row)
                places.append(guess.place)
            else:
                self._model.unread(guess.slot, len(guess.tokens))
                del self._open[row.index]
        return (self._chosen(places) if going else self._scores[:0]), going

    def _learn(self, row: Row) -> None:
        """Compare the hint with what the row took; a token is counted until the first wrong one."""
        hint = self._hints.get(row.index)
        for token in row.queue:
            if not hint:
                return
            first = hint.pop(0)
            self._memory.learn(first.kind, token == first.token)
            if token != first.token:
                hint.clear()

    def _leave(self) -> None:
        for slot in reversed(range(len(self._slots))):
            row = self._slots[slot]
            if row.finish is not None:
                self._model.drop(slot)
                self._slots[slot] = self._slots[-1]
                self._slots.pop()
                del self._oracles[row.index]
                self._hints.pop(row.index, None)

    def _admit(self, most: int) -> tuple[Tensor, list[Row]]:
        """Read the prompts of the next rows: those that fit one pass, at least one."""
        rows: list[Row] = []
        total, room = 0, self._model.prefill
        while self._waiting and len(rows) < most and (not rows or total + len(self._waiting[0].queue) <= room):
            row = self._waiting.popleft()
            prefix = self._model.prefix
            shares = len(prefix) > 0 and row.queue[: len(prefix)] == prefix and len(row.queue) > len(prefix)
            if shares:
                del row.queue[: len(prefix)]
            self._model.add(row.request.slot, prefixed=shares)
            self._oracles[row.index] = Oracle(row, self._memory)
            rows.append(row)
            total += len(row.queue)
        self._begin(rows)
        states = self._model.feed(len(self._slots), [row.queue for row in rows])
        lengths = [len(row.queue) for row in rows]
        for row in rows:
            row.queue.clear()
        self._slots += rows
        self._open = {}
        ends = [end - 1 for end in accumulate(lengths)]
        return self._model.scores(states, ends), rows

    def _feeds(self, plan: Plan) -> list[list[int]]:
        """What each row feeds: all rows something in turn, and long queues what room is left."""
        rows = len(self._slots)
        sizes = [0] * rows
        left = plan.total
        order = [(self._turn + step) % rows for step in range(rows)]
        for wanted in range(1, plan.feed + 1):
            for slot in order:
                if left and len(self._slots[slot].queue) >= wanted:
                    sizes[slot] += 1
                    left -= 1
        self._turn += 1
        feeds = []
        for row, size in zip(self._slots, sizes, strict=True):
            feeds.append(row.queue[:size])
            del row.queue[:size]
        return feeds


def _shared(prompts: Sequence[Sequence[int]]) -> list[int]:
    """What all prompts begin with; every one keeps a token of its own to read."""
    if len(prompts) < 2:
        return []
    least = min(map(len, prompts)) - 1
    return [column[0] for column in takewhile(lambda c: len(set(c)) == 1, zip(*prompts, strict=False))][: max(least, 0)]
