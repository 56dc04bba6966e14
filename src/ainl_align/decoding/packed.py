"""Continuous decoding through ``PackedLlama``: a row that finishes makes room for the next one at once."""

from collections import deque
from collections.abc import Sequence
from itertools import takewhile

import torch
from torch import Tensor

from ainl_align.decoding.batch import Batch
from ainl_align.decoding.packed_llama import PackedLlama
from ainl_align.decoding.row import Row

_WIDEST = 4
"""Most tokens that one row feeds beside others: attention pays for the widest row in every row."""
_PREFILL = 512
"""Prompt tokens read in one pass."""


class PackedBatch(Batch):
    """Up to ``size`` of the rows at a time, in their order."""

    def __init__(self, model: PackedLlama, rows: Sequence[Row], size: int) -> None:
        super().__init__("cpu")
        self._waiting = deque(rows)
        with torch.inference_mode(), self._timed("prefill"):
            prefix = _shared([row.queue for row in rows])
            model.begin(prefix)
        for row in rows:
            del row.queue[: len(prefix)]
        self._model = model
        self._size = size
        self._slots: list[Row] = []
        self._turn = 0

    @property
    def unfinished(self) -> int:
        return len(self.rows) + len(self._waiting)

    def _advance(self) -> tuple[Tensor, list[Row], str]:
        with self._timed("other"):
            self._leave()
        free = self._size - len(self._slots)
        if self._waiting and free >= max(1, min(self._size, len(self._waiting)) // 8):
            with self._timed("prefill"):
                return *self._admit(free), "prefill"
        with self._timed("forward"):
            feeds = self._feeds()
            states = self._model.feed(0, feeds)
            ready = [slot for slot, row in enumerate(self._slots) if feeds[slot] and not row.queue]
            return (
                self._model.scores(states[torch.tensor(ready, dtype=torch.long)]),
                [self._slots[s] for s in ready],
                "forward",
            )

    def _leave(self) -> None:
        for slot in reversed(range(len(self._slots))):
            if self._slots[slot].finish is not None:
                self._model.drop(slot)
                self._slots[slot] = self._slots[-1]
                self._slots.pop()

    def _admit(self, most: int) -> tuple[Tensor, list[Row]]:
        """Read the prompts of the next rows: those that fit one pass, at least one."""
        rows = [self._waiting.popleft()]
        while (
            self._waiting
            and len(rows) < most
            and sum(len(r.queue) for r in rows) + len(self._waiting[0].queue) <= _PREFILL
        ):
            rows.append(self._waiting.popleft())
        self._begin(rows)
        self._model.add(len(rows))
        states = self._model.feed(len(self._slots), [row.queue for row in rows])
        for row in rows:
            row.queue.clear()
        self._slots += rows
        return self._model.scores(states), rows

    def _feeds(self) -> list[list[int]]:
        """What each row feeds: all rows something in turn, and long queues what room is left."""
        rows = len(self._slots)
        sizes = [0] * rows
        left = self._model.widest
        order = [(self._turn + step) % rows for step in range(rows)]
        for wanted in range(1, _WIDEST + 1):
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
