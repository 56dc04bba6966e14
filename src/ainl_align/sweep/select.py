"""Ranking of checkpoints (contract, section 2, stage 5)."""

from collections.abc import Iterable, Mapping
from typing import Any

ORDER = ("strict_ainl_rate", "runtime_compile_rate", "nonempty_rate", "task_success_rate", "canonical_rate")
"""The contract's three keys; task success and canonical break ties, because constrained rates are often all equal."""


def rank(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Best first; equal rates go to the checkpoint with fewer steps; evaluations that failed come last."""
    return sorted((dict(row) for row in rows), key=_key)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    measured = [-1.0 if row[name] is None else row[name] for name in ORDER] if row["ok"] else []
    return (not row["ok"], *(-value for value in measured), row["step"] or 0, row["adapter_path"])
