"""A key-value cache that grows in place: appending a token copies that token, not the whole past."""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

_STEP = 64


class _GrowingLayer(DynamicLayer):
    """Keys and values of one layer, (rows, heads, columns, size), in a buffer with room to spare."""

    _room: tuple[Tensor, Tensor]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append columns; returns views of all columns so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._room = (_buffer(key_states, 0), _buffer(value_states, 0))
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if end > self._room[0].shape[-2]:
            self._grow(end)
        for buffer, states in zip(self._room, (key_states, value_states), strict=True):
            buffer[:, :, start:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self._room)
        return self.keys, self.values

    def _grow(self, columns: int) -> None:
        used = self.get_seq_length()
        grown = []
        for buffer in self._room:
            larger = _buffer(buffer, columns + columns // 4)
            larger[:, :, :used] = buffer[:, :, :used]
            grown.append(larger)
        self._room = (grown[0], grown[1])

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep only these rows."""
        used = self.get_seq_length()
        self._room = (self._room[0][indices], self._room[1][indices])
        self.keys, self.values = (buffer[:, :, :used] for buffer in self._room)


def _buffer(like: Tensor, columns: int) -> Tensor:
    rounded = -(-columns // _STEP) * _STEP
    return like.new_zeros((like.shape[0], like.shape[1], rounded, like.shape[3]))


def growing_cache() -> Cache:
    """An empty cache for a decoder with ordinary attention."""
    return Cache(layer_class_to_replicate=_GrowingLayer)


def keep_rows(cache: Cache, rows: list[int], device: str) -> None:
    """Drop all rows but these, in this order."""
    index = torch.tensor(rows, device=device)
    for layer in cache.layers:
        layer.batch_select_indices(index)
