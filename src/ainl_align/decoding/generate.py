"""Batched decoding with a key-value cache, with or without the constraint, for any Hugging Face causal model."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch

from ainl_align.decoding.constraint import Constraint
from ainl_align.decoding.passes.batch import Batch
from ainl_align.decoding.passes.packed import PackedBatch
from ainl_align.decoding.passes.packed_llama import PackedLlama, obstacle
from ainl_align.decoding.passes.padded import PaddedBatch
from ainl_align.decoding.passes.sampling import Sampler
from ainl_align.decoding.passes.stacked import Stack
from ainl_align.decoding.passes.static import StaticModel
from ainl_align.decoding.passes.static import obstacle as static_obstacle
from ainl_align.decoding.records import PHASES, Generation, GenerationSettings, Request
from ainl_align.decoding.row import Row
from ainl_align.errors import UserError
from ainl_align.progress import Progress, ProgressTask

Finished = Callable[[int, Generation], Sequence[Request]]
"""Takes a request's place and its answer; returns what to ask next."""

__all__ = ["PHASES", "Engine", "Generation", "GenerationSettings", "Request"]


@lru_cache(maxsize=4)
def _constraint(tokenizer: Any, vocabulary: int, eos_ids: tuple[int, ...]) -> Constraint:
    # Reading the vocabulary takes about a second, and a sweep makes many engines over one tokenizer.
    try:
        return Constraint(tokenizer, vocabulary=vocabulary, eos_ids=eos_ids)
    except ValueError as error:
        raise UserError(
            f"{tokenizer.name_or_path}: its tokenizer cannot be constrained ({error}); fetch it again, or use "
            "a base with a fast tokenizer"
        ) from error


class Engine:
    """Decodes with one model. ``model`` is a causal model in eval mode on ``device``, ``tokenizer`` its fast one.

    ``stack``: adapters over the model, among which each request names its slot.
    """

    def __init__(self, model: Any, tokenizer: Any, device: str, stack: Stack | None = None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.device = device
        self.stack = stack
        self.eos_ids = _eos_ids(model, tokenizer)
        self.unpacked = obstacle(model, device)
        """Why decoding goes through the model's own forward pass; None when it goes through ``PackedLlama``."""
        self._packed: PackedLlama | None = None
        self.padded = static_obstacle(model)
        """Why decoding that is not packed cannot keep its memory in place (``passes/static.py``); None when it can."""
        self._static: StaticModel | None = None
        self._sampler = Sampler(device)
        self._told = False

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
        finished: Finished | None = None,
        expected: int | None = None,
    ) -> list[Generation]:
        """Decode every request; results come in input order.

        ``finished`` is told each answer as soon as it is complete, and returns further requests; their answers follow
        those of ``requests``, in the order in which they were asked for. ``expected``: how many answers there will
        be, for the progress line; default: as many as ``requests``.
        """
        run = _Run(self, settings, requests, finished, expected)
        adapted = self.stack.attached() if self.stack is not None and self.unpacked is not None else nullcontext()
        with progress.task(label, total=run.expected, unit="programs") as task, torch.inference_mode(), adapted:
            if settings.cuda_graphs or torch.device(self.device).type != "cuda":
                self._prepare(progress)
            while run.waiting:
                self._decode(run, self._next_batch(run), task)
            self._tell(progress, self._static.graphs.failure if self._static is not None else None)
        return [run.results[index] for index in range(len(run.requests))]

    def _prepare(self, progress: Progress) -> None:
        if self.unpacked is None or self._static is not None:
            return
        if self.padded is None:
            own = self.stack is not None
            static = (
                StaticModel(self.model, self.device, self.stack) if own else StaticModel.over(self.model, self.device)
            )
            self.padded = static.differs(self.model)
            self._static = static if self.padded is None else None
        self._tell(progress, self.padded)

    def _tell(self, progress: Progress, reason: str | None) -> None:
        if reason is not None and not self._told and torch.device(self.device).type == "cuda":
            self._told = True
            progress.fallback(f"decoding without CUDA graphs: {reason}")

    def _next_batch(self, run: "_Run") -> Batch:
        size = run.settings.batch_size
        if self.unpacked is None:
            rows = run.take(len(run.waiting))
            if run.finished is None:
                size = min(size, len(rows))
            return PackedBatch(self._packed_for(size), self._sampler, rows, size)
        if self._static is not None and self._in_place(run):
            columns = run.longest + 1
            rows = run.take(len(run.waiting))
            size = min(size, self._static.fits(columns))
            self._static.reserve(min(size, len(rows)) if run.finished is None else size, columns)
            return PackedBatch(self._static, self._static.sampler, rows, size)
        return PaddedBatch(self.model, self._sampler, run.take(size), self.stack)

    def _in_place(self, run: "_Run") -> bool:
        """Whether the rows of a run can be read by ``_static``."""
        asked = run.settings.cuda_graphs or torch.device(self.device).type != "cuda"
        return self._static is not None and asked and run.longest < self._static.limit

    def _packed_for(self, rows: int) -> PackedLlama:
        """A forward pass for so many rows; the last one again where it is wide enough, for packing copies weights."""
        # Forced tokens make up a quarter, so a pass over all rows and what is forced has a third more tokens.
        widest = -(-rows * 4 // 3 // 8) * 8
        if self._packed is None or self._packed.widest < widest:
            self._packed = None  # give its memory back before the next one is made
            self._packed = PackedLlama(self.model, widest, self.stack)
        return self._packed

    def _decode(self, run: "_Run", batch: Batch, task: ProgressTask) -> None:
        beat = time.monotonic()
        produced = 0
        while batch.unfinished:
            produced += batch.step()
            for row in batch.ended:
                run.end(row)
                if len(run.results) <= run.expected:
                    task.advance()
            if isinstance(batch, PackedBatch) and run.waiting and (self.unpacked is None or self._in_place(run)):
                batch.extend(run.take(len(run.waiting)))
            if time.monotonic() - beat >= run.settings.heartbeat_seconds:
                beat = time.monotonic()
                task.advance(
                    0, note=f"{produced / (beat - batch.started):.0f} tokens/s, {len(batch.rows)} in this batch"
                )


class _Run:
    """The requests of one call: those that wait for a batch, and the answers so far."""

    def __init__(
        self,
        engine: Engine,
        settings: GenerationSettings,
        requests: Sequence[Request],
        finished: Finished | None,
        expected: int | None,
    ) -> None:
        self._engine = engine
        self.expected = len(requests) if expected is None else expected
        self.settings = settings
        self.finished = finished
        self.requests: list[Request] = []
        self.waiting: deque[int] = deque()
        self.longest = 0
        """Most tokens of a row, prompt and answer."""
        self.results: dict[int, Generation] = {}
        self._ask(requests)

    def _ask(self, requests: Sequence[Request]) -> None:
        places = list(range(len(self.requests), len(self.requests) + len(requests)))
        self.requests += requests
        longest = max((len(item.prompt_ids) for item in requests), default=0)
        self.longest = max(self.longest, longest + self.settings.max_new_tokens)
        if self.settings.constrained and self.settings.max_new_tokens < self._engine.minimum_budget:
            for place in places:
                item = self.requests[place]
                self._keep(
                    place,
                    Generation(item.id, "", "budget_too_small", prompt_tokens=len(item.prompt_ids), constrained=True),
                )
            return
        if self.settings.bucket_by_prompt_length:
            places.sort(key=lambda place: -len(self.requests[place].prompt_ids))  # the largest first: it must fit
        self.waiting.extend(places)

    def take(self, most: int) -> list[Row]:
        """The next rows to decode."""
        return [self._row(self.waiting.popleft()) for _ in range(min(most, len(self.waiting)))]

    def _row(self, place: int) -> Row:
        request, settings = self.requests[place], self.settings
        if request.budget is not None and request.budget < settings.max_new_tokens:
            least = self._engine.minimum_budget if settings.constrained else 1
            settings = replace(settings, max_new_tokens=max(request.budget, least))
        constraint = None
        if settings.constrained:
            constraint = self._engine.constraint.start(settings.max_new_tokens, settings.loop_steps)
        return Row(place, request, settings, constraint, self._engine.eos_ids)

    def end(self, row: Row) -> None:
        """Keep a finished row's answer."""
        self._keep(row.index, row.result(self._engine.tokenizer))

    def _keep(self, place: int, answer: Generation) -> None:
        self.results[place] = answer
        if self.finished is not None:
            self._ask(self.finished(place, answer))


def _eos_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    listed = configured if isinstance(configured, list) else [configured]
    return tuple(dict.fromkeys(int(token) for token in [tokenizer.eos_token_id, *listed] if token is not None))
