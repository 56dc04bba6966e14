"""Broken drafts of a task's program, each proved to be broken before it is taught as one."""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ainl_align.data.breakers import BREAKERS
from ainl_align.data.mutations import MUTATIONS
from ainl_align.data.records import CUT_OFF
from ainl_align.language.canonical import canonicalize
from ainl_align.language.compiler import Diagnostic
from ainl_align.language.semantics import verdict
from ainl_align.tasks.scenario import Task, judge

_TRIES = 3
_MEANING_WEIGHT = 6
CUT_KINDS = frozenset({"truncated", "harvested_cut"})
"""Kinds of drafts that a budget ended."""


@dataclass(frozen=True)
class Draft:
    """A wrong program in canonical form, and why it is wrong.

    ``diagnostics`` are the verdict's (CUT_OFF for a draft that ends too early, as in evaluation), or none when the
    program is canonical and fails a scenario.
    """

    kind: str
    text: str
    diagnostics: tuple[Diagnostic, ...]


def malformed(task: Task, kind: str, rng: random.Random) -> Draft | None:
    """A draft that the verdict refuses (``kind`` is a key of BREAKERS); None where the kind does not apply."""
    lines = task.gold.splitlines()
    for _ in range(_TRIES):
        raw = BREAKERS[kind](lines, rng)
        if raw is None:
            continue
        text = canonicalize(raw).text
        found = verdict(text)
        if not found.canonical and found.nonempty:
            return Draft(kind, text, (CUT_OFF,) if kind in CUT_KINDS else found.reasons)
    return None


def misguided(task: Task, kind: str, rng: random.Random) -> Draft | None:
    """A canonical program that fails the task (``kind`` is a key of MUTATIONS); None where none was found."""
    lines = task.gold.splitlines()
    for _ in range(_TRIES):
        raw = MUTATIONS[kind](lines, rng)
        if raw is None:
            continue
        text = canonicalize(raw).text
        if verdict(text).canonical and not judge(text, task).success:
            return Draft(kind, text, ())
    return None


def malformed_drafts(task: Task, rng: random.Random, first: Collection[str] = ()) -> Iterator[Draft]:
    """Malformed drafts of every kind that applies, in random order, those whose kind is in ``first`` before the others
    of each round. Kinds come again with other places, until a whole round brings nothing new."""
    return _cycle(task, rng, [*BREAKERS], [], first)


def any_drafts(task: Task, rng: random.Random, first: Collection[str] = ()) -> Iterator[Draft]:
    """Malformed and misguided drafts, as ``malformed_drafts``."""
    return _cycle(task, rng, [*BREAKERS], [*MUTATIONS], first)


def _cycle(
    task: Task, rng: random.Random, forms: list[str], meanings: list[str], first: Collection[str]
) -> Iterator[Draft]:
    seen: set[str] = set()
    # A draft that compiles and does the wrong thing is what a check is for; few mutations apply to one program, so
    # each gets several chances to come first.
    kinds = [(kind, False) for kind in forms] + [(kind, True) for kind in meanings] * _MEANING_WEIGHT
    while True:
        fresh = False
        for kind, meaning in sorted(rng.sample(kinds, len(kinds)), key=lambda entry: entry[0] not in first):
            draft = misguided(task, kind, rng) if meaning else malformed(task, kind, rng)
            if draft is not None and draft.text not in seen:
                seen.add(draft.text)
                fresh = True
                yield draft
        if not fresh:
            return
