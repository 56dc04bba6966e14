"""Why a run ended as it did: the verdict in one sentence, its reasons with where they lie, and what to do next."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ainl_align.report.leaks import over_limit
from ainl_align.report.rates import REFERENCES, failure_kinds, met, paired, spread
from ainl_align.report.run_files import RunFiles

_MOST_GROUPS = 4
_LEAKED = "overlap with held-out"
_FINDINGS = re.compile(r"(?:: |; )(?=\d+ (?:prompts|programs) overlap|nothing was written)")


@dataclass(frozen=True)
class Reason:
    """One thing that stands against the run. ``shown`` names the samples to look at: a filter and its value."""

    text: str
    kind: str = "fail"
    where: tuple[str, ...] = ()
    shown: tuple[str, str] | None = None
    mend: str | None = None


def headline(run: RunFiles) -> str:
    """The verdict in one sentence."""
    health = run.health
    error, gate = health["error"], health["gate"]
    if error is not None:
        cause = "leakage found" if _LEAKED in error["message"] else "no verdict"
        return f"Stopped in stage {error['stage']}: {cause}."
    if gate is None:
        return "Ended before the gate: no verdict."
    checks = gate.get("checks", [])
    against = [check for check in checks if check["status"] == gate["status"]]
    if gate["status"] == "pass":
        how = "certified by 95% bounds" if gate.get("certified") else "by plain comparison, not certified"
        return f"The gate passed, {how}."
    if gate["status"] == "inconclusive":
        return f"Too little evidence: {len(against)} of {len(checks)} checks can be settled neither way."
    return f"The gate failed: {len(against) or len(gate['failures'])} of {len(checks)} checks."


def reasons(run: RunFiles) -> list[Reason]:
    """Everything that stands against the run, the worst first; empty for a clean pass."""
    return [*_error(run), *_leaks(run), *_other_failures(run), *_checks(run)]


def _error(run: RunFiles) -> Iterator[Reason]:
    error = run.health["error"]
    if error is None:
        return
    if _LEAKED in error["message"]:
        yield Reason(
            "Leakage: training rows overlap with prompts that the run is judged by.",
            where=tuple(f"{part[:1].upper()}{part[1:]}." for part in _FINDINGS.split(error["message"])),
            mend="Nothing was trained and nothing is judged. Change or remove the rows that overlap (for generated "
            "data: another seed or family), then run again.",
        )
        return
    yield Reason(
        f"Stage {error['stage']} stopped: {error['message']}",
        mend="Mend what the message names and run the same command again; the traceback stands under Provenance.",
    )


def _leaks(run: RunFiles) -> Iterator[Reason]:
    for card in run.cards:
        for line in over_limit(card):
            yield Reason(
                f"Leakage in dataset {card['name']}: {line}",
                where=("Rates of a suite that training has seen say nothing about new requests.",),
                mend="Remove the rows that overlap and build the dataset again.",
            )


def _checks(run: RunFiles) -> Iterator[Reason]:
    """Failed checks; those that are not settled when nothing failed; then falls that no threshold forbids."""
    gate = run.health["gate"] or {}
    checks = gate.get("checks", ())
    failed = [check for check in checks if check["status"] == "fail"]
    unsettled = [check for check in checks if check["status"] == "inconclusive"]
    told: set[frozenset[str]] = set()
    for check in failed or unsettled:
        yield _check(run, check, told)
    if failed and unsettled:
        names = ", ".join(f"{check['metric']} {check.get('scope', 'all')}" for check in unsettled)
        yield Reason(f"{len(unsettled)} further checks could be settled neither way: {names}", "inconclusive")
    for alarm in gate.get("alarms", ()):
        check = {"kind": "regression", **alarm}
        ids = frozenset(_ids(run, check))
        if not ids or ids not in told:
            where, shown = _where(run, check, told)
            yield Reason(alarm["message"], "alarm", where, shown)


def _check(run: RunFiles, check: Mapping[str, Any], told: set[frozenset[str]]) -> Reason:
    mend = None
    if check["status"] == "inconclusive":
        more = check.get("more_prompts_needed")
        mend = (
            f"About {more} more prompts would settle it: raise test_limit."
            if more
            else "More prompts would settle it: raise test_limit, or use gate_policy = point."
        )
    where, shown = _where(run, check, told)
    return Reason(check["message"], check["status"], where, shown, mend)


def _ids(run: RunFiles, check: Mapping[str, Any]) -> list[str]:
    """The prompts that a check is about: those that fail its floor, or those that were lost."""
    role = reference_role(run, check)
    if run.evaluation is None or (check["kind"] != "floor" and role is None):
        return []
    inside = [row for row in run.evaluation["results"] if in_scope(row, check)]
    if check["kind"] == "floor" or role is None:
        return [row["id"] for row in inside if met(row, check["metric"]) is False]
    return list(paired(run.evaluation, run.references[role], check["metric"], [row["id"] for row in inside]).lost)


def _where(
    run: RunFiles, check: Mapping[str, Any], told: set[frozenset[str]]
) -> tuple[tuple[str, ...], tuple[str, str] | None]:
    """Where the failures of a check lie (tiers, families, kinds), and the filter that shows them.

    Prompts that an earlier reason has told of (``told``, which is added to) are not told of again.
    """
    ids = _ids(run, check)
    if run.evaluation is None or not ids:
        return (), None
    floor = check["kind"] == "floor"
    shown, word = (("result", "failed"), "failing") if floor else (("change", "lost"), "lost")
    wanted = frozenset(ids)
    if wanted in told:
        return (f"The same {len(ids)} prompts.",), shown
    told.add(wanted)
    metric = check["metric"]
    inside = [row for row in run.evaluation["results"] if in_scope(row, check)]
    lines = []
    for key in ("tier", "family"):
        found = spread(inside, ids, key, lambda row: met(row, metric) is not None)
        if len(found) == 1 and key == "tier":
            group, count, total = found[0]
            lines.append(f"All {len(ids)} {word} prompts are in tier {group} ({count} of its {total}).")
            continue
        parts = [f"{group} {count} of {total}" for group, count, total in found[:_MOST_GROUPS]]
        rest = f", and {len(found) - _MOST_GROUPS} more" if len(found) > _MOST_GROUPS else ""
        lines.append(f"{word.capitalize()} by {key}: {', '.join(parts)}{rest}.")
    kinds = failure_kinds(row for row in inside if row["id"] in wanted)
    if kinds:
        lines.append("Kinds of failure: " + ", ".join(f"{kind} {count}" for kind, count in kinds) + ".")
    return tuple(lines), shown


def in_scope(row: Mapping[str, Any], check: Mapping[str, Any]) -> bool:
    """Whether a prompt belongs to what a check is about: a tier, a family, a suite, or everything."""
    key, _, name = check.get("scope", "all").partition(":")
    return key == "all" or bool(row.get(key) == name)


def reference_role(run: RunFiles, check: Mapping[str, Any]) -> str | None:
    """Which earlier report a regression check was made against, if that report is at hand."""
    said = check.get("against")
    # Where no champion is accepted, the first comparable run stands in for it.
    said = "champion" if said == "first" else said
    for role in (said,) if said else REFERENCES:
        if role in run.references:
            return role
    return None


def _other_failures(run: RunFiles) -> Iterator[Reason]:
    """Lines of the gate that no check carries, such as damaged reports."""
    gate = run.health["gate"] or {}
    said = {check["message"] for check in gate.get("checks", ())}
    for line in gate.get("failures", ()):
        if line not in said:
            yield Reason(line)
