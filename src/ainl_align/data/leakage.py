"""Overlap of training rows with what evaluation uses: prompts word by word, and programs step by step."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from ainl_align.config import ROOT
from ainl_align.data.crew import ALONE, Crew
from ainl_align.errors import StageError
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.prompts import load_prompt_set
from ainl_align.tasks.structure import renamed, structure
from ainl_align.tasks.suites import suite

NGRAM = 8
NEAR_COPY = 0.8
"""A prompt is a near copy when this share of its runs of eight words stands in one held-out prompt."""
LIMITS = {"exact": 0, "normalised": 0, "near_copies": 0, "equal_programs": 0}
"""Most training rows of each kind that a build may hold."""
SHARING_LIMIT = 0.02
"""Largest share of the training prompts that may have one run of eight words in common with a suite; up to three
prompts may in any case, so that small builds do not fail by chance."""
_COUNTED = ("exact", "normalised", "near_copies", "sharing_8grams")
_EXAMPLES = 3
WRITTEN = {name: ROOT / "tests" / "data" / f"{name}.jsonl" for name in ("handwritten", "own_words", "medley")}
"""Prompt sets that nobody may train on, where this checkout has them: twenty whole tasks from nobody's generator; and
tasks of the dev split in people's own words, of the suites' families and of medley, which are there to choose by."""


class Pair(NamedTuple):
    """A request, and the program that answers it where it is known."""

    prompt: str
    program: str | None = None


HeldOut = Mapping[str, Sequence[Pair]]


def held_out() -> dict[str, list[Pair]]:
    """What training must never see, by suite: dev, test, regression, and the requests that people wrote."""
    tasks = {"dev": suite("dev"), "test": suite("test"), "regression": suite("regression")}
    for name, path in WRITTEN.items():
        if path.is_file():
            tasks[name] = [row.task for row in load_prompt_set(path) if row.task is not None]
    return {name: [Pair(task.prompt, task.gold) for task in found] for name, found in tasks.items()}


def overlap(rows: Iterable[Pair], others: HeldOut, crew: Crew = ALONE) -> dict[str, Any]:
    """Overlap figures: ``limits``, the distinct training ``prompts`` and ``programs``, and the counts by suite.

    Prompts: ``exact``, ``normalised``, ``near_copies`` and ``sharing_8grams`` are distinct training prompts,
    ``largest_share`` is the largest share of one's runs of eight words that one held-out prompt holds, and ``examples``
    holds up to three training prompts over a limit. Programs: ``equal_programs`` are distinct training programs that
    are equal to a held-out one but for the names of variables and labels; ``same_structure`` those that are when
    literals (resources and values) do not count either; ``structures_trained`` is the share of the suite's programs
    whose structure training has.
    """
    pairs = sorted({*rows}, key=lambda pair: (pair.prompt, pair.program or ""))
    prompts = [*dict.fromkeys(prompt for prompt, _ in pairs)]
    texts = [*dict.fromkeys(program for _, program in pairs if program is not None)]
    programs = dict(zip(texts, chain(*crew.map(_forms, _parts(texts, crew.count))), strict=True))
    asked = {name: [pair.prompt for pair in found] for name, found in others.items()}
    shares = [(part, asked) for part in _parts(prompts, crew.count)]
    counted = [*crew.map(_prompts_against_all, shares)]
    suites = {
        name: {
            **_added([part[name] for part in counted], len(asked[name])),
            **_programs_against(programs, [pair.program for pair in found if pair.program is not None]),
        }
        for name, found in others.items()
    }
    return {
        "limits": {**LIMITS, "ngram": NGRAM, "near_copy": NEAR_COPY, "sharing_8grams_share": SHARING_LIMIT},
        "prompts": len(prompts),
        "programs": len(programs),
        "structures": len({form.structure for form in programs.values()}),
        "suites": suites,
    }


def violations(figures: Mapping[str, Any]) -> list[str]:
    """What is over a limit, one sentence each; empty for a clean build."""
    found = []
    limits = {**LIMITS, "sharing_8grams": max(3, int(SHARING_LIMIT * figures["prompts"]))}
    for name, counts in figures["suites"].items():
        for kind, limit in limits.items():
            if counts[kind] > limit:
                what = "programs" if kind == "equal_programs" else "prompts"
                example = counts["example_programs" if what == "programs" else "examples"][:1]
                shown = f", for example {example[0][:80]!r}" if example else ""
                found.append(f"{counts[kind]} {what} overlap with {name} ({kind}; limit {limit}){shown}")
    return found


def require_clean(rows: Iterable[Pair], others: HeldOut, crew: Crew = ALONE) -> dict[str, Any]:
    """``overlap``'s figures; StageError when one is over its limit."""
    figures = overlap(rows, others, crew)
    if found := violations(figures):
        raise StageError(f"training rows overlap with held-out ones: {'; '.join(found)}; nothing was written")
    return figures


class Form:
    """A program in its two comparable forms."""

    def __init__(self, program: str) -> None:
        self.renamed = renamed(program)
        self.structure = structure(program)


def _forms(programs: Sequence[str]) -> list[Form]:
    return [Form(program) for program in programs]


def _parts(items: Sequence[str], count: int) -> list[Sequence[str]]:
    """Neighbours stay together: some ``count`` parts, at least one item each."""
    size = max(1, -(-len(items) // count))
    return [items[start : start + size] for start in range(0, len(items), size)]


def _programs_against(programs: Mapping[str, Form], others: Sequence[str]) -> dict[str, Any]:
    forms = [Form(other) for other in others]
    equal, alike = {form.renamed for form in forms}, {form.structure for form in forms}
    trained = {form.structure for form in programs.values()}
    same = [program for program, form in programs.items() if form.renamed in equal]
    seen = sum(form.structure in trained for form in forms)
    return {
        "equal_programs": len(same),
        "same_structure": sum(form.structure in alike for form in programs.values()),
        "structures_trained": round(seen / len(forms), 4) if forms else 0.0,
        "example_programs": same[:3],
    }


def _prompts_against_all(share: tuple[Sequence[str], Mapping[str, Sequence[str]]]) -> dict[str, dict[str, Any]]:
    prompts, suites = share
    plain = {prompt: normalised(prompt) for prompt in prompts}
    return {name: _prompts_against(plain, others) for name, others in suites.items()}


def _added(parts: Sequence[Mapping[str, Any]], held: int) -> dict[str, Any]:
    """The figures of all parts of the prompts as those of the whole."""
    return {
        **{kind: sum(part[kind] for part in parts) for kind in _COUNTED},
        "largest_share": round(max((part["largest_share"] for part in parts), default=0.0), 4),
        "held_out": held,
        "examples": [*chain(*(part["examples"] for part in parts))][:_EXAMPLES],
    }


def _prompts_against(plain: Mapping[str, str], others: Sequence[str]) -> dict[str, Any]:
    exact = set(others)
    plain_others = [normalised(other) for other in others]
    same = set(plain_others)
    index: dict[str, set[int]] = {}
    for number, other in enumerate(plain_others):
        for gram in _grams(other):
            index.setdefault(gram, set()).add(number)
    counts = dict.fromkeys(_COUNTED, 0)
    largest = 0.0
    examples: list[str] = []
    for prompt, text in plain.items():
        share = _largest_share(_grams(text), index)
        largest = max(largest, share)
        hits = {
            "exact": prompt in exact,
            "normalised": text in same,
            "near_copies": share >= NEAR_COPY,
            "sharing_8grams": share > 0,
        }
        for kind, hit in hits.items():
            counts[kind] += hit
        if any(hits[kind] for kind in hits if kind in LIMITS) and len(examples) < _EXAMPLES:
            examples.append(prompt)
    return {**counts, "largest_share": largest, "examples": examples}


def _grams(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + NGRAM]) for start in range(len(words) - NGRAM + 1)}


def _largest_share(grams: set[str], index: Mapping[str, set[int]]) -> float:
    shared: dict[int, int] = {}
    for gram in grams:
        for number in index.get(gram, ()):
            shared[number] = shared.get(number, 0) + 1
    return max(shared.values(), default=0) / len(grams) if grams else 0.0
