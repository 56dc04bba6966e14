"""Overlap of training prompts with the prompts that evaluation uses: exact, normalised and in runs of eight words."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ainl_align.errors import StageError
from ainl_align.tasks.suites import suite

NGRAM = 8
NEAR_COPY = 0.8
"""A prompt is a near copy when this share of its runs of eight words stands in one held-out prompt."""
LIMITS = {"exact": 0, "normalised": 0, "near_copies": 0}
"""Most training prompts of each kind that a build may hold; ``sharing_8grams`` is reported without a limit."""


def held_out_prompts() -> dict[str, list[str]]:
    """The prompts of the suites that training must never see, by suite."""
    return {"dev": _prompts("dev"), "test": _prompts("test"), "regression": _prompts("regression")}


def _prompts(name: Any) -> list[str]:
    return [task.prompt for task in suite(name)]


def normalise(prompt: str) -> str:
    """Letters and digits in lower case with single blanks: what is left when typography is taken away."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", prompt).casefold()))


def overlap(prompts: Iterable[str], held_out: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Overlap figures, counted in distinct training prompts: ``limits``, ``prompts`` and, by suite, the counts.

    ``largest_share`` is the largest share of a training prompt's runs of eight words that one held-out prompt holds;
    ``examples`` holds up to three training prompts over a limit.
    """
    distinct = sorted(set(prompts))
    plain = {prompt: normalise(prompt) for prompt in distinct}
    suites = {name: _against(plain, others) for name, others in held_out.items()}
    return {"limits": {**LIMITS, "ngram": NGRAM, "near_copy": NEAR_COPY}, "prompts": len(distinct), "suites": suites}


def violations(figures: Mapping[str, Any]) -> list[str]:
    """What is over a limit, one sentence each; empty for a clean build."""
    found = []
    for name, counts in figures["suites"].items():
        for kind, limit in LIMITS.items():
            if counts[kind] > limit:
                example = counts["examples"][0][:80]
                found.append(
                    f"{counts[kind]} prompts overlap with {name} ({kind}; limit {limit}), for example {example!r}"
                )
    return found


def require_clean(prompts: Iterable[str], held_out: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """``overlap``'s figures; StageError when one is over its limit."""
    figures = overlap(prompts, held_out)
    if found := violations(figures):
        raise StageError(f"training prompts overlap with held-out ones: {'; '.join(found)}; nothing was written")
    return figures


def _against(plain: Mapping[str, str], others: Sequence[str]) -> dict[str, Any]:
    exact = set(others)
    normalised = {normalise(other) for other in others}
    index: dict[str, set[int]] = {}
    for number, other in enumerate(others):
        for gram in _grams(normalise(other)):
            index.setdefault(gram, set()).add(number)
    counts = {"exact": 0, "normalised": 0, "near_copies": 0, "sharing_8grams": 0}
    largest = 0.0
    examples: list[str] = []
    for prompt, text in plain.items():
        share = _largest_share(_grams(text), index)
        largest = max(largest, share)
        hits = {
            "exact": prompt in exact,
            "normalised": text in normalised,
            "near_copies": share >= NEAR_COPY,
            "sharing_8grams": share > 0,
        }
        for kind, hit in hits.items():
            counts[kind] += hit
        if any(hits[kind] for kind in LIMITS) and len(examples) < 3:
            examples.append(prompt)
    return {**counts, "largest_share": round(largest, 4), "held_out": len(others), "examples": examples}


def _grams(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + NGRAM]) for start in range(len(words) - NGRAM + 1)}


def _largest_share(grams: set[str], index: Mapping[str, set[int]]) -> float:
    shared: dict[int, int] = {}
    for gram in grams:
        for number in index.get(gram, ()):
            shared[number] = shared.get(number, 0) + 1
    return max(shared.values(), default=0) / len(grams) if grams else 0.0
