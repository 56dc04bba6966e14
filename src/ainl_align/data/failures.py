"""What kind of mistake a failed result of an evaluation report is, and which drafts and tasks practise against it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ainl_align.tasks.task_model import Task

PRACTICE: Final[Mapping[str, tuple[str, ...]]] = {
    "cut_off": ("truncated", "runs_on", "no_end", "harvested_cut"),
    "form": ("fence", "prose_before", "prose_after", "python", "yaml", "json", "harvested", "no_declaration"),
    "names": ("undefined_variable", "dotted_access", "quotes_lost", "unterminated_text"),
    "labels": ("label_renamed", "label_dropped", "missing_else", "inline_label", "no_end", "wrong_arrow"),
    "verbs": ("unknown_verb", "lower_case_verb", "infix_condition", "verb_changed"),
    "trigger": ("schedule_changed", "method_changed", "bad_schedule", "declaration_last", "no_declaration"),
    "retry": ("retry_count", "guard_dropped", "wrong_node"),
    "condition": ("branches_swapped", "number_changed", "verb_changed", "infix_condition", "missing_else"),
    "effects": ("step_dropped", "path_shortened", "text_changed", "verb_changed", "number_changed"),
    "result": ("answer_changed", "path_shortened", "text_changed", "dotted_access"),
}
"""Kinds of drafts (breakers and mutations) for each kind of failure, in no order."""

_CODES: Final = {
    "undefined": "names",
    "unterminated-string": "names",
    "literal": "names",
    "reserved": "names",
    "operand": "names",
    "inline-json": "names",
    "missing-label": "labels",
    "label-ending": "labels",
    "empty-label": "labels",
    "duplicate-label": "labels",
    "endpoint-label": "labels",
    "if-target": "labels",
    "after-end": "labels",
    "unreachable": "labels",
    "cycle": "labels",
    "missing-else": "labels",
    "unknown-verb": "verbs",
    "lowercase-verb": "verbs",
    "unknown-word": "form",
    "outside-label": "form",
    "stray-line": "form",
    "compact-syntax": "form",
    "endpoint-target": "trigger",
    "endpoint-return": "trigger",
    "no-trigger": "trigger",
    "no-service": "trigger",
    "service-first": "trigger",
    "service-mode": "trigger",
    "node-reference": "retry",
    "err-handler": "retry",
    "handler-effects": "retry",
}
_BEHAVIOUR: Final = (
    (re.compile(r"^trigger: "), "trigger"),
    (re.compile(r"retry delays|saw it (once|\d+ times)|the run failed"), "retry"),
    (re.compile(r"expected the result|expected the run to fail"), "result"),
    (re.compile(r"table |no such write|expected (no|no more) write|expected the order|, saw \w+\.[A-Z]"), "effects"),
)


def kinds_of(side: Mapping[str, Any]) -> list[str]:
    """The kinds (keys of PRACTICE) of one failed side of a report, in a fixed order; never empty."""
    if side.get("failure_family") in ("budget", "budget_too_small", "timeout"):
        return ["cut_off"]
    reasons = side["final"]["reasons"]
    if side["final"]["metrics"]["canonical"]:
        found = {kind for reason in reasons for pattern, kind in _BEHAVIOUR if pattern.search(reason["message"])}
        passed = [scenario["passed"] for scenario in side.get("scenarios") or ()]
        # Right in one world and wrong in another: the program decides, and decides wrongly.
        if any(passed) and not all(passed) and "retry" not in found:
            found.add("condition")
        found = found or {"effects"}
    else:
        found = {_CODES.get(reason["code"], "form") for reason in reasons} or {"form"}
    return [kind for kind in PRACTICE if kind in found]


def drafts_for(kinds: Iterable[str]) -> frozenset[str]:
    """The kinds of drafts that practise against these kinds of failures."""
    return frozenset(draft for kind in kinds for draft in PRACTICE[kind])


def practises(task: Task, kinds: Iterable[str]) -> bool:
    """Whether a task holds what one of these kinds of failures goes wrong in."""
    return any(_HOLDS[kind](task) for kind in kinds)


_HOLDS: Final[Mapping[str, Callable[[Task], bool]]] = {
    "cut_off": lambda task: len(task.gold.splitlines()) >= 12,
    "form": lambda task: True,
    "names": lambda task: True,
    "labels": lambda task: task.gold.count("L_") > 2,
    "verbs": lambda task: True,
    "trigger": lambda task: task.trigger.kind != "plain",
    "retry": lambda task: "  Retry @" in task.gold or "  Err @" in task.gold,
    "condition": lambda task: "  If " in task.gold,
    "effects": lambda task: any(scenario.expect.writes or scenario.expect.tables for scenario in task.scenarios),
    "result": lambda task: any(scenario.expect.check_returned for scenario in task.scenarios),
}
