"""Answer every prompt of a set with one model: generate, canonicalise, repair, score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ainl_align.artifacts import METRICS
from ainl_align.data.records import CUT_OFF, Message, after_examples, repair_messages, request_messages
from ainl_align.decoding.generate import Engine, Generation, GenerationSettings, Request
from ainl_align.evaluation.metrics import Score, failure_family, rates, rates_by, score
from ainl_align.language.canonical import canonicalize
from ainl_align.language.compiler import Diagnostic
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.encode import prompt_ids

CUT_SHORT = ("budget", "timeout", "dead_end")
"""Finish reasons of a text that ends where it was cut, not where it was finished."""


@dataclass(frozen=True)
class AnswerSettings:
    """How prompts are answered; ``generation`` holds the budget and the constraint."""

    generation: GenerationSettings
    repair_attempts: int = 2
    canonicalize_output: bool = True
    canonicalize_chunk_lines: int = 256
    canonicalize_max_lines: int = 512


@dataclass(frozen=True)
class Job:
    """A prompt to answer. ``slot`` and ``budget``: as in ``Request``; ``draft``: a program that may be the answer;
    ``examples``: requests with their programs, shown before it."""

    row: PromptRow
    slot: int = 0
    budget: int | None = None
    draft: str = ""
    examples: tuple[tuple[str, str], ...] = ()


@dataclass
class Answer:
    """One prompt's answer. ``drafts`` are the programs that a repair replaced, first one first; ``generations`` are
    what the model wrote, the first pass and then the repairs."""

    program: str
    finish_reason: str
    generations: list[Generation]
    drafts: list[str] = field(default_factory=list)

    @property
    def first_finish(self) -> str:
        """How the first pass ended."""
        return self.generations[0].finish_reason

    @property
    def attempts(self) -> int:
        """Repairs that were tried."""
        return len(self.generations) - 1

    @property
    def tokens(self) -> int:
        """Tokens of all passes."""
        return sum(item.tokens for item in self.generations)

    @property
    def seconds(self) -> float:
        """Wall time of all passes."""
        return sum(item.seconds for item in self.generations)


@dataclass(frozen=True)
class Answers:
    """The answers to a prompt set in its order. ``replayed``: how many of them an earlier run gave."""

    rows: Sequence[PromptRow]
    answers: Sequence[Answer]
    replayed: int = 0

    @property
    def generations(self) -> list[Generation]:
        """What the diagnostics count."""
        return [generation for item in self.answers for generation in item.generations]


Done = Callable[[Job, Answer], None]
"""Told each answer as soon as nothing more will be done about it."""


def answer(
    engine: Engine,
    tokenizer: Any,
    jobs: Sequence[Job],
    settings: AnswerSettings,
    progress: Progress,
    label: str,
    done: Done | None = None,
) -> list[Answer]:
    """Generate a program for every job; one that is not canonical is repaired with the compiler's diagnostics.

    Repairs join the batch while it runs. An answer that ran out of time is left as it is.
    """
    answers: list[Answer | None] = [None] * len(jobs)
    owners = list(range(len(jobs)))

    def finished(place: int, generation: Generation) -> list[Request]:
        job, item = jobs[owners[place]], answers[owners[place]]
        program = _clean(generation.text, settings)
        if item is None:
            item = answers[owners[place]] = Answer(program, generation.finish_reason, [generation])
        else:
            _replace(item, generation, program)
        if item.attempts < settings.repair_attempts and _needs_repair(item):
            owners.append(owners[place])
            return [_request(tokenizer, repair_messages(job.row.prompt, item.program, diagnostics(item)), job)]
        if done is not None:
            done(job, item)
        return []

    requests = [_request(tokenizer, request_messages(job.row.prompt), job) for job in jobs]
    engine.generate(requests, settings.generation, progress, label=label, finished=finished)
    return [item for item in answers if item is not None]


def _request(tokenizer: Any, chat: Sequence[Message], job: Job) -> Request:
    ids = prompt_ids(tokenizer, after_examples(chat, job.examples))
    draft = tokenizer(job.draft, add_special_tokens=False)["input_ids"] if job.draft else ()
    return Request(job.row.id, ids, job.slot, job.budget, draft, text=job.row.prompt)


def _needs_repair(item: Answer) -> bool:
    if item.generations[-1].finish_reason in ("timeout", "budget_too_small"):
        return False
    return item.finish_reason in CUT_SHORT or not verdict(item.program).canonical


def diagnostics(item: Answer) -> tuple[Diagnostic, ...]:
    """What the compiler, or the budget, has against an answer: what a repair prompt shows."""
    if item.finish_reason in CUT_SHORT:
        return (CUT_OFF,)
    return verdict(item.program).reasons


def _replace(item: Answer, repaired: Generation, program: str) -> None:
    """Take a repair when it climbs the ladder; a repair that makes things worse is dropped."""
    item.generations.append(repaired)
    better = _rungs(program) > _rungs(item.program)
    completed = item.finish_reason in CUT_SHORT and repaired.finish_reason == "eos"
    if better or (completed and _rungs(program) == _rungs(item.program)):
        item.drafts.append(item.program)
        item.program = program
        item.finish_reason = repaired.finish_reason


def _rungs(program: str) -> int:
    found = verdict(program)
    return sum(bool(getattr(found, name)) for name in METRICS[:-1])


def _clean(text: str, settings: AnswerSettings) -> str:
    if not settings.canonicalize_output:
        return text
    done = canonicalize(text, chunk_lines=settings.canonicalize_chunk_lines, max_lines=settings.canonicalize_max_lines)
    return done.text


@dataclass(frozen=True)
class Scored:
    """Answers with their scores, before and after repair."""

    answers: Answers
    first_pass: Sequence[Score]
    final: Sequence[Score]

    def part(self, places: Sequence[int]) -> "Scored":
        """Only the answers at these places."""
        answers = Answers([self.answers.rows[at] for at in places], [self.answers.answers[at] for at in places])
        return Scored(answers, [self.first_pass[at] for at in places], [self.final[at] for at in places])

    def joined(self, other: "Scored") -> "Scored":
        """These answers, and then those of ``other``."""
        mine, theirs = self.answers, other.answers
        answers = Answers([*mine.rows, *theirs.rows], [*mine.answers, *theirs.answers], mine.replayed + theirs.replayed)
        return Scored(answers, [*self.first_pass, *other.first_pass], [*self.final, *other.final])

    def summary(self) -> dict[str, Any]:
        """``side_summary`` of the report schema: rates after repair, and first-pass rates beside them."""
        rows = self.answers.rows
        return {
            **rates(self.final),
            "first_pass": rates(self.first_pass),
            "by_suite": rates_by([label(row, "split") for row in rows], self.final),
            "by_tier": rates_by([label(row, "tier") for row in rows], self.final),
            "by_family": rates_by([label(row, "family") for row in rows], self.final),
        }

    def failures(self) -> dict[str, int]:
        """Number of answers by kind of failure, after repair."""
        kinds: dict[str, int] = {}
        for item, result in zip(self.answers.answers, self.final, strict=True):
            kind = failure_family(result, item.finish_reason)
            if kind is not None:
                kinds[kind] = kinds.get(kind, 0) + 1
        return dict(sorted(kinds.items()))

    def side(self, index: int) -> dict[str, Any]:
        """``side`` of the report schema for one prompt."""
        item, first, final = self.answers.answers[index], self.first_pass[index], self.final[index]
        return {
            "program": item.program,
            "first_pass": {**_judgement(first), "program": item.drafts[0] if item.drafts else item.program},
            "final": _judgement(final),
            "finish_reason": item.finish_reason,
            "repairs": item.attempts,
            "tokens": item.tokens,
            "seconds": round(item.seconds, 3),
            "failure_family": failure_family(final, item.finish_reason),
            "scenarios": [
                {"name": name, "passed": passed, "reason": reason}
                for name, passed, reason in (final.outcome.scenarios if final.outcome else ())
            ],
            "drafts": [{"program": draft} for draft in item.drafts],
        }


def scored(answers: Answers) -> Scored:
    """Score the first pass and, where a repair replaced it, the final program."""
    items, rows = answers.answers, answers.rows
    final = score([item.program for item in items], rows, [item.finish_reason in CUT_SHORT for item in items])
    changed = [index for index, item in enumerate(items) if item.drafts]
    replaced = score(
        [items[index].drafts[0] for index in changed],
        [rows[index] for index in changed],
        [items[index].first_finish in CUT_SHORT for index in changed],
    )
    first = list(final)
    for index, result in zip(changed, replaced, strict=True):
        first[index] = result
    return Scored(answers, first, final)


def label(row: PromptRow, name: str) -> str | None:
    """A prompt's ``split``, ``tier``, ``family`` or ``cluster``; None when it carries no task."""
    return None if row.task is None else str(getattr(row.task, name))


def _judgement(result: Score) -> dict[str, Any]:
    reasons = [{"line": item.line, "code": item.code, "message": item.message} for item in result.reasons]
    return {"metrics": dict(result.metrics), "reasons": reasons}
