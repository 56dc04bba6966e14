"""Reads lines into a ``Program`` and says of each line that is not in our syntax what it should look like."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ainl_align.language.compiler import ADAPTER_EFFECTS, Diagnostic
from ainl_align.language.cron import cron_moments
from ainl_align.language.outline import LABEL, Line, Word
from ainl_align.language.values import is_variable

_CORE = (
    "ADD SUB MUL DIV IDIV MIN MAX CLAMP CONCAT SPLIT JOIN LOWER UPPER REPLACE CONTAINS STARTSWITH ENDSWITH TRIM STRIP "
    "LSTRIP RSTRIP GET PARSE STRINGIFY NOW ISO ISO_TS ENV SUBSTR SLEEP ECHO ID FILTER_HIGH_SCORE LEN LT GT LTE GTE EQ "
    "NEQ KEYS VALUES MERGE BOOL INT FLOAT STR"
)
_VERBS = {
    "core": _CORE,
    "http": "GET POST PUT PATCH DELETE HEAD OPTIONS",
    "sqlite": "QUERY EXECUTE",
    "fs": "READ LIST WRITE DELETE",
    "cache": "GET SET",
    "queue": "PUT",
    "db": "F G C P U D",
    "api": "G P POST",
    "ext": "G P OP NEXT ECHO EXEC RUN",
    "memory": "PUT GET APPEND LIST DELETE PRUNE",
}
RUNNABLE: frozenset[str] = frozenset(f"{ns}.{verb}" for ns, verbs in _VERBS.items() for verb in verbs.split())
"""The verbs of our subset: allow-listed by strict mode, and executable (26 core verbs compile but always fail)."""

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./{}:~-]*", re.ASCII)
_TYPE = re.compile(r"(?:[ISBFDJ]|A\[[A-Za-z]\w*\]|E\[\w+(?:,\w+)*\])[?!]?", re.ASCII)
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


@dataclass(frozen=True)
class Step:
    """One step line. ``node`` counts from 1 within its label; ``reads`` are R operands, the J or Set value or the If
    condition; ``targets`` are label names; ``at`` the node that Err or Retry names."""

    line: int
    op: str
    node: int
    reads: tuple[Word, ...] = ()
    out: str | None = None
    targets: tuple[str, ...] = ()
    at: int | None = None


@dataclass
class Label:
    name: str
    line: int
    steps: list[Step] = field(default_factory=list)


@dataclass
class Program:
    """What the lines say, in our subset. Entries are (label, line); ``returns`` are the variables that E lines name."""

    mode: str | None = None
    labels: dict[str, Label] = field(default_factory=dict)
    crons: list[tuple[str, int]] = field(default_factory=list)
    endpoints: list[tuple[str, int]] = field(default_factory=list)
    returns: set[str] = field(default_factory=set)


class _FormError(Exception):
    pass


def read_program(lines: tuple[Line, ...]) -> tuple[Program, list[Diagnostic]]:
    """Read every line; lines that are not in our syntax are reported and left out of the program."""
    program = Program()
    problems: list[Diagnostic] = []
    for line in lines:
        try:
            if line.op.quoted:
                raise _FormError(f"the line starts with a quoted text; write {line.op.text[:24]} without quotes")
            if line.is_label:
                _label(line, program)
            elif line.op.text in _STEP_FORMS:
                _step(line, program)
            elif line.op.text in _DECLARATION_FORMS:
                _DECLARATION_FORMS[line.op.text](line, program)
            else:
                raise _FormError(f"{line.op.text[:24]!r} starts no AINL line; remove the line")
        except _FormError as error:
            problems.append(Diagnostic(line.number, "form", str(error)))
    problems += _service_problems(program, lines)
    return program, problems


def _service_problems(program: Program, lines: tuple[Line, ...]) -> list[Diagnostic]:
    first = lines[0]
    if first.op.text != "S":
        return [Diagnostic(first.number, "service-first", "the first line must be S ...; move the S line up")]
    written = {line.op.text for line in lines}
    if program.mode == "cron" and "Cr" not in written:
        return [Diagnostic(first.number, "no-trigger", 'S core cron needs a schedule: Cr L_main "0 8 * * *"')]
    if program.mode == "web" and "E" not in written:
        return [Diagnostic(first.number, "no-trigger", "S core web needs an endpoint: E /path G ->L_main ->result")]
    wrong = {"core": program.crons + program.endpoints, "cron": program.endpoints}.get(program.mode or "", [])
    mend = "Cr needs S core cron and E needs S core web /path as the first line"
    return [Diagnostic(line, "service-mode", mend) for _label_name, line in wrong]


def _service(line: Line, program: Program) -> None:
    words = line.texts
    plain = not any(word.quoted for word in line.words)
    if program.mode is not None:
        raise _FormError("a second S line overwrites the first; keep one")
    if plain and words == ["app", "core", "noop"]:
        program.mode = "core"
    elif plain and words == ["core", "cron"]:
        program.mode = "cron"
    elif plain and len(words) == 3 and words[:2] == ["core", "web"] and _PLAIN_PATH.fullmatch(words[2]):
        program.mode = "web"
    else:
        raise _FormError("write S app core noop, S core cron or S core web /path")


def _type(line: Line, program: Program) -> None:
    names = [word.partition(":")[0] for word in line.texts[1:]]
    good = len(line.words) > 1 and _NAME.fullmatch(line.words[0].text) and not any(word.quoted for word in line.words)
    if not good or len(set(names)) < len(names):
        raise _FormError("write D Name field:type ... with each field once")
    for word in line.texts[1:]:
        name, _colon, kind = word.partition(":")
        if not _NAME.fullmatch(name) or not _TYPE.fullmatch(kind):
            raise _FormError(f"field {word[:24]!r} is not name:type; types are I S B F D J A[T] E[a,b], then ? or !")


def _endpoint(line: Line, program: Program) -> None:
    words = line.texts
    label = _arrow_label(line.words[2]) if len(words) == 4 else None
    out = _arrow_variable(line.words[3]) if len(words) == 4 else None
    if label is None or out is None or not _PLAIN_PATH.fullmatch(words[0]) or words[1] not in ("G", "P", "U", "D"):
        raise _FormError("write E /path METHOD ->L_label ->result, METHOD one of G P U D")
    program.endpoints.append((label, line.number))
    program.returns.add(out)


def _schedule(line: Line, program: Program) -> None:
    if len(line.words) != 2 or not LABEL.fullmatch(line.words[0].text) or line.words[0].quoted:
        raise _FormError('write Cr L_label "m h d mon wd" with the five fields in one quoted text')
    if not line.words[1].quoted:
        raise _FormError('quote the schedule: Cr L_label "0 8 * * *"')
    problem = _cron_problem(line.words[1].text)
    if problem is not None:
        raise _FormError(problem)
    program.crons.append((line.words[0].text, line.number))


def _cron_problem(expression: str) -> str | None:
    fields = expression.split(" ")
    if len(fields) != 5 or "" in fields:
        return f'a schedule is five fields with single blanks, as in "0 8 * * *" (here {len(expression.split())})'
    for place, name in enumerate(("minute", "hour", "day", "month", "weekday")):
        alone = ["*"] * 5
        alone[place] = fields[place]
        if cron_moments(" ".join(alone)) is None:
            return f"the {name} field {fields[place][:24]!r} of the schedule is not valid; use *, */n, a, a-b or a,b"
    return None


def _scrape(line: Line, program: Program) -> None:
    words = line.words
    keys = [word.text.partition("=")[0] for word in words[2:]]
    good = len(words) > 2 and _NAME.fullmatch(words[0].text) and words[1].quoted and len(set(keys)) == len(keys)
    if not good or not all(re.fullmatch(r"\w+=.+", word.text, re.ASCII) for word in words[2:]):
        raise _FormError('write Sc name "https://..." key=selector ... with each key once')
    if not re.match(r"https?://\S+$", words[1].text):
        raise _FormError(f"{words[1].text[:24]!r} is no http address")


def _label(line: Line, program: Program) -> None:
    name = line.op.text[:-1]
    if not LABEL.fullmatch(name):
        raise _FormError(f"{line.op.text[:24]!r} is no label; write L_ and a name in small letters, then a colon")
    if name in program.labels:
        raise _FormError(f"label {name} is there twice; rename one")
    program.labels[name] = Label(name, line.number)
    if line.words:
        raise _FormError(f"a label stands alone on its line; put the steps under {name}:")


def _step(line: Line, program: Program) -> None:
    label = program.labels.get(line.label or "")
    if label is None:
        raise _FormError(f"{line.op.text} belongs inside a label; put a label line first")
    step = Step(line.number, line.op.text, len(label.steps) + 1)
    try:
        step = _STEP_FORMS[line.op.text](line, step)
    finally:
        label.steps.append(step)  # a malformed step still counts: @n goes by position


def _call_step(line: Line, step: Step) -> Step:
    if len(line.words) == 2 and not line.words[0].quoted and LABEL.fullmatch(line.words[0].text):
        out = _arrow_variable(line.words[1])
        if out is not None:
            return replace(step, targets=(line.words[0].text,), out=out)
    raise _FormError("write Call L_label ->variable")


def _adapter_step(line: Line, step: Step) -> Step:
    words = line.words
    verb = words[0].text if words else ""
    if not words or words[0].quoted or verb not in RUNNABLE:
        raise _FormError(_verb_mend(verb))
    out = _arrow_variable(words[-1]) if len(words) > 2 else None
    if out is None:
        raise _FormError(f"write R {verb} operand ... ->variable, the arrow bare and last")
    operands = words[1:-1]
    if any(not word.quoted and word.text.startswith("->") for word in operands):
        raise _FormError("R has one arrow, and it comes last")
    return replace(step, reads=operands, out=out)


def _verb_mend(verb: str) -> str:
    namespace, _dot, name = verb.partition(".")
    if f"{namespace.lower()}.{name.upper()}" in RUNNABLE and verb not in RUNNABLE:
        return f"write {namespace.lower()}.{name.upper()}, not {verb}"
    if namespace == "email":
        return 'no verb sends mail; write R queue.PUT "mailto:who@example.com" text ->sent'
    if verb in ("core.AND", "core.OR", "core.NOT"):
        return f"{verb} does not run; use If steps, and swap the branches for not"
    if verb in ADAPTER_EFFECTS:
        return f"{verb} cannot run here; use core, http, sqlite, fs, cache, queue, db, api, ext or memory"
    return f"R needs a verb such as http.GET, not {verb[:24]!r}"


def _set_step(line: Line, step: Step) -> Step:
    if len(line.words) != 2 or line.words[0].quoted or not is_variable(line.words[0].text):
        raise _FormError("write Set variable value, with one variable or one value")
    return replace(step, reads=(line.words[1],), out=line.words[0].text)


def _if_step(line: Line, step: Step) -> Step:
    targets = [_arrow_label(word) for word in line.words[1:]]
    yes, no = (targets[0], targets[1]) if len(targets) == 2 else (None, None)
    if yes is None or no is None:
        raise _FormError("write If condition ->L_yes ->L_no, with both branches")
    return replace(step, reads=(line.words[0],), targets=(yes, no))


def _return_step(line: Line, step: Step) -> Step:
    if len(line.words) != 1:
        raise _FormError("write J and one variable or one value")
    if line.words[0].text == "":
        raise _FormError("J of an empty text returns nothing; return a value")
    return replace(step, reads=line.words)


def _error_step(line: Line, step: Step) -> Step:
    at = _node(line.words[0], step) if len(line.words) == 2 else None
    handler = _arrow_label(line.words[1]) if len(line.words) == 2 else None
    if at is None or handler is None:
        raise _FormError("write Err @n1 ->L_handler, with the number of an earlier step of this label")
    return replace(step, at=at, targets=(handler,))


def _retry_step(line: Line, step: Step) -> Step:
    texts = line.texts
    at = _node(line.words[0], step) if texts else None
    numbers = len(texts) >= 3 and re.fullmatch(r"[1-9]\d{0,5}", texts[1]) and re.fullmatch(r"0|[1-9]\d{0,8}", texts[2])
    bare = not any(word.quoted for word in line.words)
    if at is None or not numbers or not bare or texts[3:] not in ([], ["fixed"], ["exponential"]):
        raise _FormError("write Retry @n1 COUNT MILLISECONDS, then fixed or exponential (or nothing)")
    return replace(step, at=at)


def _node(word: Word, step: Step) -> int | None:
    match = re.fullmatch(r"@n([1-9]\d{0,3})", word.text, re.ASCII)
    return int(match[1]) if match and not word.quoted and int(match[1]) < step.node else None


def _arrow_label(word: Word) -> str | None:
    name = word.text.removeprefix("->")
    return name if not word.quoted and word.text.startswith("->") and LABEL.fullmatch(name) else None


def _arrow_variable(word: Word) -> str | None:
    name = word.text.removeprefix("->")
    return name if not word.quoted and word.text.startswith("->") and is_variable(name) else None


_STEP_FORMS: dict[str, Callable[[Line, Step], Step]] = {
    "R": _adapter_step,
    "Set": _set_step,
    "If": _if_step,
    "Call": _call_step,
    "J": _return_step,
    "Err": _error_step,
    "Retry": _retry_step,
}
_DECLARATION_FORMS: dict[str, Callable[[Line, Program], None]] = {
    "S": _service,
    "D": _type,
    "E": _endpoint,
    "Cr": _schedule,
    "Sc": _scrape,
}
