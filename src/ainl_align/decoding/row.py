"""One request while it is decoded: its tokens so far, its constraint, its random numbers and its counters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ainl_align.decoding.constraint import RowConstraint
from ainl_align.decoding.grounding import Copier
from ainl_align.decoding.records import PHASES, FinishReason, Generation, GenerationSettings, Request
from ainl_align.errors import ConstraintDeadEnd


@dataclass(frozen=True, slots=True)
class Step:
    """What taking one token brings: the constraint after it, the tokens that are chosen, and those that are forced."""

    constraint: RowConstraint | None
    chosen: list[int]
    forced: list[int]
    ended: bool

    @classmethod
    def of(cls, constraint: RowConstraint, token: int) -> "Step":
        """Let ``constraint`` take an allowed token. Raises ConstraintDeadEnd."""
        chosen, forced = constraint.take([token]), []
        while not constraint.finished and (more := constraint.forced()):
            forced += constraint.take(more)
        return cls(constraint, chosen, forced, constraint.finished)

    @property
    def tokens(self) -> list[int]:
        """All tokens that the row gains."""
        return self.chosen + self.forced


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
        self.started = 0.0
        """When its decoding began, on the monotonic clock."""
        self.seconds = 0.0
        self.phases = dict.fromkeys(PHASES, 0.0)
        self._eos_ids = frozenset(eos_ids)
        self._ended = False
        self._dead_end = ""
        self._forced = self._choices = self._rejected = 0
        self._allowed = self._log_prob = 0.0
        self._log_kept: list[float] = []
        self.copier: Copier | None = None
        """Holds literals to the request where that is asked for."""
        if settings.grounding != "off" and constraint is not None and request.text:
            self.copier = Copier(request.text, constraint.owner)
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

    def take(
        self,
        token: int,
        *,
        rejected: bool,
        allowed: float,
        log_kept: float,
        log_prob: float,
        step: Step | None = None,
    ) -> int:
        """Add the chosen token and what it forces (``step``, where it is known); returns how many tokens that were."""
        before = len(self.ids)
        self._choices += 1
        self._rejected += rejected
        self._allowed += allowed
        self._log_kept.append(log_kept)
        self._log_prob += log_prob
        if self.constraint is not None and step is not None:
            self.constraint = step.constraint
            self._gain(step.chosen, chosen=1)
            self._gain(step.forced, chosen=0)
            if step.ended:
                self._ended, self.finish = True, "eos"
        elif self.constraint is not None:
            try:
                self._gain(self.constraint.take([token]), chosen=1)
                self._take_forced()
            except ConstraintDeadEnd as error:
                self.die(error)
        elif token in self._eos_ids:
            self._ended, self.finish = True, "eos"
        else:
            self._gain([token], chosen=1)
            if len(self.ids) >= self.settings.max_new_tokens:
                self.finish = "budget"
        return len(self.ids) - before + self._ended

    def die(self, error: ConstraintDeadEnd) -> None:
        """End the row where its constraint allows nothing more; the others go on."""
        self.finish, self._dead_end = "dead_end", str(error)

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
            closed_by_loop=self.constraint is not None and self.constraint.closed_by_loop,
            constrained=constrained,
            choices=self._choices,
            rejected=self._rejected,
            allowed_share=self._allowed / self._choices if measured else None,
            mean_log_kept=sum(self._log_kept) / self._choices if measured else None,
            log_kept=tuple(self._log_kept) if constrained else (),
            mean_log_prob=self._log_prob / self._choices if measured else None,
            copied_choices=self.copier.choices if self.copier else 0,
            copies_lost=self.copier.lost if self.copier else 0,
            dead_end=self._dead_end,
            eos_allowed=self._ended or not constrained,
            seconds=self.seconds,
            phases=self.phases,
        )
