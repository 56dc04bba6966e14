"""The constraint for other people's loops: a logits processor for transformers' ``generate``.

    from ainl_align.decoding import AinlLogitsProcessor

    held = AinlLogitsProcessor(tokenizer, max_new_tokens=256)
    model.generate(**prompts, max_new_tokens=256, logits_processor=[held])

Every row of the output is then a canonical program with its end-of-text token inside the budget, whatever the model:
greedy, sampled or by beams, in batches with prompts padded on the left. Our own engine (``decoding/generate.py``) is
faster: it spends no forward pass on forced tokens.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor

from ainl_align.decoding.constraint import Constraint, RowConstraint
from ainl_align.decoding.masks import Bitmask

_CONSIDERED: Final = 8
"""Near the end of the budget, so many of the best tokens are tried for whether they leave room to finish."""


class AinlLogitsProcessor(LogitsProcessor):
    """Bars every token that cannot lead to a canonical program within the budget.

    ``tokenizer``: the model's fast Hugging Face tokenizer. ``max_new_tokens``: the budget given to ``generate``, the
    end-of-text token included; None: no limit, then ``generate``'s own limit may cut a program off. ``eos_ids``: tokens
    that end a text; None: the tokenizer's one. One processor serves one call of ``generate`` at a time; it starts anew
    when it sees other prompts. The first call raises ValueError for a budget that no program fits.
    """

    def __init__(
        self, tokenizer: Any, *, max_new_tokens: int | None = None, eos_ids: Sequence[int] | None = None
    ) -> None:
        self._tokenizer = tokenizer
        self._budget = max_new_tokens
        self._eos_ids = tuple(eos_ids) if eos_ids is not None else (int(tokenizer.eos_token_id),)
        self._constraint: Constraint | None = None
        self._prompt = 0
        self._rows: list[_Row] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """``input_ids``: (rows, tokens so far); ``scores``: (rows, vocabulary). Returns the scores, barred ones at
        minus infinity."""
        if self._constraint is None:
            self._constraint = Constraint(self._tokenizer, vocabulary=scores.shape[1], eos_ids=self._eos_ids)
        self._advance(input_ids)
        mask = self._constraint.allocate(len(self._rows))
        self._constraint.fill([row.constraint for row in self._rows if row.open], mask)
        allowed = np.zeros(scores.shape, dtype=np.bool_)
        filled = iter(mask)
        for place, row in enumerate(self._rows):
            row.allow(allowed[place], next(filled) if row.open else None, scores[place])
        return scores.masked_fill(~torch.from_numpy(allowed).to(scores.device), -math.inf)

    def _advance(self, input_ids: Tensor) -> None:
        """Bring the rows to what was generated: each grew by a token, though beams may have split and died."""
        assert self._constraint is not None
        known: dict[tuple[int, ...], list[_Row]] = {}
        for row in self._rows:
            known.setdefault(tuple(row.seen), []).append(row)
        histories: list[list[int]] = input_ids[:, self._prompt :].tolist()
        if not all(tuple(history[:-1]) in known and history for history in histories):
            self._prompt = input_ids.shape[1]  # nothing is generated yet: these are prompts
            self._rows = [_Row(self._constraint.start(self._budget), self._eos_ids) for _ in histories]
            return
        self._rows = []
        for history in histories:
            heirs = known[tuple(history[:-1])]
            # One heir goes on with the row itself; others walk the same way again.
            row = heirs.pop() if heirs else self._walked(history[:-1])
            row.take(history[-1])
            self._rows.append(row)

    def _walked(self, history: list[int]) -> "_Row":
        assert self._constraint is not None
        row = _Row(self._constraint.start(self._budget), self._eos_ids)
        for token in history:
            row.take(token)
        return row


class _Row:
    """One row: its constraint, and the tokens that are settled but not yet generated."""

    def __init__(self, constraint: RowConstraint, eos_ids: Sequence[int]) -> None:
        self.constraint = constraint
        self.seen: list[int] = []
        self._eos_ids = list(eos_ids)
        self._settled: deque[int] = deque()
        self._settle()

    @property
    def open(self) -> bool:
        """Whether there is something to choose."""
        return not self._settled and not self.constraint.finished

    def take(self, token: int) -> None:
        """Account for the next generated token."""
        self.seen.append(token)
        if self._settled:
            expected = self._settled.popleft()
            if token != expected:
                raise ValueError(f"token {token} was generated where only {expected} may follow; let no other "
                                 "processor run after this one")  # fmt: skip
        elif not self.constraint.finished:
            self.constraint.take([token])
            self._settle()

    def _settle(self) -> None:
        while not self.constraint.finished and (forced := self.constraint.forced()):
            self._settled += self.constraint.take(forced)

    def allow(self, allowed: np.ndarray[Any, np.dtype[np.bool_]], mask: Bitmask | None, scores: Tensor) -> None:
        """Mark the allowed tokens in ``allowed``, all False so far; ``mask`` is that of an open row."""
        if mask is None:
            allowed[self._settled[0] if self._settled else self._eos_ids] = True
            return
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: len(allowed)]
        if not self.constraint.tight:
            allowed[:] = bits.view(np.bool_)
            return
        barred = scores.float().masked_fill(~torch.from_numpy(bits.view(np.bool_)).to(scores.device), -math.inf)
        best = barred.topk(min(_CONSIDERED, int(bits.sum()))).indices.tolist()
        if self.constraint.peek(best[0]) == [best[0]]:
            allowed[[token for token in best if self.constraint.peek(token) == [token]]] = True
        else:
            self._settled += self.constraint.take(best[:1])
            allowed[self._settled[0]] = True
