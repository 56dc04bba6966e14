"""The one grammar of the AINL that we emit (facts file, section 0), as llguidance Lark text.

``program_grammar`` is the whole language as far as a context-free grammar can say it. ``statement_grammar`` is its
parametric form: one line, narrowed to what is legal at one place of one program (``Scope``). Both are built from the
same fragments. Formatting is the canonical one and no other, so whatever they accept, ``canonicalize`` leaves as it is.

Choices beyond the facts file: strings are double-quoted; their characters are printable ASCII and the letters, signs
and emoji of common scripts, without blanks, digits and invisible characters from outside ASCII; entities of ``db.*``
and paths of ``api.*`` are quoted, never bare; numbers have no exponent and no needless zeros.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

MAX_NAME: Final = 24
"""Characters of a variable name, and of a label name after ``L_``."""

_NAME = rf"[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}"
_LABEL = f"L_{_NAME}"
_NUMBER = r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?"
# After "=", numbers are compared as text: only those that print as they are written.
_ATOM_NUMBER = r"0|-?[1-9][0-9]{0,14}|-?(0|[1-9][0-9]{0,8})\.(0|[0-9]{0,2}[1-9])"
_PATH = r"\/|(\/[A-Za-z0-9_.~-]{1,32}){1,8}"
_WORD = r"[A-Za-z][A-Za-z0-9_-]{0,31}"
RESERVED_WORDS: Final = ("true", "false", "null")
METHODS: Final = ("G", "P", "U", "D")
"""Letters of an endpoint's method: GET, POST, PUT, DELETE."""
Route = tuple[str, str]
"""Path and method letter of an endpoint."""
WEB_INPUTS: Final = ("body", "query")
"""Frame inputs of an endpoint program, read by ``Set body $body``."""

# Every range is free of blanks, decimal digits, superscript and circled digits (Python's isdigit), and controls.
_WIDE = (
    r"\u00a1-\u00ac\u00ae-\u00b1\u00b4-\u00b8\u00ba-\u02af\u0370-\u052f\u05d0-\u05ea\u0620-\u064a\u0904-\u0939"
    r"\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u245f\u2500-\u2775\u2794-\u2bff"
    r"\u3001-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff"
)
_STRING = rf'"([ !#-\[\]-~{_WIDE}]|\\["\\ntr])*"'
_BLANKS = r"( |\\[ntr])*"
_NUMERIC = _BLANKS + r"[+-]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][+-]?[0-9_]+)?" + _BLANKS

# Operands: t text, n number, s text or number, a anything, v variable, _ the dummy; ? optional, + once or more.
_SIGNATURES: Final = {
    "n n": "core.ADD core.SUB core.MUL core.DIV core.IDIV core.LT core.GT core.LTE core.GTE",
    "n n+": "core.MIN core.MAX",
    "n n n": "core.CLAMP",
    "a a+": "core.CONCAT",
    "s s": "core.SPLIT core.CONTAINS core.STARTSWITH core.ENDSWITH",
    "t v": "core.JOIN db.C db.P db.U api.P api.POST",
    "s": "core.LOWER core.UPPER core.TRIM core.STRIP core.LSTRIP core.RSTRIP core.LEN",
    "s s s": "core.REPLACE",
    "v s": "core.GET",
    "t": "core.PARSE fs.READ fs.LIST fs.DELETE db.F api.G memory.PRUNE",
    "a": "core.STRINGIFY core.ECHO core.ID core.BOOL core.INT core.FLOAT core.STR",
    "_": "core.NOW core.ISO",
    "n": "core.ISO_TS core.SLEEP",
    "t a?": "core.ENV ext.G ext.P ext.OP ext.NEXT ext.ECHO",
    "s n n?": "core.SUBSTR",
    "v n": "core.FILTER_HIGH_SCORE",
    "a a": "core.EQ core.NEQ",
    "v": "core.KEYS core.VALUES",
    "v v+": "core.MERGE",
    "t v? n?": "http.GET http.HEAD http.OPTIONS http.DELETE",
    "t a v? n?": "http.POST http.PUT http.PATCH",
    "t v?": "sqlite.QUERY sqlite.EXECUTE",
    "t s": "cache.GET",
    "t s a n?": "cache.SET",
    "t a": "queue.PUT fs.WRITE",
    "t n": "db.G db.D",
    "t s*": "ext.EXEC ext.RUN",
    "t s s": "memory.GET memory.DELETE",
    "t s s v n?": "memory.PUT memory.APPEND",
    "t s? s?": "memory.LIST",
}
SIGNATURES: Final[dict[str, str]] = {verb: shape for shape, verbs in _SIGNATURES.items() for verb in verbs.split()}
"""Operand shape of every verb that the grammar offers, by "ns.VERB"."""


@dataclass(frozen=True)
class Scope:
    """What one statement may say. Names are sorted tuples, so equal scopes give equal grammar text."""

    readable: tuple[str, ...] = ()
    """Variables defined on every path to here."""
    taken_words: tuple[str, ...] = ()
    """Texts used as literals so far: no new variable may have such a name."""
    variables: tuple[str, ...] = ()
    """Variables (and frame inputs) anywhere in the program: no literal may be spelled so."""
    forbidden_labels: tuple[str, ...] = ()
    """Defined labels that If and Call must not name."""
    forbidden_handlers: tuple[str, ...] = ()
    """Defined labels that Err must not name."""
    retryable: tuple[str, ...] = ()
    """Step numbers that ``Retry @nK`` may name."""
    guardable: tuple[str, ...] = ()
    """Step numbers that ``Err @nK`` may name."""
    verbs: tuple[str, ...] = tuple(sorted(SIGNATURES))
    inputs: tuple[str, ...] = ()
    """Frame inputs that ``Set x $x`` may read here."""
    calls: bool = True
    controls: bool = True
    branches: bool = True
    """Whether Call, Retry and If, and an If as the label's end, are legal here."""
    returns: str | None = None
    """The variable that J must return; None: anything."""
    can_return: bool = True


def program_grammar() -> str:
    """The whole language, context-free part: names, references, definitions and step numbers are not related."""
    scope = Scope(readable=(), retryable=("1",), guardable=("1",))
    terminals = _terminals(scope, any_name=True)
    rules = _step_rules(scope, any_name=True)
    return "\n".join(
        [
            "start: declarations label+",
            f"declarations: {_service_rule()} ",
            'label: LABEL ":\\n" ("  " step "\\n")* "  " ending "\\n"',
            f"step: {' | '.join(rules.steps)}",
            f"ending: {' | '.join(rules.endings)}",
            *rules.helpers,
            *terminals,
            *_declaration_terminals(),
            "",
        ]
    )


def service_grammar() -> str:
    """The first line: what kind of program this is."""
    return 'start: ("S app core noop" | "S core cron" | "S core web " PATH) "\\n"\n' + f"PATH: /{_PATH}/\n"


def schedule_grammar(taken: Sequence[str] = (), first: Sequence[str] = ()) -> str:
    """A ``Cr`` line of a scheduled program, its label none of ``taken``; or one of ``first`` begins, the labels of
    earlier lines."""
    rules = f'start: "Cr " LABEL " " CRON "\\n"{_first_label(first)}\nLABEL: {_excluding(_LABEL, taken)}\n'
    return rules + "\n".join(_declaration_terminals()) + "\n"


def endpoint_grammar(
    taken: Sequence[str] = (), routes: Sequence[Route] = (), result: str | None = None, first: Sequence[str] = ()
) -> str:
    """An ``E`` line of an endpoint program, its label none of ``taken``; or one of ``first`` begins, as for ``Cr``.

    After ``routes``, the (path, method) of earlier lines, it is another route, and answers with the same variable
    ``result``.
    """
    declared = list(dict.fromkeys(path for path, _ in routes))
    left = {path: [method for method in METHODS if (path, method) not in routes] for path in declared}
    places = [f'"{path}" " " /[{"".join(methods)}]/' for path, methods in left.items() if methods]
    places.append(f'PATH " " /[{"".join(METHODS)}]/')
    escaped = [re.escape(path).replace("/", r"\/") for path in declared]
    name = f"/{result}/" if result else _excluding(_NAME, RESERVED_WORDS + WEB_INPUTS)
    return (
        f'start: "E " ({" | ".join(places)}) " ->" LABEL " ->" NEW "\\n"{_first_label(first)}\n'
        f"PATH: {_excluding(_PATH, escaped)}\nLABEL: {_excluding(_LABEL, taken)}\nNEW: {name}\n"
    )


def _first_label(entries: Sequence[str]) -> str:
    return f' | /{"|".join(sorted(entries))}/ ":" {_tail(True)}' if entries else ""


def label_grammar(labels: Iterable[str], *, verbs: bool) -> str:
    """A label line and the indentation after it; no labels: any. ``verbs``: an R step can follow."""
    names = "|".join(sorted(labels)) or _LABEL
    return f'start: LABEL ":" {_tail(verbs)}\nLABEL: /{names}/\n'


def statement_grammar(scope: Scope) -> str:
    """One step with its indentation, and the start of the next line (a token may straddle the line end)."""
    rules = _step_rules(scope, any_name=False)
    lines = [f"({' | '.join(rules.steps)}) {_tail(bool(scope.verbs))}"]
    if rules.endings:
        lines.append(f'({" | ".join(rules.endings)}) "\\n"')
    return "\n".join([f'start: "  " ({" | ".join(lines)})', *rules.helpers, *_terminals(scope, any_name=False), ""])


def _tail(verbs: bool) -> str:
    # A step can always follow: Set always, R where a verb is left. Naming the letters makes the blanks forced text.
    return '"\\n  " /[RS]/' if verbs else '"\\n" /( ( )?)?/'


def _service_rule() -> str:
    return (
        '"S app core noop\\n" | "S core cron\\n" ("Cr " LABEL " " CRON "\\n")+'
        ' | "S core web " PATH "\\n" ("E " PATH " " /[GPUD]/ " ->" LABEL " ->" NEW "\\n")+'
    )


def first_words(scope: Scope) -> tuple[str, ...]:
    """How the lines of ``statement_grammar`` begin: an op, or R and a verb."""
    verbs = _usable(scope.verbs, readable=bool(scope.readable))
    return (*_ops(scope, any_name=False), *(f"R {verb}" for verb in verbs))


def _ops(scope: Scope, *, any_name: bool) -> list[str]:
    readable = any_name or bool(scope.readable)
    legal = {
        "Set": True,
        "Call": scope.calls,
        "Retry": scope.controls and (any_name or bool(scope.retryable)),
        "Err": any_name or bool(scope.guardable),
        "J": scope.can_return,
        "If": scope.branches and scope.controls and readable,
    }
    return [op for op, here in legal.items() if here]


def _usable(verbs: Iterable[str], *, readable: bool) -> list[str]:
    """Verbs that need no variable where none is readable."""
    return [verb for verb in verbs if readable or "v" not in SIGNATURES[verb].replace("v?", "").split()]


@dataclass(frozen=True)
class _Rules:
    steps: list[str]
    endings: list[str]
    helpers: list[str]


def _step_rules(scope: Scope, *, any_name: bool) -> _Rules:
    readable = any_name or bool(scope.readable)
    ops = _ops(scope, any_name=any_name)
    shapes: dict[str, list[str]] = {}
    for verb in _usable(scope.verbs, readable=readable):
        shapes.setdefault(SIGNATURES[verb], []).append(verb)
    helpers, calls = [], []
    for number, (shape, verbs) in enumerate(shapes.items()):
        operands = [_operand(part) for part in shape.split() if readable or part != "v?"]
        calls.append(f"VERB{number} {' '.join(operands)}")
        helpers.append(f"VERB{number}: /R ({'|'.join(verb.replace('.', chr(92) + '.') for verb in verbs)})/")
    value = "SCALAR" if readable else "LITERAL"
    # One lexeme "Set " for both forms: the lexer takes the longest match and never looks back.
    inputs = [f'"{name} ${name}"' for name in (WEB_INPUTS if any_name else scope.inputs)]
    steps = [f'"Set " ({" | ".join([f"NEW ({value} | CONSTANT)", *inputs])})']
    if calls:
        steps.append('call " ->" NEW')
        helpers.insert(0, f"call: {' | '.join(calls)}")
    if "Call" in ops:
        steps.append('"Call " TARGET " ->" NEW')
    if "Retry" in ops:
        steps.append('"Retry @n" RETRYABLE " " COUNT " " WAIT (" fixed" | " exponential")?')
    if "Err" in ops:
        steps.append('"Err @n" GUARDABLE " ->" HANDLER')
    endings = []
    if "J" in ops:
        endings.append('"J" ANSWER' if scope.returns else f'"J" ({"VARIABLE | " * readable}RESULT | TRUTH)')
    if "If" in ops:
        endings.append('"If" VARIABLE ("=" ATOM)? " ->" TARGET " ->" TARGET')
    return _Rules(steps, endings, helpers)


def _operand(part: str) -> str:
    kind = {"t": "TEXT", "n": "NUMERIC", "s": "SCALAR", "a": "(SCALAR | CONSTANT)", "v": "VARIABLE", "_": '" _"'}[
        part[0]
    ]
    return kind + part[1:]


def _terminals(scope: Scope, *, any_name: bool) -> list[str]:
    variables = f"{_excluding(_NAME, RESERVED_WORDS)} | /_error/" if any_name else f"/{'|'.join(scope.readable)}/"
    readable = any_name or bool(scope.readable)
    barred = "|".join((_NUMERIC, "true", "false", "null", r"_[a-z0-9_]+", *scope.variables))
    text = rf'STRING: /{_STRING}/ & ~/"({barred})"/ & ~/"\$.*"/'
    variable = " | NAME" if readable else ""
    atom = _excluding(_WORD, (*RESERVED_WORDS, *scope.variables))
    lines = [
        text,
        f"NUMBER: /{_NUMBER}/",
        'LITERAL: " " (NUMBER | STRING)',
        f'TEXT: " " (STRING{variable})',
        f'NUMERIC: " " (NUMBER{variable})',
        f'SCALAR: " " (NUMBER | STRING{variable})',
        'CONSTANT: " true" | " false" | " null"',
        'TRUTH: " true" | " false"',
        'RESULT: " " (NUMBER | (STRING & ~/""/))',
        f"NEW: {_excluding(_NAME, (*RESERVED_WORDS, *scope.taken_words))}",
        f"TARGET: {_excluding(_LABEL, scope.forbidden_labels)}",
        f"HANDLER: {_excluding(_LABEL, scope.forbidden_handlers)}",
        "COUNT: /[1-9][0-9]?/",
        "WAIT: /0|[1-9][0-9]{0,5}/",
        f"ATOM: /{_ATOM_NUMBER}/ | {atom} | /true|false/",
    ]
    if readable:
        lines += [f"NAME: {variables}", 'VARIABLE: " " NAME']
    if any_name:
        lines += [f"LABEL: /{_LABEL}/", "RETRYABLE: /[1-9][0-9]?/", "GUARDABLE: /[1-9][0-9]?/"]
    else:
        lines += [f"RETRYABLE: /{'|'.join(scope.retryable) or '0'}/"]
        lines += [f"GUARDABLE: /{'|'.join(scope.guardable) or '0'}/"]
    if scope.returns:
        lines.append(f"ANSWER: / {scope.returns}/")
    return lines


def _excluding(pattern: str, words: Iterable[str]) -> str:
    listed = "|".join(words)
    return f"(/{pattern}/ & ~/{listed}/)" if listed else f"/{pattern}/"


@cache
def _declaration_terminals() -> list[str]:
    fields = " ".join(_cron_field(*bounds) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))
    return [f"PATH: /{_PATH}/", f'CRON: /"{fields}"/']


def _cron_field(low: int, high: int) -> str:
    """One field: ``*``, ``*/n``, or a list of up to twelve values and rising ranges, each range with a step or not."""
    step = rf"(\/({'|'.join(str(n) for n in range(1, high + 1))}))?"
    values = "|".join(str(n) for n in range(low, high + 1))
    ranges = "|".join(f"{a}-({'|'.join(str(b) for b in range(a + 1, high + 1))})" for a in range(low, high))
    item = f"({values}|({ranges}){step})"
    return rf"(\*{step}|{item}(,{item}){{0,11}})"
