"""Batched decoding with a key-value cache, with or without the constraint, for any Hugging Face causal model."""

import inspect
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch

from ainl_align.decoding.batch import Batch
from ainl_align.decoding.constraint import Constraint
from ainl_align.decoding.packed import PackedBatch
from ainl_align.decoding.packed_llama import PackedLlama, obstacle
from ainl_align.decoding.padded import PaddedBatch
from ainl_align.decoding.records import PHASES, Generation, GenerationSettings, Request
from ainl_align.decoding.row import Row
from ainl_align.progress import Progress, ProgressTask

__all__ = ["PHASES", "Engine", "Generation", "GenerationSettings", "Request"]


@lru_cache(maxsize=4)
def _constraint(tokenizer: Any, vocabulary: int, eos_ids: tuple[int, ...]) -> Constraint:
    # Reading the vocabulary takes about a second, and a sweep makes many engines over one tokenizer.
    return Constraint(tokenizer, vocabulary=vocabulary, eos_ids=eos_ids)


class Engine:
    """Decodes with one model. ``model`` is a causal model in eval mode on ``device``, ``tokenizer`` its fast one."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.device = device
        self.eos_ids = _eos_ids(model, tokenizer)
        self.unpacked = obstacle(model, device)
        """Why decoding goes through the model's own forward pass; None when it goes through ``PackedLlama``."""
        self._packed: PackedLlama | None = None
        self._keep_last = "logits_to_keep" in inspect.signature(model.forward).parameters

    @property
    def constraint(self) -> Constraint:
        """The constraint over the model's vocabulary."""
        return _constraint(self.tokenizer, int(self.model.config.get_text_config().vocab_size), self.eos_ids)

    @property
    def minimum_budget(self) -> int:
        """Fewest tokens in which a constrained program fits."""
        return self.constraint.minimum

    def generate(
        self,
        requests: Sequence[Request],
        settings: GenerationSettings,
        progress: Progress,
        *,
        label: str = "generate",
    ) -> list[Generation]:
        """Decode every request; results come in input order."""
        if settings.constrained and settings.max_new_tokens < self.minimum_budget:
            return [
                Generation(item.id, "", "budget_too_small", prompt_tokens=len(item.prompt_ids), constrained=True)
                for item in requests
            ]
        order = list(range(len(requests)))
        if settings.bucket_by_prompt_length:
            order.sort(key=lambda index: -len(requests[index].prompt_ids))  # the largest first: it must fit
        results: dict[int, Generation] = {}
        with progress.task(label, total=len(requests), unit="programs") as task, torch.inference_mode():
            for batch, rows in self._batches([(index, requests[index]) for index in order], settings):
                self._decode(batch, settings, task)
                results.update((row.index, row.result(self.tokenizer)) for row in rows)
        return [results[index] for index in range(len(requests))]

    def _batches(
        self, requests: Sequence[tuple[int, Request]], settings: GenerationSettings
    ) -> Iterator[tuple[Batch, list[Row]]]:
        size = min(settings.batch_size, len(requests))
        if self.unpacked is None:
            rows = [self._row(index, request, settings) for index, request in requests]
            yield PackedBatch(self._packed_for(size), rows, size), rows
            return
        for start in range(0, len(requests), settings.batch_size):
            rows = [
                self._row(index, request, settings) for index, request in requests[start : start + settings.batch_size]
            ]
            yield PaddedBatch(self.model, rows, self.device, keep_last=self._keep_last), rows

    def _packed_for(self, rows: int) -> PackedLlama:
        """A forward pass for so many rows; the last one again where it is wide enough, for packing copies weights."""
        # Forced tokens make up a quarter, so a pass over all rows and what is forced has a third more tokens.
        widest = -(-rows * 4 // 3 // 8) * 8
        if self._packed is None or self._packed.widest < widest:
            self._packed = None  # give its memory back before the next one is made
            self._packed = PackedLlama(self.model, widest)
        return self._packed

    def _row(self, index: int, request: Request, settings: GenerationSettings) -> Row:
        constraint = self.constraint.start(settings.max_new_tokens) if settings.constrained else None
        return Row(index, request, settings, constraint, self.eos_ids)

    def _decode(self, batch: Batch, settings: GenerationSettings, task: ProgressTask) -> None:
        beat = time.monotonic()
        produced = 0
        while batch.unfinished:
            before = batch.unfinished
            produced += batch.step()
            task.advance(before - batch.unfinished)
            if time.monotonic() - beat >= settings.heartbeat_seconds:
                beat = time.monotonic()
                task.advance(
                    0, note=f"{produced / (beat - batch.started):.0f} tokens/s, {len(batch.rows)} in this batch"
                )


def _eos_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    return tuple(dict.fromkeys(int(token) for token in [tokenizer.eos_token_id, *listed] if token is not None))
