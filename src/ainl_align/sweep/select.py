"""Ranking of checkpoints (contract, section 2, stage 5)."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

ORDER = ("strict_ainl_rate", "runtime_compile_rate", "nonempty_rate", "task_success_rate", "canonical_rate")
"""The contract's three keys; task success and canonical break ties, because constrained rates are often all equal."""


def rank(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Best first; equal rates go to the likelier (as in screening, so that a sweep that had to go on without it chooses
    no other), then to the checkpoint with fewer steps.

    What screening rejected comes after what it did not, the last rejected first, and what it rejected by likelihood
    after what it rejected by answers; evaluations that failed come last.
    """
    return sorted((dict(row) for row in rows), key=_key)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    measured = [-1.0 if row[name] is None else row[name] for name in ORDER] if row["ok"] else []
    rejected = row.get("rejected_after")
    survived = math.inf if rejected is None else rejected
    unanswered = row.get("rejected_by") == "likelihood"
    values = (-value for value in measured)
    likely = -(row.get("known_program_chance") or 0.0), row.get("known_program_nats") or 0.0
    return (not row["ok"], unanswered, -survived, *values, *likely, row["step"] or 0, row["adapter_path"])


def success_interval(row: Mapping[str, Any]) -> list[float] | None:
    """Exact 95% bounds (Clopper and Pearson 1934) of a row's task success; None when it was not measured."""
    from scipy.stats import binomtest

    rate, counts = row["task_success_rate"], row["counts"]
    if rate is None:
        return None
    passed = counts["task_success"]
    measured = round(passed / rate) if passed else row["n"]
    bounds = binomtest(passed, measured).proportion_ci(0.95, "exact")
    return [float(bounds.low), float(bounds.high)]
