"""What the page shows, as plain values: the template only lays them out."""

from collections.abc import Iterator, Mapping
from typing import Any

from ainl_align.report.curves import sweep_view, trend_charts
from ainl_align.report.leaks import FIGURES, leak_rows
from ainl_align.report.rates import METRICS, REFERENCES, failure_kinds, group_rows, rate_rows
from ainl_align.report.reasons import headline, reasons
from ainl_align.report.run_files import RunFiles
from ainl_align.report.samples import samples

STATUS: Mapping[str, str] = {"pass": "Passed", "fail": "Failed", "inconclusive": "Inconclusive", "error": "Stopped"}
EXIT_CODES: Mapping[str, str] = {"pass": "0", "fail": "10", "inconclusive": "11", "error": "1 or 2"}
_PHASES = ("prefill", "forward", "mask", "sample", "other")


def view(run: RunFiles) -> dict[str, Any]:
    """Every value of the page of one run."""
    health, evaluation = run.health, run.evaluation
    gate = health["gate"]
    reference = next((role for role in REFERENCES if role in run.references), None)
    entries = samples(run)
    rates = rate_rows(evaluation, gate, run.references) if evaluation else []
    return {
        "health": health,
        "run": run,
        "status": STATUS[health["status"]],
        "exit_code": EXIT_CODES[health["status"]],
        "headline": headline(run),
        "reasons": reasons(run),
        "gate": gate,
        "comparisons": list(_comparisons(gate)),
        "metrics": METRICS,
        "references": REFERENCES,
        "reference": reference,
        "rates": rates,
        "unjudged": [row for row in rates if gate and row["floor"] is None and row["margin"] is None],
        "groups": [
            (title, key, group_rows(evaluation, key, run.references.get(reference or "")))
            for title, key in (("Suites", "suite"), ("Tiers", "tier"), ("Families", "family"))
        ]
        if evaluation
        else [],
        "kinds": failure_kinds(evaluation["results"]) if evaluation else [],
        "trends": trend_charts(run.trends) if run.trends else [],
        "trend_rows": run.trends["latest_rows"] if run.trends else [],
        "extremes": _extremes(run.trends) if run.trends else [],
        "unreadable": (run.trends or {}).get("unreadable", []),
        "sweep": sweep_view(run.sweep, run.losses) if run.sweep else None,
        "samples": entries,
        "choices": choices(entries),
        "sides": list(_sides(evaluation)) if evaluation else [],
        "stages": _stages(health),
        "cards": run.cards,
        "leak_figures": FIGURES,
        "leak_rows": {card["name"]: leak_rows(card) for card in run.cards},
    }


def _comparisons(gate: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The gate's comparisons with champion, previous run and base."""
    names = {**REFERENCES, "base": "base model"}
    seen: dict[str, str] = {}
    for role, found in ((gate or {}).get("comparisons") or {}).items():
        stand_in = " (first comparable run, no champion is accepted)" if found.get("stand_in") else ""
        same_as = seen.get(found["run_id"]) if found["run_id"] else None
        yield {"name": names.get(role, role) + stand_in, "same_as": same_as, **found}
        if found["compared"]:
            seen.setdefault(found["run_id"], names.get(role, role))


def _extremes(trends: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Worst and slowest groups of the judged report, as the trend file has them."""
    latest = trends["summary"]["latest"] or {}
    return [(name.replace("_", " "), found) for name, found in (latest.get("worst") or {}).items() if found]


def choices(entries: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What the filters of the samples offer."""
    return {
        key: sorted({entry[key] for entry in entries if entry[key]})
        for key in ("result", "change", "suite", "tier", "family", "kind")
    }


def _sides(evaluation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Constraint health, time and cost of the adapter and of the base."""
    for side, name in (("lora", "Adapter"), ("base", "Base model")):
        found = evaluation["diagnostics"].get(side)
        if found is None:
            yield {"name": name, "found": None}
            continue
        timing = found["timing_totals"]
        phases = [(phase, timing.get(f"{phase}_seconds")) for phase in _PHASES]
        total = sum(seconds or 0.0 for _, seconds in phases)
        yield {
            "name": name,
            "found": found,
            "alerts": found["constraint_health"].get("alerts", []),
            "counters": found["constraint_diagnostics"],
            "quantization": found["quantization"],
            "buckets": found["length_buckets"],
            "timing": timing,
            "phases": [(phase, seconds, seconds / total if total else 0.0) for phase, seconds in phases if seconds],
        }


def _stages(health: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The stages with their share of the whole time."""
    whole = sum(row["seconds"] for row in health["stages"]) or 1.0
    return [{**row, "share": row["seconds"] / whole} for row in health["stages"]]
