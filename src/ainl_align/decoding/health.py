"""What the counters of constrained decoding say about its health (contract, section 6). No torch."""

import math
from collections.abc import Sequence
from statistics import quantiles
from typing import Any, Final

from ainl_align.decoding.records import PHASES, Generation

_FALLBACK_LIMIT: Final = 0.05
_REJECTION_LIMIT: Final = 0.5
_ALLOWED_LIMIT: Final = 1e-4
_UNENDED_LIMIT: Final = 0.05
_SPANS: Final = (0, 8, 16, 32, 64, 128)
"""Choices of a program at which a span of the kept mass begins."""
_HINTS: Final = {
    "high_fallback_rate": "the constraint or the budget cut in: raise --max-new-tokens, or look at the rows that were "
    "closed by the budget or because they went into a loop, or decoded without the constraint",
    "high_strict_prefix_rejection": "the model's first choice is often not AINL: train longer, or check that the "
    "adapter belongs to this base and that prompts use the training format",
    "very_low_allowed_token_rate": "the constraint leaves next to nothing to choose: check that tokenizer and model "
    "belong together",
    "eos_never_allowed": "programs did not reach their end: raise --max-new-tokens or --generation-timeout-seconds",
}


def counters(generations: Sequence[Generation]) -> dict[str, Any]:
    """Sums and means over answers: what ``constraint_diagnostics`` of a report holds."""
    choices = sum(item.choices for item in generations)
    tokens = sum(item.tokens for item in generations)
    held = [item for item in generations if item.constrained]
    held_choices = sum(item.choices for item in held)
    return {
        "rows": len(generations),
        "constrained_rows": len(held),
        "tokens": tokens,
        "choices": choices,
        "forced_tokens": sum(item.forced_tokens for item in generations),
        "forced_share": _ratio(sum(item.forced_tokens for item in generations), tokens),
        "rejected_first_choices": sum(item.rejected for item in held),
        "strict_prefix_rejection_rate": _ratio(sum(item.rejected for item in held), held_choices),
        "allowed_token_rate": _ratio(sum((item.allowed_share or 0.0) * item.choices for item in held), held_choices),
        "kept_mass": _kept_mass(held),
        "mean_log_kept_mass": _ratio(sum((item.mean_log_kept or 0.0) * item.choices for item in held), held_choices),
        "closed_by_budget": sum(item.closed_by_budget for item in generations),
        "closed_by_loop": sum(item.closed_by_loop for item in generations),
        "copied_choices": sum(item.copied_choices for item in held),
        "copies_lost": sum(item.copies_lost for item in held),
        "dead_ends": [
            {"id": item.id, "token_ids": list(item.token_ids), "error": item.dead_end}
            for item in held
            if item.finish_reason == "dead_end"
        ],
        "eos_never_allowed": sum(not item.eos_allowed for item in generations),
        "finish_reasons": {
            reason: sum(item.finish_reason == reason for item in generations)
            for reason in ("eos", "budget", "budget_too_small", "timeout", "dead_end")
        },
    }


def _kept_mass(held: Sequence[Generation]) -> dict[str, Any] | None:
    """How much of the model's probability the constraint left at each choice: over all, and by place in the program.

    A model that knows AINL keeps nearly all of it everywhere; one that is dragged through keeps little.
    """
    steps = [math.exp(value) for item in held for value in item.log_kept]
    if len(steps) < 2:
        return None
    tenths = quantiles(steps, n=10, method="inclusive")
    return {
        "steps": len(steps),
        "mean": sum(steps) / len(steps),
        "p10": tenths[0],
        "p50": tenths[4],
        "below_half_share": sum(value < 0.5 for value in steps) / len(steps),
        "by_choice": [
            {"from": low, "steps": len(span), "mean": sum(span) / len(span)}
            for low, high in zip(_SPANS, (*_SPANS[1:], None), strict=True)
            if (span := [math.exp(value) for item in held for value in item.log_kept[low:high]])
        ],
    }


def timing_totals(generations: Sequence[Generation]) -> dict[str, float | None]:
    """Seconds by phase over all answers, tokens, and tokens a second."""
    totals: dict[str, float | None] = {
        f"{phase}_seconds": sum(item.phases.get(phase, 0.0) for item in generations) for phase in PHASES
    }
    seconds = sum(value or 0.0 for value in totals.values())
    tokens = sum(item.tokens for item in generations)
    return {
        **totals,
        "decoding_seconds": seconds,
        "prompt_tokens": float(sum(item.prompt_tokens for item in generations)),
        "new_tokens": float(tokens),
        "tokens_per_second": tokens / seconds if seconds else None,
    }


def constraint_health(generations: Sequence[Generation], *, constrained: bool) -> dict[str, Any]:
    """Alerts with their ratios and hints; ``constrained`` says whether the constraint was asked for."""
    if not constrained or not generations:
        return {"alerts": []}
    found = counters(generations)
    rows = found["rows"]
    fallback = rows - found["constrained_rows"] + found["closed_by_budget"] + found["closed_by_loop"]
    ratios = {
        "high_fallback_rate": (fallback / rows, fallback / rows > _FALLBACK_LIMIT),
        "high_strict_prefix_rejection": _judge(found["strict_prefix_rejection_rate"], above=_REJECTION_LIMIT),
        "very_low_allowed_token_rate": _judge(found["allowed_token_rate"], below=_ALLOWED_LIMIT),
        "eos_never_allowed": (found["eos_never_allowed"] / rows, found["eos_never_allowed"] / rows > _UNENDED_LIMIT),
    }
    alerts = [
        {"name": name, "ratio": ratio, "hint": _HINTS[name]} for name, (ratio, raised) in ratios.items() if raised
    ]
    return {"alerts": alerts}


def _judge(value: float | None, *, above: float = float("inf"), below: float = float("-inf")) -> tuple[float, bool]:
    return (0.0, False) if value is None else (value, value > above or value < below)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
