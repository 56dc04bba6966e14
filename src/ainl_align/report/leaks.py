"""What a dataset card says about overlap with held-out prompts, held against the card's own limits."""

from collections.abc import Mapping
from typing import Any

FIGURES: Mapping[str, str] = {
    "held_out": "held-out prompts",
    "exact": "exact copies",
    "normalised": "equal but for typography",
    "near_copies": "near copies",
    "sharing_8grams": "share a run of 8 words",
    "equal_programs": "equal programs",
}
_LEAST_SHARING = 3


def over_limit(card: Mapping[str, Any]) -> list[str]:
    """What is over a limit of the card, one line each; empty when clean or when the card has no figures."""
    return [
        f"{count} {FIGURES[name]} against suite {suite} (limit {limit})"
        for suite, rows in leak_rows(card).items()
        for name, (count, limit) in rows.items()
        if limit is not None and count > limit
    ]


def leak_rows(card: Mapping[str, Any]) -> dict[str, dict[str, tuple[int, int | None]]]:
    """By suite and figure: the count, and its limit where there is one."""
    leakage = card.get("leakage") or {}
    limits = dict(leakage.get("limits", {}))
    share = limits.get("sharing_8grams_share")
    if share is not None:
        limits["sharing_8grams"] = max(_LEAST_SHARING, int(share * leakage.get("prompts", 0)))
    return {
        suite: {name: (counts[name], limits.get(name)) for name in FIGURES if name in counts}
        for suite, counts in leakage.get("suites", {}).items()
    }
