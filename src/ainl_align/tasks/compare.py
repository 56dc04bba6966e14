"""Observed against expected: values, calls and tables, with reasons that a person can act on."""

import json
import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ainl_align.language.adapters import WORLD_READS
from ainl_align.language.world_model import Call, Trace
from ainl_align.language.world_sqlite import initial_tables, touches
from ainl_align.tasks.task_model import CallSpec, Expect, Scenario

_SAME: Final = {"db.P": "db.C", "api.POST": "api.P", "ext.RUN": "ext.EXEC"}
_SQL_WRITE: Final = "sqlite.EXECUTE"
_JSON_TEXT: Final = re.compile(r"\s*[{\[].*|-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null", re.DOTALL)


def same(left: Any, right: Any) -> bool:
    """Whether two values mean the same: JSON text and its value, 3 and 3.0; other text must be equal exactly."""
    return canonical(left) == canonical(right)


def canonical(value: Any) -> str:
    """One text for all spellings of a value. Only text on the top level may be JSON; true and 1 stay apart."""
    if isinstance(value, str) and _JSON_TEXT.fullmatch(value):
        with suppress(ValueError, RecursionError):  # no JSON after all: plain text
            value = json.loads(value)
    try:
        return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, default=str)
    except RecursionError:
        return f"nested too deeply {id(value)}"  # nothing that was asked for is, so it equals nothing


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        rounded = float(f"{value:.12g}")  # sums in another order differ in the last digits
        return int(rounded) if rounded.is_integer() else rounded
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def show(value: Any, limit: int = 160) -> str:
    """A value for a reason, as JSON, cut when long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "a value nested too deeply to show"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def write_reasons(calls: Sequence[Call], expect: Expect) -> list[str]:
    """Writes that are missing, unasked, wrong, or out of order within their sink."""
    specs = [spec for spec in expect.writes if spec.name != _SQL_WRITE]
    wanted = [_effect(spec.name, spec.args) for spec in specs for _ in range(spec.times or 1)]
    seen = [_observed(call) for call in calls if call.name not in WORLD_READS and call.name != _SQL_WRITE]
    reasons = _sql_attempts(calls, expect)
    if expect.ordered:
        return reasons + _difference(wanted, seen)
    for sink in dict.fromkeys(effect.sink for effect in wanted + seen):
        here = [effect for effect in wanted if effect.sink == sink]
        reasons += _difference(here, [effect for effect in seen if effect.sink == sink])
    return reasons


def read_reasons(calls: Sequence[Call], expect: Expect) -> list[str]:
    """Reads that did not happen, or not as often as asked."""
    reasons = []
    for spec in expect.reads:
        count = sum(_is_read(call, spec) for call in calls)
        if spec.times is None and count == 0:
            reasons.append(f"expected a read {_show_call(spec.name, spec.args)}, saw none")
        elif spec.times is not None and count != spec.times:
            reasons.append(f"expected {_show_call(spec.name, spec.args)} {_times(spec.times)}, saw it {_times(count)}")
    return reasons


def table_reasons(trace: Trace, scenario: Scenario) -> list[str]:
    """Tables whose final rows are not the expected ones; expected rows are compared on the columns that they name."""
    expected = scenario.expect.tables
    before = initial_tables(scenario.world.sql, scenario.world.now)
    reasons = []
    for name in sorted({*expected, *before, *trace.tables}):
        if name not in trace.tables:
            reasons.append(f"table {name} does not exist at the end")
            continue
        if name not in expected and name not in before:
            reasons.append(f"unexpected table {name}")
            continue
        wanted = expected.get(name, before.get(name, []))
        columns = {column for row in wanted for column in row} if name in expected else None
        rows = [
            row if columns is None or not wanted else {key: value for key, value in row.items() if key in columns}
            for row in trace.tables[name]
        ]
        if Counter(_row(row) for row in wanted) != Counter(_row(row) for row in rows):
            change = "rows" if name in expected else "no change, rows"
            reasons.append(f"table {name}: expected {change} {show(wanted)}, has {show(rows)}")
    return reasons


def _row(row: dict[str, Any]) -> str:
    return json.dumps({key: canonical(value) for key, value in row.items()}, sort_keys=True)


@dataclass(frozen=True)
class _Effect:
    """A call without what makes no difference; equal effects do the same."""

    name: str
    target: tuple[str, ...]
    rest: tuple[str, ...]
    args: tuple[Any, ...] = field(compare=False)

    @property
    def sink(self) -> tuple[str, ...]:
        """What keeps writes in order: the namespace and the target."""
        return (self.name.split(".")[0], *self.target)


def _effect(name: str, args: Sequence[Any]) -> _Effect:
    """Arguments as the adapters read them: defaults filled in, ignored ones dropped; one name for equal verbs."""
    name = _SAME.get(name, name)
    namespace, _, verb = name.partition(".")
    given = list(args)
    heads = 1
    if namespace == "http":
        body = verb in ("POST", "PUT", "PATCH")
        headers = given[2:3] if body else given[1:2]
        given = [*given[:1], *((given[1:2] or [None]) if body else [])]
        given += [value for value in headers if isinstance(value, dict) and value]
    elif namespace == "cache":
        heads = 2
        given = ["default", *given] if len(given) == (1 if verb == "GET" else 2) else given[: 2 if verb == "GET" else 3]
    elif name == "fs.WRITE":
        # The adapter stores text: what is no text is stored as Python prints it. Expected values may be JSON values.
        given = [*given[:1], given[1] if len(given) > 1 else ""]
    elif namespace == "memory":
        heads = 3
        given = given[:4] if len(given) > 4 and given[4] is None else given
    elif namespace == "ext" and verb == "EXEC":
        given = [str(value) for value in given]
    elif name == "db.F":
        given = given[:1]
    elif namespace in ("queue", "db", "api"):
        given = given[:2]
    target = [str(value) for value in given[:heads]]
    if namespace == "fs":
        target = [posixpath.normpath(path) for path in target]
    return _Effect(name, tuple(target), tuple(canonical(value) for value in given[heads:]), tuple(args))


def _observed(call: Call) -> _Effect:
    if call.name == "fs.WRITE" and len(call.args) > 1 and not isinstance(call.args[1], str):
        return _effect(call.name, (call.args[0], str(call.args[1])))
    return _effect(call.name, call.args)


def _difference(wanted: Sequence[_Effect], seen: Sequence[_Effect]) -> list[str]:
    """Why two sequences of writes are not equal; empty when they are."""
    if list(wanted) == list(seen):
        return []
    missing = list((Counter(wanted) - Counter(seen)).elements())
    extra = list((Counter(seen) - Counter(wanted)).elements())
    if not missing and not extra:
        return [f"expected the order {_join(wanted)}, saw {_join(seen)}"]
    if not missing:
        return [f"expected {'no more writes' if wanted else 'no write'}, saw {_join(extra)}"]
    return [f"expected {_join(missing)}, saw {_join(extra) if extra else 'no such write'}"]


def _sql_attempts(calls: Sequence[Call], expect: Expect) -> list[str]:
    reasons = []
    for spec in expect.writes:
        if spec.name == _SQL_WRITE:
            count = sum(call.name == _SQL_WRITE and _names_tables(call, spec) for call in calls)
            if count != (spec.times or 1):
                shown = _show_call(spec.name, spec.args)
                reasons.append(f"expected {shown} {_times(spec.times or 1)}, saw it {_times(count)}")
    return reasons


def _is_read(call: Call, spec: CallSpec) -> bool:
    if call.name != spec.name:
        return False
    if spec.name == "sqlite.QUERY":
        return _names_tables(call, spec)
    wanted, seen = _effect(spec.name, spec.args), _effect(call.name, call.args)
    return wanted.target == seen.target[: len(wanted.target)] and wanted.rest == seen.rest[: len(wanted.rest)]


def _names_tables(call: Call, spec: CallSpec) -> bool:
    return bool(call.args) and all(touches(call.args[0], str(table)) for table in spec.args)


def _show_call(name: str, args: Sequence[Any]) -> str:
    return f"{name}({', '.join(show(arg) for arg in args)})"


def _join(effects: Sequence[_Effect]) -> str:
    return ", ".join(_show_call(effect.name, effect.args) for effect in effects)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
