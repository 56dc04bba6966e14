"""The verdict: thresholds against one report and, for regressions, against an earlier comparable one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ainl_align.gate.reports import Report
from ainl_align.gate.statistics import CONFIDENCE, paired_difference, rate_lower, rate_upper

Policy = Literal["point", "certified"]
Status = Literal["pass", "fail", "inconclusive", "not_compared"]

# Rates are fractions of small counts: 0.65 - 0.60 must not exceed 0.05 by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Check:
    """One threshold. ``value`` is the rate (floor) or the drop (regression), with its one-sided 95% bounds."""

    kind: Literal["floor", "regression"]
    metric: str
    status: Status
    threshold: float
    value: float | None
    lower: float | None
    upper: float | None
    n: int
    message: str
    mcnemar_p: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The gate's decision with every check that led to it."""

    status: Literal["pass", "fail", "inconclusive"]
    policy: Policy
    checks: tuple[Check, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    thresholds: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The ``gate`` object of the trend file and the health."""
        return {
            "passed": self.status == "pass",
            "status": self.status,
            "policy": self.policy,
            "certified": self.policy == "certified" and self.status == "pass",
            "failures": list(self.failures),
            "thresholds": dict(self.thresholds),
            "checks": [asdict(check) for check in self.checks],
            "notes": list(self.notes),
        }


def judge_reports(
    latest: Report,
    previous: Report | None,
    *,
    floors: Mapping[str, float],
    regressions: Mapping[str, float],
    policy: Policy,
    damaged: Sequence[str] = (),
) -> Verdict:
    """Decide on ``latest``; ``floors`` and ``regressions`` are by metric, and each ``damaged`` message is a failure."""
    checks = [_floor(latest, metric, least, policy) for metric, least in floors.items()]
    checks += [_regression(latest, previous, metric, most, policy) for metric, most in regressions.items()]
    failures = [*damaged, *(check.message for check in checks if check.status == "fail")]
    notes = []
    if previous is None and regressions:
        notes.append("no previous comparable report (same prompts, metric version and settings): drops not checked")
    if policy == "point":
        notes.append(f"uncertified: rates are compared as they are; see the {CONFIDENCE:.0%} bounds beside them")
    if failures:
        status: Literal["pass", "fail", "inconclusive"] = "fail"
    elif any(check.status == "inconclusive" for check in checks):
        status = "inconclusive"
        notes += [check.message for check in checks if check.status == "inconclusive"]
    else:
        status = "pass"
    thresholds = {f"min_{metric}_rate": value for metric, value in floors.items()}
    thresholds |= {f"max_regression_{metric}": value for metric, value in regressions.items()}
    return Verdict(status, policy, tuple(checks), tuple(failures), tuple(notes), thresholds)


def _floor(report: Report, metric: str, least: float, policy: Policy) -> Check:
    successes, n = report.counts(metric)
    name = f"{metric}_rate"
    if n == 0:
        message = f"{name} cannot be measured: no prompt was judged for it"
        return Check("floor", metric, "fail", least, None, None, None, 0, message)
    rate, lower, upper = successes / n, rate_lower(successes, n), rate_upper(successes, n)
    if policy == "point":
        status: Status = "pass" if rate >= least - _ROUNDING else "fail"
    else:
        status = "pass" if lower >= least else "fail" if upper < least else "inconclusive"
    relation = {"pass": "reaches", "fail": "is below", "inconclusive": "may or may not reach"}[status]
    message = (
        f"{name} {rate:.3f} ({successes} of {n}; {CONFIDENCE:.0%} bounds {lower:.3f} and {upper:.3f}) "
        f"{relation} the floor {least:g}"
    )
    return Check("floor", metric, status, least, rate, lower, upper, n, message)


def _regression(latest: Report, previous: Report | None, metric: str, most: float, policy: Policy) -> Check:
    name = f"{metric}_rate"
    if previous is None:
        message = f"{name}: no previous comparable report"
        return Check("regression", metric, "not_compared", most, None, None, None, 0, message)
    now = latest.outcomes[metric]
    pairs = [
        (before, after)
        for prompt, before in previous.outcomes[metric].items()
        if before is not None and (after := now[prompt]) is not None
    ]
    if not pairs:
        message = f"{name}: no prompt was judged for it in both reports"
        return Check("regression", metric, "fail", most, None, None, None, 0, message)
    lost = sum(before and not after for before, after in pairs)
    gained = sum(after and not before for before, after in pairs)
    drop = paired_difference(lost, gained, len(pairs))
    if policy == "point":
        status: Status = "pass" if drop.value <= most + _ROUNDING else "fail"
    else:
        status = "pass" if drop.upper <= most else "fail" if drop.lower > most else "inconclusive"
    relation = {"pass": "within", "fail": "more than", "inconclusive": "within or more than"}[status]
    message = (
        f"{name} dropped by {drop.value:.3f} ({lost} lost, {gained} gained of {len(pairs)}; {CONFIDENCE:.0%} bounds "
        f"{drop.lower:.3f} and {drop.upper:.3f}), {relation} the margin {most:g}"
    )
    return Check(
        "regression", metric, status, most, drop.value, drop.lower, drop.upper, len(pairs), message, drop.mcnemar_p
    )
