"""Every metric with its bounds, over all prompts and by group: alone, and against another run."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from ainl_align.artifacts import METRICS
from ainl_align.gate.checks import Check, label
from ainl_align.gate.evidence import paired_evidence, rate_evidence
from ainl_align.gate.limits import ALL
from ainl_align.gate.reports import Outcomes, Report
from ainl_align.gate.statistics import ALPHA, holm, mcnemar_fall_p


def metric_verdicts(latest: Report, checks: Sequence[Check], scope: str) -> dict[str, Any]:
    """``metric_verdict`` of the trend schema for each metric, over one scope."""
    ids = None if scope == ALL else latest.groups[scope]
    floors = {check.metric: check for check in checks if check.kind == "floor" and check.scope == scope}
    found: dict[str, Any] = {}
    for metric in METRICS:
        evidence = rate_evidence(latest.outcomes[metric], latest.clusters, ids)
        lower, upper = evidence.bounds() if evidence else (None, None)
        found[metric] = {
            "rate": evidence.rate if evidence else None,
            "successes": evidence.successes if evidence else 0,
            "n": evidence.n if evidence else 0,
            "clusters": evidence.clusters if evidence else 0,
            "lower": lower,
            "upper": upper,
            **_against(floors.get(metric)),
        }
    return found


def paired_metrics(latest: Report, before: Outcomes, checks: Sequence[Check]) -> dict[str, Any]:
    """``metrics`` and ``groups`` of a comparison in the trend schema."""
    drops = {(check.scope, check.metric): check for check in checks}

    def over(scope: str, ids: Set[str] | None) -> dict[str, Any]:
        found = {metric: _paired(latest, before, metric, ids, drops.get((scope, metric))) for metric in METRICS}
        return {metric: entry for metric, entry in found.items() if entry is not None}

    return {"metrics": over(ALL, None), "groups": {scope: over(scope, ids) for scope, ids in latest.groups.items()}}


def _paired(
    latest: Report, before: Outcomes, metric: str, ids: Set[str] | None, check: Check | None
) -> dict[str, Any] | None:
    evidence = paired_evidence(before[metric], latest.outcomes[metric], latest.clusters, ids)
    if evidence is None:
        return None
    lower, upper = evidence.bounds()
    exact, mid = evidence.mcnemar()
    return {
        "before": evidence.before / evidence.n,
        "now": (evidence.before - evidence.lost + evidence.gained) / evidence.n,
        "drop": evidence.drop,
        "lower": lower,
        "upper": upper,
        "lost": evidence.lost,
        "gained": evidence.gained,
        "n": evidence.n,
        "clusters": evidence.clusters,
        **_against(check),
        "mcnemar_p": exact,
        "mcnemar_mid_p": mid,
        "minimum_detectable_drop": evidence.detectable(),
    }


def _against(check: Check | None) -> dict[str, Any]:
    """What a threshold adds to a figure."""
    return {
        "threshold": check.threshold if check else None,
        "status": check.evidence if check else "reported",
        "more_prompts_needed": check.more_prompts_needed if check else None,
    }


def alarms(latest: Report, comparisons: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Falls that chance does not explain, whatever the thresholds.

    Looked for on every metric over all prompts, and on task success (strict AINL where no task is judged) in every
    group; Holm's correction holds the chance of any false alarm against one run at 5%.
    """
    judged = latest.rate("task_success") is not None
    by_group = "task_success" if judged else "strict_ainl"
    found = []
    seen: set[str | None] = set()
    for against in ("champion", "previous", "base"):
        comparison = comparisons[against]
        if not comparison["compared"] or (against == "previous" and comparison["path"] in seen):
            continue
        seen.add(comparison["path"])
        looked = [(ALL, metric, entry) for metric, entry in comparison["metrics"].items()]
        looked += [
            (scope, by_group, entries[by_group])
            for scope, entries in comparison["groups"].items()
            if by_group in entries
        ]
        adjusted = holm([mcnemar_fall_p(entry["lost"], entry["gained"]) for _, _, entry in looked])
        who = "first run" if comparison["stand_in"] else "previous run" if against == "previous" else against
        found += [
            {
                "against": against,
                "scope": scope,
                "metric": metric,
                "drop": entry["drop"],
                "p_holm": p,
                "message": f"{label(metric, scope)} is lower than the {who}'s: {entry['before']:.3f} to "
                f"{entry['now']:.3f} ({entry['lost']} lost, {entry['gained']} gained of {entry['n']}; p = {p:.2g})",
            }
            for (scope, metric, entry), p in zip(looked, adjusted, strict=True)
            if p <= ALPHA and entry["drop"] > 0
        ]
    return found
