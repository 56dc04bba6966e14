"""One check for each threshold: what its evidence shows, and what the policy makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ainl_align.gate.evidence import PairedEvidence, RateEvidence, paired_evidence, rate_evidence
from ainl_align.gate.limits import ALL, Kind, Limit
from ainl_align.gate.reports import Report
from ainl_align.gate.statistics import ALPHA, CONFIDENCE, holm

Policy = Literal["point", "certified"]
Status = Literal["pass", "fail", "inconclusive", "not_compared"]
Shown = Literal["certified", "failed", "inconclusive", "not_compared"]
Role = Literal["previous", "champion", "first"]

# Rates are fractions of small counts: 0.65 - 0.60 must not exceed 0.05 by rounding.
_ROUNDING = 1e-9
_DECIDED: dict[Shown, Status] = {
    "certified": "pass",
    "failed": "fail",
    "inconclusive": "inconclusive",
    "not_compared": "not_compared",
}


@dataclass(frozen=True)
class Check:
    """One threshold. ``value`` is the rate (floor) or the drop (regression), with its one-sided 95% bounds.

    ``evidence`` is what the bounds show; ``status`` is the policy's decision.
    """

    kind: Kind
    metric: str
    scope: str
    against: Role | None
    status: Status
    evidence: Shown
    threshold: float
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    message: str
    more_prompts_needed: int | None = None
    mcnemar_p: float | None = None
    mcnemar_mid_p: float | None = None
    p_breach: float | None = None
    p_breach_holm: float | None = None


@dataclass(frozen=True)
class _Measured:
    """A limit with what was found for it, before the checks are looked at together."""

    limit: Limit
    against: Role | None
    found: RateEvidence | PairedEvidence
    p_ok: float
    p_breach: float


def run_checks(
    latest: Report, limits: Sequence[Limit], references: Sequence[tuple[Role, Report]], policy: Policy
) -> list[Check]:
    """Check every limit on ``latest``; a drop is measured from each of the references, which are comparable.

    A breach counts as shown when it stands out among all checks together (Holm), so that an unchanged model is
    not failed for being measured often. A pass needs no such care: every check has to hold.
    """
    done: list[Check | _Measured] = []
    for limit in (part for given in limits for part in given.spread(latest)):
        if limit.kind == "floor":
            done.append(_floor(latest, limit))
        elif not references:
            done.append(_without_value(limit, None, "not_compared", "not compared: there is no comparable report"))
        else:
            done += [_drop(latest, report, role, limit) for role, report in references]
    measured = [item for item in done if isinstance(item, _Measured)]
    adjusted = iter(holm([item.p_breach for item in measured]))
    return [
        _decide(item, next(adjusted), len(measured), policy) if isinstance(item, _Measured) else item for item in done
    ]


def label(metric: str, scope: str) -> str:
    """A rate's name in messages."""
    return f"{metric}_rate" if scope == ALL else f"{metric}_rate of {scope}"


def _floor(latest: Report, limit: Limit) -> Check | _Measured:
    ids = None if limit.scope == ALL else latest.groups.get(limit.scope, frozenset())
    found = rate_evidence(latest.outcomes[limit.metric], latest.clusters, ids)
    if found is None:
        return _without_value(limit, None, "failed", "cannot be measured: no prompt was judged for it")
    return _Measured(limit, None, found, *found.p_values(limit.value))


def _drop(latest: Report, other: Report, role: Role, limit: Limit) -> Check | _Measured:
    ids = None if limit.scope == ALL else latest.groups.get(limit.scope, frozenset())
    metric = limit.metric
    found = paired_evidence(other.outcomes[metric], latest.outcomes[metric], latest.clusters, ids)
    if found is None:
        return _without_value(limit, role, "failed", "cannot be compared: no prompt was judged for it in both reports")
    return _Measured(limit, role, found, *found.p_values(limit.value))


def _without_value(limit: Limit, against: Role | None, shown: Shown, problem: str) -> Check:
    return Check(
        kind=limit.kind,
        metric=limit.metric,
        scope=limit.scope,
        against=against,
        status=_DECIDED[shown],
        evidence=shown,
        threshold=limit.value,
        value=None,
        lower=None,
        upper=None,
        n=0,
        message=f"{label(limit.metric, limit.scope)} {problem}",
    )


def _decide(item: _Measured, p_holm: float, checks: int, policy: Policy) -> Check:
    found, limit = item.found, item.limit
    shown: Shown = "certified" if item.p_ok <= ALPHA else "failed" if p_holm <= ALPHA else "inconclusive"
    lower, upper = found.bounds()
    if isinstance(found, RateEvidence):
        value, holds = found.rate, found.rate >= limit.value - _ROUNDING
    else:
        value, holds = found.drop, found.drop <= limit.value + _ROUNDING
    status = _DECIDED[shown] if policy == "certified" else "pass" if holds else "fail"
    needed = found.more_prompts(limit.value, checks) if shown == "inconclusive" else 0
    check = Check(
        kind=limit.kind,
        metric=limit.metric,
        scope=limit.scope,
        against=item.against,
        status=status,
        evidence=shown,
        threshold=limit.value,
        value=value,
        lower=lower,
        upper=upper,
        n=found.n,
        message="",
        more_prompts_needed=needed,
        p_breach=item.p_breach,
        p_breach_holm=p_holm,
    )
    if isinstance(found, PairedEvidence):
        exact, mid = found.mcnemar()
        check = replace(check, mcnemar_p=exact, mcnemar_mid_p=mid)
    return replace(check, message=_message(check, found))


def _message(check: Check, found: RateEvidence | PairedEvidence) -> str:
    name, bounds = label(check.metric, check.scope), f"{CONFIDENCE:.0%} bounds {check.lower:.3f} and {check.upper:.3f}"
    if isinstance(found, RateEvidence):
        relation = {"pass": "reaches", "fail": "is below", "inconclusive": "may or may not reach"}[check.status]
        text = f"{name} {found.rate:.3f} ({found.successes} of {found.n}; {bounds}) {relation} the floor"
    else:
        since = {"previous": "the previous run", "champion": "the champion", "first": "the first run"}
        moved = f"dropped by {found.drop:.3f}" if found.drop >= 0 else f"rose by {-found.drop:.3f}"
        relation = {"pass": "within", "fail": "more than", "inconclusive": "within or more than"}[check.status]
        against = since[check.against or "previous"]
        text = (
            f"{name} {moved} since {against} ({found.lost} lost, {found.gained} gained of {found.n}; drop's {bounds}), "
            f"{relation} the margin"
        )
    return f"{text} {check.threshold:g}{_need(check)}"


def _need(check: Check) -> str:
    if check.status != "inconclusive":
        return ""
    if check.more_prompts_needed is None:
        return "; at the rates seen no number of prompts would settle it"
    return f"; at the rates seen {check.more_prompts_needed} more prompts would settle it"
