"""The verdict on one report: its checks, every metric with its bounds, and what changed against other runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ainl_align.gate.checks import Check, Policy, Role, run_checks
from ainl_align.gate.compare import alarms, metric_verdicts, paired_metrics
from ainl_align.gate.limits import ALL, Limit
from ainl_align.gate.reports import Report
from ainl_align.gate.statistics import CONFIDENCE

Decision = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class References:
    """The runs that the judged one is measured against; ``reason`` says why there is no champion to compare with."""

    previous: Report | None = None
    champion: Report | None = None
    first: Report | None = None
    """The first comparable run: it stands in while no champion can be compared with."""
    reason: str = "no champion is accepted yet (ainl-align gate accept)"

    def roles(self) -> list[tuple[Role, Report]]:
        """Each run to compare with once: one that is both previous and champion counts as the champion."""
        found: dict[str, tuple[Role, Report]] = {}
        for role, report in (("previous", self.previous), ("first", self._stand_in()), ("champion", self.champion)):
            if report is not None and (role != "first" or report.digest not in found):
                found[report.digest] = (role, report)  # type: ignore[assignment]
        return list(found.values())

    def _stand_in(self) -> Report | None:
        return self.first if self.champion is None else None


@dataclass(frozen=True)
class Verdict:
    """The gate's decision with everything that led to it."""

    status: Decision
    policy: Policy
    checks: tuple[Check, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    details: Mapping[str, Any]
    thresholds: Mapping[str, float]
    n: int

    @property
    def certified(self) -> bool:
        """True when the evidence shows that every threshold holds."""
        return self.policy == "certified" and self.status == "pass"

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        if self.status == "fail":
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            return f"gate FAIL: {self.failures[0]}{more}"
        if self.status == "inconclusive":
            open_checks = [check for check in self.checks if check.status == "inconclusive"]
            return f"gate INCONCLUSIVE: {len(open_checks)} of {len(self.checks)} checks; {open_checks[0].message}"
        held = sum(check.status == "pass" for check in self.checks)
        how = f"certified at {CONFIDENCE:.0%}" if self.certified else "uncertified plain comparison"
        skipped = len(self.checks) - held
        left = f", {skipped} not compared (no comparable report)" if skipped else ""
        return f"gate PASS ({how}): {held} checks hold on {self.n} prompts{left}"

    def as_json(self) -> dict[str, Any]:
        """The ``gate`` object of the trend file and the health."""
        return {
            "passed": self.status == "pass",
            "status": self.status,
            "policy": self.policy,
            "certified": self.certified,
            "headline": self.headline,
            "failures": list(self.failures),
            "thresholds": dict(self.thresholds),
            "checks": [asdict(check) for check in self.checks],
            "notes": list(self.notes),
            **self.details,
        }


def judge(
    latest: Report, references: References, limits: Sequence[Limit], policy: Policy, damaged: Sequence[str] = ()
) -> Verdict:
    """Decide on ``latest``; each ``damaged`` message is a failure."""
    checks = run_checks(latest, limits, references.roles(), policy)
    failures = [*damaged, *(check.message for check in checks if check.status == "fail")]
    if latest.n == 0:
        failures.append("the report holds no result")
    notes = _notes(references, limits, policy)
    if failures:
        status: Decision = "fail"
    elif any(check.status == "inconclusive" for check in checks):
        status = "inconclusive"
        notes += [check.message for check in checks if check.status == "inconclusive"]
    else:
        status = "pass"
    comparisons = _comparisons(latest, references, checks)
    found = alarms(latest, comparisons)
    return Verdict(
        status=status,
        policy=policy,
        checks=tuple(checks),
        failures=tuple(failures),
        notes=(*notes, *(f"alarm: {alarm['message']}" for alarm in found)),
        details={
            "verdict": metric_verdicts(latest, checks, ALL),
            "groups": {scope: metric_verdicts(latest, checks, scope) for scope in latest.groups},
            "comparisons": comparisons,
            "alarms": found,
        },
        thresholds={limit.name: limit.value for limit in limits},
        n=latest.n,
    )


def _notes(references: References, limits: Sequence[Limit], policy: Policy) -> list[str]:
    notes = []
    drops = any(limit.kind == "regression" for limit in limits)
    if drops and not references.roles():
        notes.append("no previous comparable report (same prompts, metric version and settings): drops not checked")
    elif drops and references.champion is None:
        notes.append(f"{references.reason}; the first comparable run stands in for it")
    if policy == "point":
        notes.append(f"uncertified: rates are compared as they are; see the {CONFIDENCE:.0%} bounds beside them")
    return notes


def _comparisons(latest: Report, references: References, checks: Sequence[Check]) -> dict[str, Any]:
    champion = references.champion or references.first
    stand_in = references.champion is None and champion is not None
    # Where one run has two roles its checks carry one of them.
    role_of = {report.digest: role for role, report in references.roles()}

    def against(report: Report | None, reason: str) -> dict[str, Any]:
        if report is None:
            return _not_compared(reason)
        mine = [check for check in checks if check.against == role_of[report.digest]]
        return {
            "compared": True,
            "reason": None,
            "run_id": report.run_id,
            "path": str(report.path),
            "created": report.created.isoformat() if report.created else None,
            "stand_in": False,
            **paired_metrics(latest, report.outcomes, mine),
        }

    found = {
        "champion": against(champion, references.reason),
        "previous": against(references.previous, "no earlier run has the same prompts and settings"),
        "base": _not_compared("the base model was not evaluated"),
    }
    found["champion"]["stand_in"] = stand_in
    if stand_in:
        found["champion"]["reason"] = references.reason
    if latest.base is not None:
        found["base"] |= {"compared": True, "reason": None, "path": str(latest.path)}
        found["base"] |= paired_metrics(latest, latest.base, [])
    return found


def _not_compared(reason: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"run_id": None, "path": None, "created": None, "metrics": {}, "groups": {}}
    return {"compared": False, "reason": reason, "stand_in": False, **empty}
