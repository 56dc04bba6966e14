"""A report as a row of the trend file, and all rows as series."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from ainl_align.artifacts import METRICS
from ainl_align.gate.consistency import tally
from ainl_align.gate.evidence import rate_evidence
from ainl_align.gate.reports import Outcomes, Report


def row(report: Report, *, comparable: bool, roles: Sequence[str] = (), verdict: str | None = None) -> dict[str, Any]:
    """``row`` of the trend schema."""
    document = report.document
    diagnostics = _dict(_dict(document.get("diagnostics")).get("lora"))
    timing = {name: value for name, value in _dict(diagnostics.get("timing_totals")).items() if _number(value)}
    summary = document["summary"]["lora"]
    return {
        "path": str(report.path),
        "created": report.created.isoformat(timespec="seconds") if report.created else None,
        "run_id": report.run_id,
        "format": report.format,
        "adapter_path": report.adapter_path,
        "base_model": report.base_model,
        "n": report.n,
        **{f"{metric}_rate": report.rate(metric) for metric in METRICS},
        "by_suite": _dict(summary.get("by_suite")),
        "by_tier": _groups(report, "tier"),
        "by_family": _groups(report, "family"),
        "comparable": comparable,
        "stands_as": list(roles),
        "verdict": verdict,
        "intervals": {metric: _interval(report, metric) for metric in METRICS},
        "first_pass": {
            name: value for name, value in _dict(summary.get("first_pass")).items() if name.endswith("_rate")
        },
        "base": None if report.base is None else _rates(report.base),
        "failure_kinds": _failure_kinds(document),
        "constraint_alerts": _alerts(diagnostics),
        "timing": timing,
        "tokens": _tokens(document),
        "seconds": timing.get("decoding_seconds", timing.get("prompt_total_seconds")),
        "worst": _worst(report, diagnostics),
    }


def series(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``trends`` of the trend schema: one value a row, null where a run lacks it."""

    def each(pick: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> dict[str, list[Any]]:
        names = sorted({name for item in rows for name in pick(item)})
        return {name: [pick(item).get(name) for item in rows] for name in names}

    def grouped(key: str) -> dict[str, dict[str, list[Any]]]:
        names = sorted({name for item in rows for name in item[key]})
        return {name: each(lambda item, name=name: item[key].get(name, {})) for name in names}  # type: ignore[misc]

    return {
        "runs": [item["run_id"] or item["path"] for item in rows],
        "comparable": [item["comparable"] for item in rows],
        "metrics": each(lambda item: {metric: item[f"{metric}_rate"] for metric in METRICS}),
        "tiers": grouped("by_tier"),
        "families": grouped("by_family"),
        "failure_kinds": each(lambda item: item["failure_kinds"]),
        "constraint_alerts": each(lambda item: {alert["name"]: alert["ratio"] for alert in item["constraint_alerts"]}),
        "timing": each(lambda item: item["timing"]),
        "cost": each(lambda item: {"tokens": item["tokens"], "seconds": item["seconds"]}),
    }


def delta(latest: Report, previous: Report) -> dict[str, float | None]:
    """Change of every rate since another report."""
    change: dict[str, float | None] = {}
    for metric in METRICS:
        now, before = latest.rate(metric), previous.rate(metric)
        change[f"{metric}_rate"] = None if now is None or before is None else now - before
    return change


def _rates(outcomes: Outcomes) -> dict[str, float | None]:
    return {f"{metric}_rate": tally(outcomes[metric].values())[1] for metric in METRICS}


def _interval(report: Report, metric: str) -> list[float] | None:
    evidence = rate_evidence(report.outcomes[metric], report.clusters)
    return list(evidence.bounds()) if evidence else None


def _groups(report: Report, label: str) -> dict[str, dict[str, float | None]]:
    """Rates by tier or family."""
    return {
        scope.split(":", 1)[1]: {metric: tally(report.outcomes[metric][name] for name in ids)[1] for metric in METRICS}
        for scope, ids in report.groups.items()
        if scope.startswith(f"{label}:")
    }


def _failure_kinds(document: Mapping[str, Any]) -> dict[str, int]:
    kinds = _dict(_dict(document["summary"].get("failure_families")).get("lora"))
    return {name: count for name, count in kinds.items() if name != "ok" and isinstance(count, int) and count >= 0}


def _alerts(diagnostics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Alerts with their ratio; the older format names them, and has its ratios under other names."""
    alerts = _dict(diagnostics.get("constraint_health")).get("alerts")
    found = []
    for alert in alerts if isinstance(alerts, list) else []:
        if isinstance(alert, str):
            found.append({"name": alert, "ratio": None})
        elif isinstance(alert, dict) and isinstance(alert.get("name"), str):
            found.append({"name": alert["name"], "ratio": alert["ratio"] if _number(alert.get("ratio")) else None})
    return found


def _tokens(document: Mapping[str, Any]) -> int | None:
    counts = [item["lora"].get("tokens") for item in document["results"]]
    return sum(counts) if counts and all(isinstance(count, int) and count >= 0 for count in counts) else None


def _worst(report: Report, diagnostics: Mapping[str, Any]) -> dict[str, Any]:
    """Where it goes worst: lowest rate by tier, family and prompt length, and the slowest prompt length."""
    metric = "task_success" if report.rate("task_success") is not None else "strict_ainl"
    found: dict[str, Any] = {}
    for label in ("tier", "family"):
        entries = []
        for scope, ids in report.groups.items():
            judged = [value for name in ids if (value := report.outcomes[metric][name]) is not None]
            if scope.startswith(f"{label}:") and judged:
                entries.append(_extreme(scope.split(":", 1)[1], metric, sum(judged) / len(judged), len(judged)))
        found[label] = min(entries, key=lambda entry: entry["value"], default=None)
    buckets = _buckets(diagnostics.get("length_buckets"))
    found["length"] = min((entry for entry, _ in buckets if entry), key=lambda entry: entry["value"], default=None)
    found["slowest"] = max((slow for _, slow in buckets if slow), key=lambda entry: entry["value"], default=None)
    return found


def _buckets(buckets: Any) -> list[tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """(rate, time) of each bucket of prompt lengths, in either format."""
    found = []
    for bucket in buckets if isinstance(buckets, list) else []:
        n, bounds = bucket.get("n"), bucket.get("prompt_tokens")
        if not isinstance(n, int) or n < 1 or not isinstance(bounds, list):
            continue
        name = " to ".join(str(bound) for bound in bounds) + " tokens"
        passed, seconds = bucket.get("task_success"), bucket.get("seconds_max")
        rate = _extreme(name, "task_success", passed / n, n) if _number(passed) else None
        found.append((rate, _extreme(name, "seconds_max", seconds, n) if _number(seconds) else None))
    for name, bucket in buckets.items() if isinstance(buckets, dict) else []:
        n, rate = _dict(bucket).get("total_prompts"), _dict(bucket).get("strict_ainl_rate")
        seconds = _dict(_dict(bucket).get("timing_totals")).get("prompt_total_seconds")
        if isinstance(n, int) and n > 0:
            worst = _extreme(name, "strict_ainl", rate, n) if _number(rate) else None
            found.append((worst, _extreme(name, "prompt_total_seconds", seconds, n) if _number(seconds) else None))
    return found


def _extreme(name: str, metric: str, value: Any, n: int) -> dict[str, Any]:
    return {"name": name, "metric": metric, "value": value, "n": n}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
