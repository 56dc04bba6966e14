"""Wrong programs made from a right one: each differs in one thing that a request states."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NEIGHBOURS = {"core.GT": "core.GTE", "core.GTE": "core.GT", "core.LT": "core.LTE", "core.LTE": "core.LT"}
_TEXT_TESTS = ("core.EQ", "core.CONTAINS", "core.STARTSWITH", "core.ENDSWITH")
_METHODS = {"http.POST": "http.PUT", "http.PUT": "http.POST", "http.DELETE": "http.PUT"}
_NUMERIC_VERBS = (*_NEIGHBOURS, "core.ADD", "core.SUB", "core.MUL")


@dataclass(frozen=True)
class Mutant:
    """A changed program: the kind of change, and the line that changed (1-based)."""

    kind: str
    line: int
    program: str


def mutants(gold: str) -> list[Mutant]:
    """All mutants of a canonical program; none equals it in text."""
    lines = gold.rstrip("\n").split("\n")
    found: list[Mutant] = []
    for number, line in enumerate(lines):
        for kind, changed in _changes(lines, number, line):
            text = "\n".join(changed) + "\n"
            if text != gold:
                found.append(Mutant(kind, number + 1, text))
    return found


def _changes(lines: list[str], number: int, line: str) -> Iterator[tuple[str, list[str]]]:
    def with_line(changed: str) -> list[str]:
        return [*lines[:number], changed, *lines[number + 1 :]]

    words = line.split()
    op = words[0]
    if op == "If":
        yield "branches swapped", with_line(f"  If {words[1]} {words[3]} {words[2]}")
    elif op == "Cr":
        yield from (("schedule changed", with_line(changed)) for changed in _schedules(line))
    elif op == "E":
        yield "endpoint path changed", with_line(line.replace(words[1], f"{words[1]}x", 1))
        yield (
            "endpoint method changed",
            with_line(line.replace(f" {words[2]} ", " U " if words[2] != "U" else " P ", 1)),
        )
    elif op == "Retry":
        yield "retry removed", _without(lines, number)
        yield "retry count changed", with_line(f"  Retry {words[1]} {int(words[2]) + 1} {words[3]} {words[4]}")
        yield "retry wait changed", with_line(f"  Retry {words[1]} {words[2]} {int(words[3]) + 50} {words[4]}")
        if words[2] != "1":
            other = "fixed" if words[4] == "exponential" else "exponential"
            yield "retry strategy changed", with_line(f"  Retry {words[1]} {words[2]} {words[3]} {other}")
    elif op == "Err":
        yield "handler removed", _without(lines, number)
    elif op == "J" and line.strip() not in ("J res", "J out", "J false"):
        yield "returned value changed", with_line('  J "another"')
    elif op == "Set" and words[1] == "out":
        yield "returned value changed", with_line('  Set out "another"')
    elif op == "R":
        yield from _step_changes(lines, number, line, words[1])


def _step_changes(lines: list[str], number: int, line: str, verb: str) -> Iterator[tuple[str, list[str]]]:
    def put(changed: str) -> list[str]:
        return [*lines[:number], changed, *lines[number + 1 :]]

    if line.endswith("->res"):
        yield "write dropped", _without(lines, number)
    if verb in _NEIGHBOURS:
        yield "bound loosened or tightened", put(line.replace(verb, _NEIGHBOURS[verb], 1))
    if verb in _TEXT_TESTS:
        yield "text test changed", put(line.replace(verb, _TEXT_TESTS[_TEXT_TESTS.index(verb) - 1], 1))
    if verb in _METHODS:
        yield "call target changed", put(line.replace(verb, _METHODS[verb], 1))
    if verb in _NUMERIC_VERBS:
        match = re.search(r" (-?\d+) ->", line)
        if match:
            for step in (1, -1):
                yield "number off by one", put(line.replace(match.group(0), f" {int(match.group(1)) + step} ->", 1))
    for match in _STRING.finditer(line):
        changed = _other_text(verb, match.group(0))
        yield _text_kind(verb, line, match.start()), put(line[: match.start()] + changed + line[match.end() :])


def _text_kind(verb: str, line: str, at: int) -> str:
    first = line[:at].count('"') == 0
    if verb.startswith(("sqlite.", "core.")):
        return {"sqlite": "SQL changed", "core": "literal changed"}[verb.split(".")[0]]
    return "call target changed" if first else "literal changed"


def _other_text(verb: str, quoted: str) -> str:
    if not verb.startswith("sqlite."):
        return f'{quoted[:-1]}x"' if not quoted.endswith(('}"', ']"')) else quoted.replace('\\"', '\\"x', 1)
    values = re.search(r"= '([^']*)'", quoted) or re.search(r"VALUES \('([^']*)'", quoted)
    if values:
        return quoted.replace(values.group(0), values.group(0)[:-1] + "x'", 1)
    for old, new in (
        ("SUM(", "MAX("),
        ("MAX(", "MIN("),
        ("MIN(", "SUM("),
        (" DESC", ""),
        ("ORDER BY id", "ORDER BY -id"),
    ):
        if old in quoted:
            return quoted.replace(old, new, 1)
    return re.sub(r"(INSERT (?:OR IGNORE )?INTO|FROM|UPDATE) (\w+)", r"\1 \2x", quoted, count=1)


def _schedules(line: str) -> Iterator[str]:
    fields = line.split('"')[1].split()
    for position, value in enumerate(fields):
        changed = fields[:]
        if value == "*":
            continue
        match = re.search(r"\d+", value)
        if match:
            low = 1 if position in (2, 3) else 0
            other = int(match.group(0)) + 1 if int(match.group(0)) < 5 else int(match.group(0)) - 1
            changed[position] = value.replace(match.group(0), str(max(low, other)), 1)
            yield line.replace(" ".join(fields), " ".join(changed))


def _bounds(lines: list[str], number: int) -> tuple[int, int]:
    """First step line and one past the last of the label that holds line ``number``."""
    start = max(index for index in range(number) if lines[index].endswith(":") and not lines[index].startswith(" "))
    end = next((i for i in range(number, len(lines)) if not lines[i].startswith(" ")), len(lines))
    return start + 1, end


def _without(lines: list[str], number: int) -> list[str]:
    """The program without one step; its Retry and Err go too, and later node numbers move up."""
    start, end = _bounds(lines, number)
    at = number - start + 1
    gone = {number}
    for index in range(start, end):
        if re.match(rf"\s+(Retry|Err) @n{at} ", lines[index]):
            gone.add(index)
    kept: list[str] = []
    for index, line in enumerate(lines):
        if index in gone:
            continue
        match = re.match(r"(\s+(?:Retry|Err) @n)(\d+)( .*)", line)
        if match and start <= index < end:
            target = int(match.group(2))
            target -= sum(1 for other in gone if other - start + 1 < target)
            line = f"{match.group(1)}{target}{match.group(3)}"
        kept.append(line)
    label_end = end - len(gone)
    if "->res" in lines[number] and not any("->res" in line for line in kept[start:label_end]):
        kept = [
            *kept[:start],
            *("  J false" if x == "  J res" else x for x in kept[start:label_end]),
            *kept[label_end:],
        ]
    return kept
