"""Decoding through a Hugging Face model's own forward pass, whatever its architecture.

Every row may feed a different number of tokens in one forward pass (tokens that the constraint forces are fed
together with the one before them). Shorter feeds are padded on the left; padded columns stay in the cache and are
masked for good, and positions are counted row by row, so a row's numbers do not depend on its neighbours.
"""

import inspect
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

from ainl_align.decoding.passes.batch import Batch, Choice
from ainl_align.decoding.passes.sampling import Sampler
from ainl_align.decoding.passes.stacked import Stack
from ainl_align.decoding.row import Row

# Feeding so many tokens costs about as much as feeding one: reading the weights dominates below it.
_FREE_TOKENS = {"cpu": 4, "mps": 32, "cuda": 256}
_LEAST_FILL = 0.7
_STEP = 64


class PaddedBatch(Batch):
    """Rows that start and are padded together. ``stack``: the adapters that are attached to the model, if any."""

    def __init__(self, model: Any, sampler: Sampler, rows: list[Row], stack: Stack | None = None) -> None:
        super().__init__(sampler)
        self._device = device = sampler.device
        self._begin(rows)
        self._slots: list[Row] = list(rows)
        """The rows that the cache holds, finished ones included until they are dropped."""
        self._model = model
        self._stack = stack
        self._free = _FREE_TOKENS.get(torch.device(device).type, 1)
        keep_last = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._options: dict[str, Any] = {"logits_to_keep": 1} if keep_last else {}
        self._cache = Cache(layer_class_to_replicate=_GrowingLayer)
        self._seen = torch.zeros((len(rows), 0), dtype=torch.long, device=device)

    def _advance(self) -> tuple[Tensor, list[Choice], str]:
        self._drop_finished()
        phase = "forward" if self._seen.shape[1] else "prefill"
        with self._timed(phase):
            logits = self._forward()
            ready = [slot for slot, row in enumerate(self._slots) if row.finish is None and not row.queue]
            if len(ready) < len(self._slots):
                logits = logits[torch.tensor(ready, dtype=torch.long, device=self._device)]
        rows = [self._slots[slot] for slot in ready]
        return logits, [Choice(row, row.constraint, place) for place, row in enumerate(rows)], phase

    def _drop_finished(self) -> None:
        # Dropping a row copies the cache, so a few wait for each other.
        if len(self._slots) - len(self.rows) >= max(1, len(self._slots) // 8):
            kept = [slot for slot, row in enumerate(self._slots) if row.finish is None]
            with self._timed("other"):
                _keep_rows(self._cache, kept, self._device)
                self._seen = self._seen[torch.tensor(kept, device=self._device)]
            self._slots = [self._slots[slot] for slot in kept]

    def _width(self) -> int:
        """How many tokens each row may feed: as many as keep the feed well filled."""
        lengths = sorted((len(row.queue) for row in self._slots if row.finish is None), reverse=True)
        if not self._seen.shape[1]:
            return lengths[0]
        for width in dict.fromkeys(lengths):
            fed = sum(min(length, width) for length in lengths)
            if width * len(self._slots) <= self._free or fed >= _LEAST_FILL * width * len(self._slots):
                return width
        return 1

    def _forward(self) -> Tensor:
        """Feed the rows; returns the logits after each row's last fed token, (slots, vocabulary)."""
        width = self._width()
        tokens = np.zeros((len(self._slots), width), dtype=np.int64)
        real = np.zeros_like(tokens)
        positions = np.zeros_like(tokens)
        for slot, row in enumerate(self._slots):
            if row.finish is not None:
                real[slot, -1] = 1  # a finished row that is still in the cache feeds one token that nobody reads
                continue
            fed = row.queue[:width]
            del row.queue[:width]
            tokens[slot, width - len(fed) :] = fed
            real[slot, width - len(fed) :] = 1
            positions[slot, width - len(fed) :] = np.arange(row.position, row.position + len(fed))
            row.position += len(fed)
        if self._stack is not None:
            self._stack.wear([row.request.slot for row in self._slots for _ in range(width)])
        self._seen = torch.cat([self._seen, torch.from_numpy(real).to(self._device)], dim=1)
        output = self._model(
            input_ids=torch.from_numpy(tokens).to(self._device),
            attention_mask=self._seen,
            position_ids=torch.from_numpy(positions).to(self._device),
            past_key_values=self._cache,
            use_cache=True,
            **self._options,
        )
        logits: Tensor = output.logits[:, -1]
        return logits


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


def _keep_rows(cache: Cache, rows: list[int], device: str) -> None:
    """Drop all rows but these, in this order."""
    index = torch.tensor(rows, device=device)
    for layer in cache.layers:
        layer.batch_select_indices(index)
