"""Screening: all checkpoints answer the same prompts, and the worst are rejected step by step."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ainl_align.decoding.passes.stacked import read_adapter
from ainl_align.evaluation.answer import Answer, Answers, AnswerSettings, Done, Job, Scored, scored
from ainl_align.evaluation.metrics import Score
from ainl_align.evaluation.models import Wardrobe, stacked_path
from ainl_align.evaluation.store import Circumstances, Shelf, answered
from ainl_align.progress import Progress
from ainl_align.sweep.rejects import Outcome, Phase, halve
from ainl_align.sweep.workers import Asker, Task
from ainl_align.tasks.prompts import PromptRow, stratified
from ainl_align.training.checkpoints import Adapter

_ROOM = 1.25
"""A screening answer may take so many times the tokens of the gold program: what needs more is all but never right
(docs/log.md)."""
_SPARE = 16
_KEYS = ("strict_ainl", "runtime_compile", "nonempty", "task_success", "canonical")
"""What screening compares, most important first, in the order of the ranking."""


@dataclass
class Screened:
    """What screening found. Arms are numbers of checkpoints."""

    mode: str
    """The base's quantisation while stacked checkpoints answered, or ``reference``: merged, one by one."""
    phases: Sequence[Phase]
    survivors: Sequence[int]
    """Best first."""
    rejected: Sequence[Sequence[int]]
    """By phase, worst first."""
    sides: Mapping[int, Scored]
    """The answers of each arm to the prompts that it saw."""

    def rejected_after(self, arm: int) -> int | None:
        """On how many prompts an arm was rejected; None for a survivor."""
        return next((phase.prompts for phase, out in zip(self.phases, self.rejected, strict=True) if arm in out), None)


def unreadable(found: Sequence[Adapter]) -> dict[int, str]:
    """By number, the adapters that cannot be read, and why."""
    from safetensors import SafetensorError

    problems = {}
    for number, adapter in enumerate(found):
        try:
            read_adapter(adapter.folder)
        except (ValueError, TypeError, KeyError, AttributeError, OSError, SafetensorError) as error:
            problems[number] = f"{type(error).__name__}: {error}"
    return problems


Give = Callable[[Sequence[int], Sequence[PromptRow]], Mapping[int, Scored]]
"""Lets some arms answer prompts that they have not seen."""


@dataclass(frozen=True)
class Screening:
    """Rejection of ``found``, whose numbers are the arms. ``mode``: how they answer."""

    found: Sequence[Adapter]
    mode: str
    give: Give

    def run(
        self, arms: Sequence[int], rows: Sequence[PromptRow], phases: Sequence[Phase], likely: Mapping[int, Outcome]
    ) -> Screened:
        """Let the ``arms`` answer phase by phase, and reject the worst of each phase.

        ``likely``: how likely the arms find known programs, where that is known; it decides between equals.
        """
        sides: dict[int, Scored] = {arm: Scored(Answers([], []), [], []) for arm in arms}
        seen: set[str] = set()

        def ask(left: Sequence[int], phase: Phase) -> Mapping[int, Sequence[Outcome]]:
            fresh = [row for row in stratified(rows, phase.prompts) if row.id not in seen]
            seen.update(row.id for row in fresh)
            outcomes = {}
            for arm, new in self.give(left, fresh).items():
                sides[arm] = sides[arm].joined(new)
                outcomes[arm] = [outcome(result) for result in new.final]
            return outcomes

        survivors, rejected = halve(
            arms, phases, ask, {arm: (*likely.get(arm, ()), *_tie(self.found[arm])) for arm in arms}
        )
        return Screened(self.mode, phases, survivors, rejected, sides)


class Together:
    """Arms answer in shared batches, stacked over the base in the quantisation ``mode``. ``kept``: folder of known
    answers."""

    def __init__(
        self,
        found: Sequence[Adapter],
        arms: Sequence[int],
        mode: str,
        answering: AnswerSettings,
        wardrobe: Wardrobe,
        asker: Asker,
        kept: Path,
        progress: Progress,
    ) -> None:
        self._arms, self._mode, self._answering = list(arms), mode, answering
        self._wardrobe, self._asker = wardrobe, asker
        self._adapters = tuple(found[arm] for arm in arms)
        circumstances = Circumstances(wardrobe.base, answering, stacked_path(wardrobe.device, mode))
        self._shelves = [Shelf(kept, circumstances.key(adapter), progress) for adapter in self._adapters]

    def __call__(self, left: Sequence[int], rows: Sequence[PromptRow]) -> Mapping[int, Scored]:
        """What the arms that are ``left`` answer."""
        jobs = [
            # The gold is a good guess at what a checkpoint writes; a guess saves passes and decides nothing.
            Job(row, self._arms.index(arm), self._budget(row), row.task.gold if row.task is not None else "")
            for row in rows
            for arm in sorted(left)
        ]
        task = Task(
            self._adapters, self._mode, self._answering, f"screening {len(left)} checkpoints, {len(rows)} prompts"
        )

        def give(missing: Sequence[Job], done: Done) -> list[Answer]:
            return self._asker.ask(task, missing, done)

        answers, replayed = answered(jobs, self._shelves, give, together=True)
        side = scored(Answers([job.row for job in jobs], answers, replayed))
        return {
            arm: side.part([place for place, job in enumerate(jobs) if self._arms[job.slot] == arm]) for arm in left
        }

    def _budget(self, row: PromptRow) -> int | None:
        if row.task is None:
            return None
        gold = len(self._wardrobe.tokenizer(row.task.gold, add_special_tokens=False)["input_ids"])
        return min(int(_ROOM * gold) + _SPARE, self._answering.generation.max_new_tokens)


def outcome(result: Score) -> Outcome:
    """What screening compares of one answer: the ranking's metrics in their order."""
    return tuple(float(result.metrics[name] is True) for name in _KEYS)


def _tie(adapter: Adapter) -> Outcome:
    """Between equals the lower validation loss goes on, then fewer steps: on few prompts many are equal."""
    loss = math.inf if adapter.eval_loss is None else adapter.eval_loss
    return (-loss, -float(adapter.step or 0))
