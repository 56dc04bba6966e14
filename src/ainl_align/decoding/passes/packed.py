"""Continuous decoding on a ``RowMemory``: a row that finishes makes room for the next one at once.

A row may also read a guess at its next tokens (``guess.py``), and the scores of the same pass decide how much of it
was right. With few rows a pass has room for guesses at no cost, for reading the weights takes the time; with many, a
row guesses what is likely to be right, for a row that reads several tokens in one pass looks at its past once. The
choices are those of reading one token at a time.

Constraints go on along the guesses: before a pass that takes the processor's time, so that it reads no guess that may
not come and all that a guess forces; while a device works by itself, so that one look at the scores decides on all.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile

import torch
from torch import Tensor

from ainl_align.decoding.constraint import RowConstraint
from ainl_align.decoding.passes.batch import Batch, Choice
from ainl_align.decoding.passes.graphs import upload
from ainl_align.decoding.passes.guess import Guessed, Memory, Oracle
from ainl_align.decoding.passes.memory import Plan, RowMemory
from ainl_align.decoding.passes.sampling import Sampler
from ainl_align.decoding.row import Row, Step
from ainl_align.errors import ConstraintDeadEnd

_LIKELY = 0.5
"""In a busy pass a token is guessed when all of the guess up to it is right with at least this probability."""
_FORESEEN = 0.25
"""Constraints go on along a guess as far as it is right with at least this probability."""
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
        self._ahead: dict[int, deque[tuple[RowConstraint, int, Step]]] = {}
        """By row, along its guess: a constraint, the token that is guessed there, and what that brings."""
        self._turn = 0
        self._scores = torch.empty(0)
        self._open: dict[int, _Guess] = {}
        """By row whose next scores this pass gives: what it guessed, as far as nobody has decided on it."""

    @property
    def unfinished(self) -> int:
        return len(self.rows) + len(self._waiting)

    def extend(self, rows: Sequence[Row]) -> None:
        """Let more rows wait for a place."""
        self._waiting.extend(rows)

    def _advance(self) -> tuple[Tensor, list[Choice], str]:
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
            self._open = {
                self._slots[slot].index: _Guess(slot, guesses.get(slot, []), first)
                for slot, first in zip(ready, accumulate(map(len, places), initial=0), strict=False)
            }
        rows = [self._slots[slot] for slot in ready]
        with self._timed("mask"):
            if self._model.by_itself:
                for row in rows:
                    self._oracles[row.index].learn()
            choices = self._choices(rows)
        return self._chosen([choice.place for choice in choices]), choices, "forward"

    def _choices(self, rows: Sequence[Row]) -> list[Choice]:
        """What to decide on: each row's next token, and where a device has worked meanwhile what follows a right
        guess."""
        return [choice for row in rows for choice in (self._line(row) if self._model.by_itself else [self._next(row)])]

    def _next(self, row: Row) -> Choice:
        ahead, place = self._ahead.get(row.index), self._open[row.index].place
        if ahead and ahead[0][0] is row.constraint:
            return Choice(row, row.constraint, place, *ahead.popleft()[1:])
        return Choice(row, row.constraint, place)

    def _line(self, row: Row) -> list[Choice]:
        """Choices along a row's guess."""
        found = []
        guess, constraint = self._open[row.index], row.constraint
        place, tokens = guess.place, guess.tokens
        likely = sum(item.chance >= _FORESEEN for item in self._hints[row.index])
        if row.copier is not None or row.settings.temperature > 0:
            likely = 0  # it counts its choices, or draws a random number for each
        while likely > 0 and tokens and (step := _foreseen(constraint, tokens[0])) is not None:
            found.append(Choice(row, constraint, place, tokens[0], step))
            taken = len(step.tokens)
            if step.ended or tokens[:taken] != step.tokens:
                return found
            constraint, place, tokens, likely = step.constraint, place + taken, tokens[taken:], likely - taken
        return [*found, Choice(row, constraint, place)]

    def _chosen(self, places: Sequence[int]) -> Tensor:
        """Some of the scores, without waiting for the device; all of them as they are."""
        if len(places) == len(self._scores) or not places:
            return self._scores[: len(places)]
        return self._scores.index_select(0, upload(torch.tensor(places), self._scores.device))

    def _guesses(self, plan: Plan, ready: Sequence[int], feeds: Sequence[Sequence[int]]) -> dict[int, list[int]]:
        """Guessed tokens by slot: what is likely, and more where the pass has room."""
        room = plan.free - sum(map(len, feeds))
        found = {}
        for place, slot in enumerate(ready):
            row = self._slots[slot]
            oracle = self._oracles[row.index]
            most = min(_LONGEST, plan.row - len(feeds[slot]))
            share = room // (len(ready) - place)
            if not self._model.by_itself:
                oracle.learn()
            if self._model.by_itself or row.constraint is None:
                hint = list(oracle.guess(most))
            else:
                hint = self._hint(row, row.constraint, most, share)
            self._hints[row.index] = hint
            likely = sum(item.chance >= _LIKELY for item in hint)
            guess = [item.token for item in hint[: max(share, likely)]]
            if guess:
                found[slot] = guess
                room -= len(guess)
        return found

    def _hint(self, row: Row, constraint: RowConstraint, most: int, share: int) -> list[Guessed]:
        """The guess at a row's next tokens as far as its constraint lets them come, with what they force. It goes on
        where it is likely, and up to ``share`` tokens."""
        ahead = self._ahead[row.index] = deque()
        hint: list[Guessed] = []
        guess = self._oracles[row.index].guess(most)
        item = next(guess, None)
        while item is not None and len(hint) < most and (not hint or len(hint) < share or item.chance >= _FORESEEN):
            step = _foreseen(constraint, item.token)
            if step is None:
                break
            ahead.append((constraint, item.token, step))
            if step.ended:
                break  # nothing is left to read
            assert step.constraint is not None
            constraint, sure = step.constraint, step.tokens[1:]
            hint += [item, *[Guessed(token, None, item.chance) for token in sure]]
            try:
                item = guess.send(sure)
            except StopIteration:
                break
        return hint[:most]

    def _decided(self, rows: Sequence[Row]) -> tuple[Tensor, list[Choice]]:
        going = []
        for row in rows:
            self._learn(row, row.queue)
            if row.index in self._open and self._compare(row):
                going.append(row)
        choices = [self._next(row) for row in going]
        return self._chosen([choice.place for choice in choices]), choices

    def _compare(self, row: Row) -> bool:
        """Compare a row's guess with its queue; whether the pass has scores for the row's next token."""
        guess, right = self._open[row.index], 0
        while right < min(len(row.queue), len(guess.tokens)) and row.queue[right] == guess.tokens[right]:
            right += 1
        del row.queue[:right], guess.tokens[:right]
        guess.place += right
        if row.finish is None and not row.queue:
            return True
        self._model.unread(guess.slot, len(guess.tokens))
        del self._open[row.index]
        return False

    def _learn(self, row: Row, tokens: Sequence[int]) -> None:
        """Compare the hint with what the row took; a token is counted until the first wrong one."""
        hint = self._hints.get(row.index)
        for token in tokens:
            if not hint:
                return
            first = hint.pop(0)
            if first.kind is not None:
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
                self._ahead.pop(row.index, None)

    def _admit(self, most: int) -> tuple[Tensor, list[Choice]]:
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
        choices = [Choice(row, row.constraint, place) for place, row in enumerate(rows)]
        return self._model.scores(states, ends), choices

    def _feeds(self, plan: Plan) -> list[list[int]]:
        """What each row feeds: all rows something in turn, and long queues what room is left."""
        rows = len(self._slots)
        lengths = [min(len(row.queue), plan.feed) for row in self._slots]
        sizes, left = lengths, plan.total
        if sum(lengths) > left:
            sizes = [0] * rows
            order = [(self._turn + step) % rows for step in range(rows)]
            for wanted in range(1, plan.feed + 1):
                for slot in order:
                    if left and lengths[slot] >= wanted:
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


def _foreseen(constraint: RowConstraint | None, token: int) -> Step | None:
    """What taking a token would bring; None where it may not come, or cannot be told beforehand."""
    if constraint is None:
        return Step(None, [token], [], False)
    try:
        if not constraint.place.allows(token):
            return None
        return Step.of(constraint.copy(), token)
    except ConstraintDeadEnd:
        return None
