"""A report must agree with itself: everything that its summary says is counted again from its results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ainl_align.artifacts import METRICS

RATE_TOLERANCE = 1e-4
_IMPLIES = {
    "task_success": ("canonical",),
    "canonical": ("strict_ainl",),
    "strict_ainl": ("strict_compile", "runtime_compile"),
}
_GROUPS = {"by_suite": "suite", "by_tier": "tier", "by_family": "family"}

Say = Callable[[str, str], None]
"""Called with a field and what is wrong with it; it raises."""


def check(document: Mapping[str, Any], wrong: Say) -> None:
    """Call ``wrong`` for the first contradiction inside a report that fits its schema."""
    rows = document["results"]
    seen = set()
    for number, row in enumerate(rows):
        if row["id"] in seen:
            wrong(f"results.{number}.id", f"{row['id']!r} occurs twice")
        seen.add(row["id"])
    sanity = document["sanity"]
    if sanity.get("prompts", len(rows)) != len(rows):
        wrong("sanity.prompts", f"is {sanity['prompts']}, but there are {len(rows)} results")
    if sanity.get("unique_ids", True) is not True:
        wrong("sanity.unique_ids", "is not true")
    _settings(document, wrong)
    summary = document["summary"]
    sides = ["lora"]
    if summary["base"] is not None:
        sides.append("base")
    elif any(row["base"] is not None for row in rows):
        wrong("summary.base", "is null, but there are results of the base")
    for name in sides:
        for number, row in enumerate(rows):
            if row[name] is None:
                wrong(f"results.{number}.{name}", "is null, but the summary counts it")
            for part in ("first_pass", "final"):
                _ladder(f"results.{number}.{name}.{part}.metrics", row[name][part]["metrics"], wrong)
        _side(f"summary.{name}", summary[name], rows, name, wrong)
        _failure_kinds(f"summary.failure_families.{name}", summary["failure_families"][name], rows, name, wrong)
    if summary["base"] is not None and summary["comparison"] is not None:
        _comparison(summary, wrong)


def _settings(document: Mapping[str, Any], wrong: Say) -> None:
    """The settings stand twice in a report; a change of one of them shows."""
    others = ("device", "prompt_set", "adapter_path")
    for name, value in document["provenance"]["settings"].items():
        if name in document and name not in others and not _agree(document[name], value):
            wrong(name, f"is {document[name]!r}, but provenance.settings says {value!r}")


def _agree(stated: Any, recorded: Any) -> bool:
    """Whether two values are the same; in provenance a path may start with ~ for the home folder."""
    if stated == recorded:
        return True
    both = isinstance(stated, str) and isinstance(recorded, str)
    return both and recorded.startswith("~/") and stated.startswith("/") and stated.endswith(recorded[1:])


def _ladder(where: str, metrics: Mapping[str, bool | None], wrong: Say) -> None:
    for metric, needed in _IMPLIES.items():
        for other in needed:
            if metrics[metric] and not metrics[other]:
                wrong(f"{where}.{metric}", f"is true, but {other} is not")


def _side(where: str, summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], side: str, wrong: Say) -> None:
    _rates(where, summary, rows, side, "final", wrong)
    _rates(f"{where}.first_pass", summary["first_pass"], rows, side, "first_pass", wrong)
    for key, label in _GROUPS.items():
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            if row[label] is not None:
                groups.setdefault(row[label], []).append(row)
        if summary[key].keys() != groups.keys():
            wrong(f"{where}.{key}", f"has the groups {sorted(summary[key])}, the results {sorted(groups)}")
        for name, members in groups.items():
            _rates(f"{where}.{key}.{name}", summary[key][name], members, side, "final", wrong)


def _rates(
    where: str,
    summary: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    side: str,
    part: str,
    wrong: Say,
) -> None:
    if summary.get("n", len(rows)) != len(rows):
        wrong(f"{where}.n", f"is {summary['n']}, but there are {len(rows)} results")
    counts = summary.get("counts", {})
    for metric in METRICS:
        count, rate = tally(row[side][part]["metrics"][metric] for row in rows)
        if not same(summary[f"{metric}_rate"], rate):
            wrong(f"{where}.{metric}_rate", f"is {summary[f'{metric}_rate']}, but its results give {rate}")
        if counts.get(metric, count) != count:
            wrong(f"{where}.counts.{metric}", f"is {counts[metric]}, but its results give {count}")


def tally(outcomes: Iterable[bool | None]) -> tuple[int, float | None]:
    """(successes, rate) of the outcomes that were judged; a rate over nothing is None."""
    judged = [value for value in outcomes if value is not None]
    return sum(judged), sum(judged) / len(judged) if judged else None


def same(said: float | None, found: float | None) -> bool:
    """Whether a rate in a file is the one counted."""
    if said is None or found is None:
        return said is found
    return abs(said - found) <= RATE_TOLERANCE


def _failure_kinds(
    where: str,
    said: Mapping[str, int] | None,
    rows: Sequence[Mapping[str, Any]],
    side: str,
    wrong: Say,
) -> None:
    if any("failure_family" not in row[side] for row in rows):
        return
    found: dict[str, int] = {}
    for number, row in enumerate(rows):
        kind = row[side]["failure_family"]
        failed = any(value is False for value in row[side]["final"]["metrics"].values())
        if failed and kind is None:
            wrong(f"results.{number}.{side}.failure_family", "is null, but a metric is not met")
        if kind is not None:
            found[kind] = found.get(kind, 0) + 1
    if found != (said or {}):
        wrong(where, f"is {said}, but its results give {found}")


def _comparison(summary: Mapping[str, Any], wrong: Say) -> None:
    for metric in METRICS:
        key = f"{metric}_rate"
        ours, theirs = summary["lora"][key], summary["base"][key]
        found = None if ours is None or theirs is None else ours - theirs
        said = summary["comparison"].get(key)
        if said is not None and not isinstance(said, int | float):
            wrong(f"summary.comparison.{key}", f"is {said!r}")
        if not same(said, found):
            wrong(f"summary.comparison.{key}", f"is {said}, but the two sides give {found}")
