"""Rates of one evaluation report with their bounds, beside thresholds, champion, previous run and base."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ainl_align.gate.statistics import rate_lower, rate_upper

METRICS: Mapping[str, str] = {
    "nonempty": "some text is left",
    "runtime_compile": "compiles in the default mode",
    "strict_compile": "compiles in strict mode",
    "strict_ainl": "compiles in both modes and has AINL shape",
    "canonical": "no warning, every line accounted for, every path ends",
    "task_success": "does what was asked in every scenario",
}
REFERENCES: Mapping[str, str] = {"champion": "champion", "previous": "previous run"}
Result = Mapping[str, Any]


@dataclass(frozen=True)
class Paired:
    """How the same prompts fared before (reference) and now, by one metric."""

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    n: int

    @property
    def net(self) -> int:
        """Gained less lost."""
        return len(self.gained) - len(self.lost)


def met(result: Result, metric: str, side: str = "lora") -> bool | None:
    """Whether a prompt's final answer meets a metric; None when it was not judged."""
    found = result.get(side)
    return None if found is None else found["final"]["metrics"].get(metric)


def paired(now: Mapping[str, Any], before: Mapping[str, Any], metric: str, ids: Iterable[str] | None = None) -> Paired:
    """Prompts lost and gained between two reports, in the order of the first; only ``ids`` when given."""
    earlier = {row["id"]: met(row, metric) for row in before["results"]}
    wanted = None if ids is None else set(ids)
    lost, gained, n = [], [], 0
    for row in now["results"]:
        was, is_now = earlier.get(row["id"]), met(row, metric)
        if was is None or is_now is None or (wanted is not None and row["id"] not in wanted):
            continue
        n += 1
        if was and not is_now:
            lost.append(row["id"])
        elif is_now and not was:
            gained.append(row["id"])
    return Paired(tuple(lost), tuple(gained), n)


def rate_rows(
    evaluation: Mapping[str, Any], gate: Mapping[str, Any] | None, references: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """One row a metric: count, n, rate, bounds, floor, first pass, base, champion and previous run."""
    summary = evaluation["summary"]["lora"]
    base = evaluation["summary"]["base"] or {}
    thresholds = (gate or {}).get("thresholds", {})
    rows = []
    for metric, meaning in METRICS.items():
        judged = [value for row in evaluation["results"] if (value := met(row, metric)) is not None]
        count, n = sum(judged), len(judged)
        key = f"{metric}_rate"
        rows.append(
            {
                "metric": metric,
                "meaning": meaning,
                **bounded(count, n),
                **_judged_bounds(gate, metric, n),
                "floor": thresholds.get(f"min_{metric}_rate"),
                "margin": thresholds.get(f"max_regression_{metric}"),
                "first_pass": (summary.get("first_pass") or {}).get(key),
                "base": base.get(key),
                **{role: _reference_rate(references.get(role), key) for role in REFERENCES},
                "status": _status(gate, metric),
            }
        )
    return rows


def bounded(count: int, n: int) -> dict[str, Any]:
    """A rate with its one-sided 95% bounds (Clopper-Pearson), which are the gate's; None where nothing was judged."""
    if n == 0:
        return {"count": 0, "n": 0, "rate": None, "lower": None, "upper": None}
    return {"count": count, "n": n, "rate": count / n, "lower": rate_lower(count, n), "upper": rate_upper(count, n)}


def _judged_bounds(gate: Mapping[str, Any] | None, metric: str, n: int) -> dict[str, Any]:
    """The gate's own bounds, which are wider where prompts share clusters; nothing without them."""
    verdict = ((gate or {}).get("verdict") or {}).get(metric)
    if not verdict or verdict["n"] != n or verdict["lower"] is None:
        return {}
    return {name: verdict.get(name) for name in ("lower", "upper", "clusters", "more_prompts_needed")}


def _reference_rate(reference: Mapping[str, Any] | None, key: str) -> float | None:
    """From a whole report, or from the row that the trend file keeps of one."""
    if reference is None:
        return None
    rates = reference["summary"]["lora"] if "summary" in reference else reference
    value: float | None = rates.get(key)
    return value


def _status(gate: Mapping[str, Any] | None, metric: str) -> str | None:
    """The worst status among the gate's checks of a metric over all prompts."""
    order = ("fail", "inconclusive", "pass", "not_compared")
    found = {check["status"] for check in (gate or {}).get("checks", ()) if check["metric"] == metric}
    return next((status for status in order if status in found), None)


def group_rows(evaluation: Mapping[str, Any], key: str, reference: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One row a suite, tier or family (``key``): task success with bounds, kinds of failures, and what became of the
    same prompts since ``reference`` (their rate ``before``, lost and gained).

    Families come with most failures first, the others by name.
    """
    groups: dict[str, list[Result]] = {}
    earlier = {} if reference is None else {row["id"]: row for row in reference["results"]}
    for row in evaluation["results"]:
        groups.setdefault(row.get(key) or "none", []).append(row)
    found = []
    for name, rows in groups.items():
        metric = "task_success" if any(met(row, "task_success") is not None for row in rows) else "canonical"
        judged = [value for row in rows if (value := met(row, metric)) is not None]
        change = None if reference is None else paired(evaluation, reference, metric, [row["id"] for row in rows])
        base = [value for row in rows if (value := met(row, metric, "base")) is not None]
        before = [value for row in rows if (value := met(earlier.get(row["id"], {}), metric)) is not None]
        found.append(
            {
                "name": name,
                "metric": metric,
                **bounded(sum(judged), len(judged)),
                "failed": len(judged) - sum(judged),
                "base": sum(base) / len(base) if base else None,
                "before": sum(before) / len(before) if before else None,
                "change": change,
                "kinds": failure_kinds(rows),
            }
        )
    if key == "family":
        return sorted(found, key=lambda row: (-row["failed"], row["name"]))
    return sorted(found, key=lambda row: row["name"])


def failure_kinds(rows: Iterable[Result]) -> list[tuple[str, int]]:
    """Kinds of failures with their numbers, most frequent first."""
    kinds = Counter(row["lora"].get("failure_family") for row in rows)
    kinds.pop(None, None)
    return sorted(kinds.items(), key=lambda item: (-item[1], item[0]))


def spread(
    results: Sequence[Result], ids: Iterable[str], key: str, judged: Callable[[Result], bool]
) -> list[tuple[str, int, int]]:
    """(group, how many of ``ids``, how many were judged) for the groups that hold some, the fullest share first."""
    wanted = set(ids)
    total = Counter(row.get(key) or "none" for row in results if judged(row))
    inside = Counter(row.get(key) or "none" for row in results if row["id"] in wanted)
    return sorted(
        ((name, count, total[name]) for name, count in inside.items()),
        key=lambda item: (-item[1] / max(item[2], 1), -item[1], item[0]),
    )
