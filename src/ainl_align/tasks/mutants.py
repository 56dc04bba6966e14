"""Wrong programs made from a right one: each differs in one thing that a request states."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ainl_align.language.canonical import tokenize

KINDS = (
    "branches swapped",
    "step dropped",
    "literal changed",
    "threshold off by one",
    "condition changed",
    "wrong resource",
    "call target changed",
    "retry removed",
    "retry changed",
    "handler removed",
    "schedule changed",
    "endpoint changed",
    "returned value changed",
)
_BOUNDS = {"core.GT": "core.GTE", "core.GTE": "core.GT", "core.LT": "core.LTE", "core.LTE": "core.LT"}
_TESTS = ("core.EQ", "core.NEQ", "core.CONTAINS", "core.STARTSWITH", "core.ENDSWITH")
_OTHER_VERB = {
    "http.POST": "http.PUT",
    "http.PUT": "http.POST",
    "http.PATCH": "http.POST",
    "db.C": "db.U",
    "db.U": "db.C",
    "api.P": "api.G",
    "ext.EXEC": "ext.OP",
    "ext.OP": "ext.ECHO",
    "memory.PUT": "memory.APPEND",
    "memory.APPEND": "memory.PUT",
    "http.DELETE": "http.GET",
    "fs.WRITE": "fs.DELETE",
    "core.ADD": "core.SUB",
    "core.SUB": "core.ADD",
    "core.MUL": "core.ADD",
    "core.DIV": "core.MUL",
    "core.LOWER": "core.UPPER",
    "core.UPPER": "core.LOWER",
    "core.TRIM": "core.UPPER",
    "core.MIN": "core.MAX",
    "core.MAX": "core.MIN",
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Mutant:
    """A changed program: the kind of change (one of KINDS), and the line of the gold that changed (1-based)."""

    kind: str
    line: int
    program: str


def mutants(gold: str) -> list[Mutant]:
    """All mutants of a canonical program, no two the same and none its text. Some are no programs: a dropped step may
    leave a variable unset, and a handler may not do what its label does not."""
    lines = gold.rstrip("\n").split("\n")
    labels = [line[:-1] for line in lines if not line.startswith(" ") and line.endswith(":")]
    found: dict[str, Mutant] = {}
    for number, line in enumerate(lines):
        words = tokenize(line) or []
        for kind, changed in _changes(lines, number, words, labels):
            text = "\n".join(reachable(changed)) + "\n"
            if text != gold:
                found.setdefault(text, Mutant(kind, number + 1, text))
    return list(found.values())


def _changes(lines: list[str], number: int, words: list[str], labels: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    def put(*changed: str) -> list[str]:
        indent = "  " if lines[number].startswith(" ") else ""
        return [*lines[:number], indent + " ".join(changed), *lines[number + 1 :]]

    op = words[0]
    if op == "If":
        *head, yes, no = words
        yield "branches swapped", put(*head, no, yes)
        yield "call target changed", put(*head, yes, yes)
    elif op == "Cr":
        yield from (("schedule changed", put(*words[:2], f'"{other}"')) for other in _schedules(words[2][1:-1]))
    elif op == "E":
        yield "endpoint changed", put("E", f"{words[1]}x", *words[2:])
        yield "endpoint changed", put("E", words[1], "P" if words[2] != "P" else "U", *words[3:])
    elif op == "Retry":
        yield "retry removed", without_step(lines, number)
        at, count, wait, strategy = words[1:5]
        yield "retry changed", put("Retry", at, str(int(count) + 1), wait, strategy)
        yield "retry changed", put("Retry", at, count, str(int(wait) + 50), strategy)
        if count != "1":
            yield "retry changed", put("Retry", at, count, wait, "fixed" if strategy != "fixed" else "exponential")
    elif op == "Err":
        if not _stands_already(lines, number, words[2]):
            yield "handler removed", without_step(lines, number)
        yield from _retargets(words, labels, put)
    elif op == "Call":
        yield from _retargets(words, labels, put)
    elif op == "J":
        if not _unread(lines, number):
            yield "returned value changed", put("J", '"another"')
    elif op == "Set":
        yield "step dropped", without_step(lines, number)
        yield "returned value changed" if words[1] == "out" else "literal changed", put(*words[:2], '"another"')
    elif op == "R":
        yield "step dropped", without_step(lines, number)
        for kind, changed in _step_changes(words):
            yield kind, put(*changed)


def _stands_already(lines: Sequence[str], number: int, handler: str) -> bool:
    """Whether an Err above names the same handler: one that was executed stands for all later steps of its label."""
    start = _label_line(lines, number)
    return any(re.fullmatch(rf"\s+Err @n\d+ {handler}", line) for line in lines[start:number])


def _unread(lines: Sequence[str], number: int) -> bool:
    """Whether the label of this line is only called for its effects: no caller reads the variable that it gives."""
    name = lines[_label_line(lines, number)].removesuffix(":")
    led = [index for index, line in enumerate(lines) if re.search(rf"(->|Call ){name}(\s|$)", line)]
    return bool(led) and all(
        _dropped(lines, index) if lines[index].lstrip().startswith("Call ") else _unread(lines, index) for index in led
    )


def _dropped(lines: Sequence[str], number: int) -> bool:
    """Whether this Call's variable is not read in its label before it is set again."""
    out = lines[number].rpartition("->")[2]
    for line in lines[number + 1 :]:
        words = re.sub(_QUOTED, "", line).split()
        if not line.startswith(" ") or words[:2] == ["Set", out]:
            return True
        if words[0] == "If" or out in words:
            return False
        if words[-1] == f"->{out}":
            return True
    return True


def _label_line(lines: Sequence[str], number: int) -> int:
    return max(index for index in range(number) if not lines[index].startswith(" "))


def reachable(lines: Sequence[str]) -> list[str]:
    """The program without the labels that nothing leads to any more."""
    entry = next(line[:-1] for line in lines if not line.startswith(" ") and line.endswith(":"))
    blocks: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if not line.startswith(" ") and line.endswith(":"):
            name = line[:-1]
        blocks.setdefault(name, []).append(line)
    reached: list[str] = []
    due = ["", entry]
    while due:
        name = due.pop()
        if name in blocks and name not in reached:
            reached.append(name)
            due += [word.removeprefix("->") for line in blocks[name] for word in line.split()]
    return [line for name, block in blocks.items() if name in reached for line in block]


def _retargets(
    words: list[str], labels: Sequence[str], put: Callable[..., list[str]]
) -> Iterator[tuple[str, list[str]]]:
    place = next(index for index, word in enumerate(words) if word.removeprefix("->") in labels)
    arrow = "->" if words[place].startswith("->") else ""
    for label in labels[1:]:
        changed = [*words]
        changed[place] = arrow + label
        yield "call target changed", put(*changed)


def _step_changes(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    verb = words[1]
    if verb in _BOUNDS:
        yield "threshold off by one", [words[0], _BOUNDS[verb], *words[2:]]
    if verb in _TESTS:
        yield "condition changed", [words[0], _TESTS[_TESTS.index(verb) - 1], *words[2:]]
    if verb in _OTHER_VERB:
        yield "call target changed", [words[0], _OTHER_VERB[verb], *words[2:]]
    for place in range(2, len(words) - 1):
        word = words[place]
        if _NUMBER.fullmatch(word):
            kind = "threshold off by one" if verb in _BOUNDS else "literal changed"
            for step in (1, -1):
                value = float(word) + step if "." in word else int(word) + step
                yield kind, [*words[:place], str(value), *words[place + 1 :]]
        elif word in ("true", "false"):
            yield "literal changed", [*words[:place], "false" if word == "true" else "true", *words[place + 1 :]]
        elif word.startswith('"'):
            for kind, other in _texts(verb, place, word[1:-1]):
                yield kind, [*words[:place], f'"{other}"', *words[place + 1 :]]


def _texts(verb: str, place: int, text: str) -> Iterator[tuple[str, str]]:
    namespace = verb.split(".")[0]
    if namespace == "sqlite":
        yield from _sql(text)
    elif verb == "core.GET":
        yield "literal changed", f"{text}x"
    elif text.startswith(("{", "[")):
        for match in re.finditer(r'\\"[^"]*(?=\\")', text):
            yield "literal changed", text[: match.end()] + "x" + text[match.end() :]
    elif namespace != "core" and (place == 2 or (namespace == "cache" and place == 3)):
        yield "wrong resource", f"{text}x"
    else:
        yield "literal changed", f"{text}x"


def _sql(text: str) -> Iterator[tuple[str, str]]:
    table = re.search(r"\b(INTO|FROM|UPDATE|JOIN) (\w+)", text)
    if table:
        yield "wrong resource", text[: table.end()] + "x" + text[table.end() :]
    for value in re.finditer(r"'[^']*(?=')", text):
        if not text[: value.start()].count("'") % 2:
            yield "literal changed", text[: value.end()] + "x" + text[value.end() :]
    columns = re.search(r"(INTO \w+ )\((\w+), (\w+)", text)
    if columns:
        yield "literal changed", text.replace(columns[0], f"{columns[1]}({columns[3]}, {columns[2]}", 1)
    bound = re.search(r"(<=|>=|<|>) ?(?=-?\d|\?|')", text)
    if bound:
        other = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[bound[1]]
        yield "threshold off by one", text[: bound.start(1)] + other + text[bound.end(1) :]
    # Of LIMIT 1 a program takes the first row, and so it does of LIMIT 2.
    for number in re.finditer(r"(?<![\w'.])(?<!LIMIT )\d+(?![\w'.])|(?<=LIMIT )(?!1\b)\d+", text):
        kind = "threshold off by one" if re.search(r"[<>]=? ?-?$", text[: number.start()]) else "literal changed"
        yield kind, text[: number.start()] + str(int(number[0]) + 1) + text[number.end() :]
    for old, new in (
        ("SUM(", "MAX("),
        ("MAX(", "MIN("),
        ("MIN(", "SUM("),
        ("AVG(", "MAX("),
        (" DESC", ""),
        (" OR IGNORE", ""),
    ):
        if old in text:
            yield "literal changed", text.replace(old, new, 1)
    order = re.search(r" ORDER BY (\w+)(?! DESC)", text)
    if order and " DESC" not in text:
        yield "literal changed", text[: order.end()] + " DESC" + text[order.end() :]


def _schedules(expression: str) -> Iterator[str]:
    fields = expression.split()
    for position, value in enumerate(fields):
        match = re.search(r"\d+", value)
        if match is None:
            continue
        low = 1 if position in (2, 3) else 0
        found = int(match[0])
        other = max(low, found + 1 if found < 5 else found - 1)
        changed = [*fields]
        changed[position] = value.replace(match[0], str(other), 1)
        yield " ".join(changed)


def without_step(lines: Sequence[str], number: int) -> list[str]:
    """The program without one step; its Retry and Err go too, later node numbers move up, and a value that only this
    step gave is no longer returned."""
    start = max(index for index in range(number) if not lines[index].startswith(" ")) + 1
    end = next((index for index in range(number, len(lines)) if not lines[index].startswith(" ")), len(lines))
    at = number - start + 1
    guard = re.compile(rf"\s+(Retry|Err) @n{at} ")
    gone = [number, *(index for index in range(start, end) if guard.match(lines[index]))]
    kept: list[str] = []
    for index, line in enumerate(lines):
        if index in gone:
            continue
        match = re.match(r"(\s+(?:Retry|Err) @n)(\d+)( .*)", line)
        if match and start <= index < end:
            node = int(match[2]) - sum(other - start + 1 < int(match[2]) for other in gone)
            line = f"{match[1]}{node}{match[3]}"
        kept.append(line)
    out = lines[number].rpartition("->")[2]
    end -= len(gone)
    if _WORD.fullmatch(out) and not any(line.endswith(f"->{out}") for line in kept[start:end]):
        kept[start:end] = ["  J false" if line == f"  J {out}" else line for line in kept[start:end]]
    return kept
