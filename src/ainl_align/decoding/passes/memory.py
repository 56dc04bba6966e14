"""What a model has read of each row: keys and values by row and position, so that columns of padding never exist."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_STEP = 64


class Plan(NamedTuple):
    """How much a pass over some rows should read.

    ``total``: most tokens of all queues; ``feed``: most of one queue; ``row``: most of one row, guesses included;
    ``free``: tokens that the pass is filled up to with guesses of any quality.
    """

    total: int
    feed: int
    row: int
    free: int


class RowMemory(ABC):
    """A model, and the rows that it is reading. Rows are numbered from 0; a dropped row's number goes to the last one.

    ``shape``: layers, heads that share keys, and the size of a head.
    """

    prefill: int
    """Prompt tokens to read in one pass."""
    by_itself = False
    """Whether a pass goes on by itself after ``feed`` has returned."""

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: str) -> None:
        self.device = device
        self._shape = shape
        self._dtype = dtype
        self._store = torch.empty(0)
        """Keys and values, (layers, 2, rows, columns, heads, size)."""
        self.prefix: list[int] = []
        """With what rows may begin at no cost."""
        self._read: dict[int, Tensor] = {}
        """By slot: keys and values of the prefix in every layer, once a row needed them."""
        self._slots: list[int] = []
        self.lengths: list[int] = []
        """Tokens that each row has read."""

    @abstractmethod
    def plan(self, lengths: Sequence[int]) -> Plan:
        """How to read queues of these lengths."""

    @abstractmethod
    def feed(self, first: int, feeds: Sequence[Sequence[int]]) -> Tensor:
        """Rows ``first`` and on read these tokens, at least one in all; returns all their states, (tokens, hidden)."""

    @abstractmethod
    def scores(self, states: Tensor, places: Sequence[int]) -> Tensor:
        """Logits of some of the states, (places, vocabulary)."""

    def begin(self, prefix: Sequence[int]) -> None:
        """Forget all rows; rows that are added from now on may begin with ``prefix``."""
        self.lengths, self._slots = [], []
        self.prefix, self._read = list(prefix), {}

    def add(self, slot: int = 0, *, prefixed: bool = False) -> None:
        """Make room for one more row, which wears ``slot`` of the stack and has read nothing, or just the prefix."""
        if prefixed and slot not in self._read:
            self.add(slot)
            row = len(self.lengths) - 1
            self.feed(row, [self.prefix])
            self._read[slot] = self._store[:, :, row, : len(self.prefix)].clone()
            self.drop(row)
        row, read = len(self.lengths), len(self.prefix) if prefixed else 0
        self.lengths.append(read)
        self._slots.append(slot)
        self.reserve(row + 1, max(read, 1))
        if prefixed:
            self._store[:, :, row, :read] = self._read[slot]

    def drop(self, row: int) -> None:
        """Forget a row; the last one takes its number."""
        last = len(self.lengths) - 1
        if row < last:
            end = self.lengths[last]
            self._store[:, :, row, :end] = self._store[:, :, last, :end]
            self.lengths[row] = self.lengths[last]
            self._slots[row] = self._slots[last]
        self.lengths.pop()
        self._slots.pop()

    def unread(self, row: int, tokens: int) -> None:
        """Let a row forget the last tokens that it read."""
        self.lengths[row] -= tokens

    def reserve(self, rows: int, columns: int) -> None:
        """Let the memory hold so much."""
        held = self._store.shape[2:4] if self._store.numel() else (0, 0)
        if rows <= held[0] and columns <= held[1]:
            return
        layers, heads, size = self._shape
        spare = columns // 4 if self.lengths and columns > held[1] else 0  # it may go on growing
        width = max(-(-(columns + spare) // _STEP) * _STEP, held[1])
        # Columns beyond a row's length are masked, but a NaN there would still spoil the sum: so zeros.
        grown = torch.zeros((layers, 2, max(rows, held[0]), width, heads, size), dtype=self._dtype, device=self.device)
        if held[0] and self.lengths:
            grown[:, :, : held[0], : held[1]] = self._store
        self._store = grown
