"""One batch of rows on their way through the model.

Every row may feed a different number of tokens in one forward pass (tokens that the constraint forces are fed
together with the one before them). Shorter feeds are padded on the left; padded columns stay in the cache and are
masked for good, and positions are counted row by row, so a row's numbers do not depend on its neighbours.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ainl_align.decoding.cache import growing_cache, keep_rows
from ainl_align.decoding.constraint import RowConstraint
from ainl_align.decoding.records import PHASES, FinishReason, Generation, GenerationSettings, Request

# Feeding so many tokens costs about as much as feeding one: reading the weights dominates below it.
_FREE_TOKENS = {"cpu": 4, "mps": 32, "cuda": 256}
_LEAST_FILL = 0.7


class Row:
    """One request while it is decoded."""

    def __init__(
        self,
        index: int,
        request: Request,
        settings: GenerationSettings,
        constraint: RowConstraint | None,
        eos_ids: Sequence[int],
    ) -> None:
        self.index = index
        self.request = request
        self.settings = settings
        self.constraint = constraint
        self.queue = list(request.prompt_ids)
        """Tokens that the model has yet to read."""
        self.position = 0
        self.ids: list[int] = []
        self.finish: FinishReason | None = None
        self.seconds = 0.0
        self.phases = dict.fromkeys(PHASES, 0.0)
        self._eos_ids = frozenset(eos_ids)
        self._ended = False
        self._forced = self._choices = self._rejected = 0
        self._allowed = self._log_kept = 0.0
        self._random = torch.Generator().manual_seed(hash((settings.seed, index)) & 0x7FFFFFFFFFFFFFFF)
        self._take_forced()

    def choose(self, scores: Tensor, first: int) -> int:
        """Pick a token from the scores, shape (vocabulary,), barred ones at minus infinity; ``first`` is the best."""
        if self.settings.temperature == 0:
            return first
        shares = torch.softmax(scores.float().cpu() / self.settings.temperature, dim=-1)
        if self.settings.top_p < 1:
            ordered, places = shares.sort(descending=True)
            # A token stays while the mass before it is below top_p, so one always does.
            ordered[ordered.cumsum(0) - ordered >= self.settings.top_p] = 0
            shares = torch.zeros_like(shares).scatter_(0, places, ordered)
        return int(torch.multinomial(shares, 1, generator=self._random))

    def take(self, token: int, *, rejected: bool, allowed: float, log_kept: float) -> int:
        """Add the chosen token and what it forces; returns how many tokens that were."""
        before = len(self.ids)
        self._choices += 1
        self._rejected += rejected
        self._allowed += allowed
        self._log_kept += log_kept
        if self.constraint is not None:
            self._gain(self.constraint.take([token]), chosen=1)
            self._take_forced()
        elif token in self._eos_ids:
            self._ended, self.finish = True, "eos"
        else:
            self._gain([token], chosen=1)
            if len(self.ids) >= self.settings.max_new_tokens:
                self.finish = "budget"
        return len(self.ids) - before + self._ended

    def _take_forced(self) -> None:
        if self.constraint is None:
            return
        while not self.constraint.finished and (forced := self.constraint.forced()):
            self._gain(self.constraint.take(forced), chosen=0)
        if self.constraint.finished:
            self._ended, self.finish = True, "eos"

    def _gain(self, tokens: list[int], *, chosen: int) -> None:
        self.ids += tokens
        self.queue += tokens
        self._forced += len(tokens) - chosen

    def result(self, tokenizer: Any) -> Generation:
        """The row as it stands."""
        if self.constraint is not None:
            text = self.constraint.program
        else:
            text = tokenizer.decode(self.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert self.finish is not None, f"row {self.request.id} is not finished"
        constrained = self.constraint is not None
        measured = constrained and self._choices > 0
        return Generation(
            id=self.request.id,
            text=text,
            finish_reason=self.finish,
            token_ids=tuple(self.ids),
            prompt_tokens=len(self.request.prompt_ids),
            tokens=len(self.ids) + self._ended,
            forced_tokens=self._forced + (self._ended and constrained),
            closed_by_budget=self.constraint is not None and self.constraint.closed_by_budget,
            constrained=constrained,
            choices=self._choices,
            rejected=self._rejected,
            allowed_share=self._allowed / self._choices if measured else None,
            mean_log_kept=self._log_kept / self._choices if measured else None,
            eos_allowed=self._ended or not constrained,
            seconds=self.seconds,
            phases=self.phases,
        )


class Batch:
    """Rows that share forward passes; ``rows`` are those not yet finished."""

    def __init__(self, model: Any, rows: list[Row], device: str, *, keep_last: bool) -> None:
        self.started = time.monotonic()
        self.rows = list(rows)
        self._slots: list[Row] = list(rows)
        """The rows that the cache holds, finished ones included until they are dropped."""
        self._model = model
        self._device = device
        self._free = _FREE_TOKENS.get(torch.device(device).type, 1)
        self._options: dict[str, Any] = {"logits_to_keep": 1} if keep_last else {}
        self._cache = growing_cache()
        self._seen = torch.zeros((len(rows), 0), dtype=torch.long, device=device)
        self._spent = dict.fromkeys(PHASES, 0.0)
        self._charged = time.monotonic()

    def step(self) -> int:
        """One forward pass and the tokens that it decides; returns how many tokens the rows gained."""
        self._drop_finished()
        phase = "forward" if self._seen.shape[1] else "prefill"
        with self._timed(phase):
            logits = self._forward()
        ready = [slot for slot, row in enumerate(self._slots) if row.finish is None and not row.queue]
        gained = self._decide(logits, ready, phase) if ready else 0
        now = time.monotonic()
        for row in self.rows:
            row.seconds = now - self.started
            timeout = row.settings.timeout_seconds
            if row.finish is None and timeout is not None and row.seconds > timeout:
                row.finish = "timeout"
        self._charge(now)
        self.rows = [row for row in self.rows if row.finish is None]
        return gained

    def _drop_finished(self) -> None:
        # Dropping a row copies the cache, so a few wait for each other.
        if len(self._slots) - len(self.rows) >= max(1, len(self._slots) // 8):
            kept = [slot for slot, row in enumerate(self._slots) if row.finish is None]
            with self._timed("other"):
                keep_rows(self._cache, kept, self._device)
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

    def _decide(self, logits: Tensor, ready: list[int], phase: str) -> int:
        rows = [self._slots[slot] for slot in ready]
        constraints = [row.constraint for row in rows if row.constraint is not None]
        allowed: Tensor | None = None
        with self._timed("mask"):  # on a GPU the forward pass is still running meanwhile
            if constraints:
                owner = constraints[0].owner
                mask = owner.allocate(len(rows))
                owner.fill(constraints, mask)
                bits = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little")[:, : logits.shape[1]]
                shares = bits.sum(axis=1, dtype=np.int64) / logits.shape[1]
                allowed = torch.from_numpy(bits.view(np.bool_)).to(logits.device, non_blocking=True)
        with self._timed(phase):
            _synchronize(self._device)
        with self._timed("sample"):
            scores = logits if len(ready) == len(self._slots) else logits[torch.tensor(ready, device=logits.device)]
            scores = scores.float()
            barred = scores if allowed is None else scores.masked_fill(~allowed, -math.inf)
            best = barred.argmax(dim=-1).tolist()
            if allowed is None:
                wanted, kept = best, [0.0] * len(rows)
            else:
                wanted = scores.argmax(dim=-1).tolist()
                kept = (barred.logsumexp(dim=-1) - scores.logsumexp(dim=-1)).tolist()
            picked = [row.choose(barred[place], best[place]) for place, row in enumerate(rows)]
        gained = 0
        with self._timed("mask" if constraints else "other"):
            for place, row in enumerate(rows):
                gained += row.take(
                    picked[place],
                    rejected=wanted[place] != best[place],
                    allowed=float(shares[place]) if allowed is not None else 1.0,
                    log_kept=kept[place],
                )
        return gained

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


def _synchronize(device: str) -> None:
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.synchronize(device)
    elif kind == "mps":
        torch.mps.synchronize()
