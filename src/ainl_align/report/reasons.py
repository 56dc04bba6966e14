"""Why a run ended as it did: the verdict in one sentence, its reasons with where they lie, and what to do next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ainl_align.report.leaks import over_limit
from ainl_align.report.rates import REFERENCES, failure_kinds, met, paired, spread
from ainl_align.report.run_files import RunFiles

_MOST_GROUPS = 4
_LEAKED = "overlap with held-out"


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
    if gate.get("headline"):
        return _sentence(gate["headline"])
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
    return [*_error(run), *_leaks(run), *_checks(run), *_other_failures(run), *_alarms(run)]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _error(run: RunFiles) -> Iterator[Reason]:
    error = run.health["error"]
    if error is None:
        return
    if _LEAKED in error["message"]:
        yield Reason(
            f"Leakage: {error['message']}",
            where=(
                "Training would have seen what the run is judged by, so nothing was trained and nothing is judged.",
            ),
            mend="Change or remove the rows that overlap (for generated data: another seed or family), then run again.",
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
    gate = run.health["gate"]
    for wanted in ("fail", "inconclusive"):
        for check in (gate or {}).get("checks", ()):
            if check["status"] == wanted:
                yield _check(run, check)


def _check(run: RunFiles, check: Mapping[str, Any]) -> Reason:
    mend = None
    if check["status"] == "inconclusive":
        more = check.get("more_prompts_needed")
        mend = (
            f"About {more} more prompts would settle it: raise test_limit."
            if more
            else "More prompts would settle it: raise test_limit, or use gate_policy = point."
        )
    where, shown = _where(run, check)
    return Reason(check["message"], check["status"], tuple(where), shown, mend)


def _alarms(run: RunFiles) -> Iterator[Reason]:
    """Falls that chance does not explain and no threshold forbids."""
    for alarm in (run.health["gate"] or {}).get("alarms", ()):
        where, shown = _where(run, {"kind": "regression", **alarm}) if alarm["against"] != "base" else ([], None)
        yield Reason(alarm["message"], "alarm", tuple(where), shown)


def _where(run: RunFiles, check: Mapping[str, Any]) -> tuple[list[str], tuple[str, str] | None]:
    """Where the failures of a check lie: tiers, families, kinds; and the filter that shows them."""
    evaluation = run.evaluation
    if evaluation is None:
        return [], None
    metric = check["metric"]
    inside = [row for row in evaluation["results"] if in_scope(row, check)]
    role = reference_role(run, check)
    if check["kind"] == "floor":
        ids = [row["id"] for row in inside if met(row, metric) is False]
        shown, word = ("result", "failed"), "failing"
    elif role is not None:
        change = paired(evaluation, run.references[role], metric, [row["id"] for row in inside])
        ids = list(change.lost)
        shown, word = ("change", "lost"), "lost"
    else:
        return [], None
    if not ids:
        return [], None
    lines = []
    for key, name in (("tier", "tier"), ("family", "family")):
        found = spread(inside, ids, key, lambda row: met(row, metric) is not None)
        if len(found) == 1 and key == "tier":
            lines.append(
                f"All {len(ids)} {word} prompts are in tier {found[0][0]} ({found[0][1]} of its {found[0][2]})."
            )
            continue
        parts = [f"{group} {count} of {total}" for group, count, total in found[:_MOST_GROUPS]]
        rest = f", and {len(found) - _MOST_GROUPS} more" if len(found) > _MOST_GROUPS else ""
        lines.append(f"{word.capitalize()} by {name}: {', '.join(parts)}{rest}.")
    wanted = set(ids)
    kinds = failure_kinds(row for row in inside if row["id"] in wanted)
    if kinds:
        lines.append("Kinds of failure: " + ", ".join(f"{kind} {count}" for kind, count in kinds) + ".")
    return lines, shown


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
