"""One entry for every prompt of the final evaluation: what was asked, what came out, and how it differs from what was
wanted, from the champion and from the previous run."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from ainl_align.report.highlight import difference, program
from ainl_align.report.rates import METRICS, REFERENCES, met
from ainl_align.report.run_files import RunFiles, short_hash

_TITLE_LENGTH = 110


def samples(run: RunFiles, names: Mapping[str, str] = REFERENCES) -> list[dict[str, Any]]:
    """The entries in the order of the report; empty without a report. ``names`` are those of the references."""
    if run.evaluation is None:
        return []
    earlier = {role: {row["id"]: row for row in reference["results"]} for role, reference in run.references.items()}
    return [_sample(run, row, earlier, names) for row in run.evaluation["results"]]


def _sample(
    run: RunFiles,
    row: Mapping[str, Any],
    earlier: Mapping[str, Mapping[str, Mapping[str, Any]]],
    names: Mapping[str, str],
) -> dict[str, Any]:
    side = row["lora"]
    passed = _passed(row)
    task = run.tasks.get(row["id"])
    reasons = side["final"]["reasons"]
    others = {role: rows[row["id"]] for role, rows in earlier.items() if row["id"] in rows}
    return {
        "id": row["id"],
        "anchor": f"s-{short_hash(row['id'])}",
        "title": _shortened(row["prompt"]),
        "prompt": row["prompt"],
        "suite": row.get("suite") or "none",
        "tier": row.get("tier") or "none",
        "family": row.get("family") or "none",
        "result": "passed" if passed else "failed",
        "kind": side.get("failure_family") or "",
        "change": _change(row, others),
        "repairs": side["repairs"],
        "repaired": bool(side.get("drafts")),
        "tokens": side["tokens"],
        "seconds": side["seconds"],
        "finish": side["finish_reason"],
        "metrics": {metric: side["final"]["metrics"].get(metric) for metric in METRICS},
        "program": program(side["program"], [item["line"] for item in reasons if item.get("line") is not None]),
        "reasons": reasons,
        "scenarios": side.get("scenarios", []),
        "scenario_names": [
            str(item.get("name")) for item in (task or {}).get("scenarios", ()) if isinstance(item, dict)
        ],
        "history": _history(side),
        "gold": _against(side["program"], None if task is None else task["gold"]),
        "others": {
            role: {"name": names[role], "passed": _passed(other), **_against(side["program"], other["lora"]["program"])}
            for role, other in others.items()
        },
        "base": None if row.get("base") is None else _base(row["base"]),
    }


def _passed(row: Mapping[str, Any]) -> bool:
    """By task success; by canonical form where the prompt carries no task."""
    success = met(row, "task_success")
    return bool(met(row, "canonical") if success is None else success)


def _change(row: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str:
    """Against the champion, else the previous run: lost, gained, same; empty when there is nothing to compare with."""
    for role in REFERENCES:
        if role in others:
            before, now = _passed(others[role]), _passed(row)
            return "same" if before == now else "gained" if now else "lost"
    return ""


def _history(side: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Drafts that repairs replaced, each with what the next one changed."""
    programs = [draft["program"] for draft in side.get("drafts", ())] + [side["program"]]
    steps = []
    for number, (before, after) in enumerate(pairwise(programs), 1):
        reasons = side["first_pass"]["reasons"] if number == 1 else []
        steps.append({"draft": program(before), "reasons": reasons, "diff": difference(before, after)})
    return steps


def _against(ours: str, other: str | None) -> dict[str, Any]:
    """A difference to another program: known, same, and the difference itself."""
    if other is None:
        return {"known": False, "same": False, "diff": None}
    diff = difference(other, ours)
    return {"known": True, "same": diff is None, "diff": diff}


def _base(side: Mapping[str, Any]) -> dict[str, Any]:
    success = side["final"]["metrics"].get("task_success")
    passed = side["final"]["metrics"].get("canonical") if success is None else success
    shown: Markup = program(side["program"])
    return {"passed": bool(passed), "program": shown, "kind": side.get("failure_family") or ""}


def _shortened(prompt: str) -> str:
    flat = " ".join(prompt.split())
    return flat if len(flat) <= _TITLE_LENGTH else flat[: _TITLE_LENGTH - 1].rstrip() + "…"
