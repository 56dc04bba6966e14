"""Thresholds: floors of rates and largest drops, over all prompts or over one tier, family or suite."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ainl_align.artifacts import METRICS
from ainl_align.gate.reports import Report

Kind = Literal["floor", "regression"]
ALL = "all"
_FORM = re.compile(r"(?:(?P<scope>(?:tier|family|suite):.+):)?(?P<metric>[a-z_]+)=(?P<value>[0-9.eE+-]+)")


@dataclass(frozen=True)
class Limit:
    """One threshold. ``scope`` is ``all``, or like ``tier:T3``; ``tier:*`` stands for every tier of the report."""

    kind: Kind
    metric: str
    value: float
    scope: str = ALL

    @property
    def name(self) -> str:
        """How the threshold is listed in the trend file."""
        plain = f"min_{self.metric}_rate" if self.kind == "floor" else f"max_regression_{self.metric}"
        return plain if self.scope == ALL else f"{self.scope}:{plain}"

    def spread(self, report: Report) -> list["Limit"]:
        """The limit itself, or one for each group that its ``*`` stands for."""
        if not self.scope.endswith(":*"):
            return [self]
        scopes = [scope for scope in report.groups if scope.startswith(self.scope[:-1])]
        return [Limit(self.kind, self.metric, self.value, scope) for scope in scopes] or [self]


def parse(kind: Kind, text: str) -> Limit:
    """A limit from ``task_success=0.5`` or ``tier:T3:task_success=0.4``; ValueError says what is wrong."""
    found = _FORM.fullmatch(text)
    if found is None or found["metric"] not in METRICS:
        raise ValueError(
            f"{text!r} is no limit; write METRIC=RATE or tier:T3:METRIC=RATE (family:NAME, suite:NAME, tier:* for "
            f"each); metrics are {', '.join(METRICS)}"
        )
    try:
        value = float(found["value"])
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r}: {found['value']} is no rate between 0 and 1")
    return Limit(kind, found["metric"], value, found["scope"] or ALL)


def parse_all(kind: Kind, texts: Iterable[str]) -> list[Limit]:
    """``parse`` of each."""
    return [parse(kind, text) for text in texts]
