"""Answer every prompt of a set with one model: generate, canonicalise, repair, score."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ainl_align.artifacts import METRICS
from ainl_align.data.records import CUT_OFF, Message, repair_messages, request_messages
from ainl_align.decoding.generate import Engine, Generation, GenerationSettings, Request
from ainl_align.evaluation.metrics import Score, failure_family, rates, rates_by, score
from ainl_align.language.canonical import canonicalize
from ainl_align.language.compiler import Diagnostic
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.encode import prompt_ids

CUT_SHORT = ("budget", "timeout")
"""Finish reasons of a text that ends where it was cut, not where it was finished."""


@dataclass(frozen=True)
class AnswerSettings:
    """How prompts are answered; ``generation`` holds the budget and the constraint."""

    generation: GenerationSettings
    repair_attempts: int = 2
    canonicalize_output: bool = True
    canonicalize_chunk_lines: int = 256
    canonicalize_max_lines: int = 512


@dataclass
class Answer:
    """One prompt's answer. ``drafts`` are the programs that a repair replaced, first one first."""

    program: str
    finish_reason: str
    first_finish: str
    tokens: int
    seconds: float
    drafts: list[str] = field(default_factory=list)
    attempts: int = 0


@dataclass(frozen=True)
class Answers:
    """The answers to a prompt set in its order, with the generations that the diagnostics count."""

    rows: Sequence[PromptRow]
    answers: Sequence[Answer]
    generations: Sequence[Generation]
    seconds: float


def answer(
    engine: Engine, tokenizer: Any, rows: Sequence[PromptRow], settings: AnswerSettings, progress: Progress, label: str
) -> Answers:
    """Generate a program for every row, then repair those that are not canonical, with the compiler's diagnostics."""
    started = time.monotonic()
    first = _generate(engine, tokenizer, [request_messages(row.prompt) for row in rows], settings, progress, label)
    answers = [
        Answer(_clean(item.text, settings), item.finish_reason, item.finish_reason, item.tokens, item.seconds)
        for item in first
    ]
    generations = list(first)
    for attempt in range(1, settings.repair_attempts + 1):
        failing = [index for index, item in enumerate(answers) if _needs_repair(item)]
        if not failing:
            break
        chats = [
            repair_messages(rows[index].prompt, answers[index].program, diagnostics(answers[index]))
            for index in failing
        ]
        again = _generate(engine, tokenizer, chats, settings, progress, f"{label}, repair {attempt}")
        generations += again
        for index, item in zip(failing, again, strict=True):
            _replace(answers[index], item, _clean(item.text, settings))
    return Answers(rows, answers, generations, time.monotonic() - started)


def _needs_repair(item: Answer) -> bool:
    return item.finish_reason in CUT_SHORT or not verdict(item.program).canonical


def diagnostics(item: Answer) -> tuple[Diagnostic, ...]:
    """What the compiler, or the budget, has against an answer: what a repair prompt shows."""
    if item.finish_reason in CUT_SHORT:
        return (CUT_OFF,)
    return verdict(item.program).reasons


def _replace(item: Answer, repaired: Generation, program: str) -> None:
    """Take a repair when it climbs the ladder; a repair that makes things worse is dropped."""
    item.attempts += 1
    item.tokens += repaired.tokens
    item.seconds += repaired.seconds
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


def _generate(
    engine: Engine,
    tokenizer: Any,
    chats: Sequence[Sequence[Message]],
    settings: AnswerSettings,
    progress: Progress,
    label: str,
) -> list[Generation]:
    requests = [Request(str(index), prompt_ids(tokenizer, chat)) for index, chat in enumerate(chats)]
    return engine.generate(requests, settings.generation, progress, label=label)


@dataclass(frozen=True)
class Scored:
    """Answers with their scores, before and after repair."""

    answers: Answers
    first_pass: Sequence[Score]
    final: Sequence[Score]

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
