"""The only door to the reference compiler (``AICodeCompiler`` of ainativelang): verdicts, diagnostics, IR.

Importing this module starts nothing, writes nothing and reads no environment variable. A compile makes a fresh
compiler object, no program changes what is said of another, and no file is read: ``include`` is answered as "not
found", because generated programs are untrusted and must stand alone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

# The reference package is untyped and its top-level names are generic, so it is reached by name and seen as Any.
_REFERENCE: Any = import_module("compiler_v2")
_EFFECTS: Any = import_module("tooling.effect_analysis")

MOST_LINES = 1024
MOST_CHARS = 65_536
"""Longer sources are not compiled: the compiler takes time by the square of the lines (0.3 s for 1,024)."""

ADAPTER_EFFECTS: Mapping[str, str] = MappingProxyType(
    {verb: kind for verb, (_tier, kind) in _EFFECTS.ADAPTER_EFFECT.items()}
)
"""Every strict-allow-listed "ns.VERB" and its effect kind ("http", "compute", "sqlite", ...)."""


@dataclass(frozen=True)
class Diagnostic:
    """One finding: 1-based source line (None when it belongs to no line), a stable code, one sentence."""

    line: int | None
    code: str
    message: str

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


@dataclass(frozen=True)
class Compiled:
    """What the reference compiler said. ``ir`` is None only when it raised (an unterminated string)."""

    ok: bool
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    ir: dict[str, Any] | None


@lru_cache(maxsize=64)
def compile_program(source: str, *, strict: bool) -> Compiled:
    """Compile a program in strict or in default mode; a source that makes the compiler raise is one error more.

    The last programs are remembered, because a verdict is mostly followed by runs of the same program. Nobody may
    change the IR. A source of more than ``MOST_LINES`` lines or ``MOST_CHARS`` characters is not compiled at all: its
    one error says so.
    """
    if len(source) > MOST_CHARS or source.count("\n") > MOST_LINES:
        too_long = Diagnostic(None, "too-long", f"more than {MOST_LINES} lines or {MOST_CHARS} characters; write less")
        return Compiled(False, (too_long,), (), None)
    compiler = _REFERENCE.AICodeCompiler(strict_mode=strict)
    compiler._resolve_include_path = _no_include
    try:
        ir: dict[str, Any] = compiler.compile(source, emit_graph=True)
    except Exception as error:  # whatever the source does to the compiler is a verdict on the source
        return Compiled(False, (_raised(error),), (), None)
    errors = _unique(_explain(str(message), ir) for message in ir["errors"])
    warnings = _unique(_warning(entry, ir) for entry in ir["warnings"])
    return Compiled(not ir["errors"], errors, warnings, ir)


def _no_include(raw_path: str, _parent: str | None) -> tuple[None, str]:
    return None, f"include path not found: {raw_path!r} (a program stands alone: no file is read)"


def _unique(found: Any) -> tuple[Diagnostic, ...]:
    return tuple(dict.fromkeys(found))


def _raised(error: Exception) -> Diagnostic:
    where = re.search(r"\bline (\d+)", str(error))
    line = int(where.group(1)) if where else None
    if isinstance(error, ValueError) and "nterminated" in str(error):
        return Diagnostic(
            line, "unterminated-string", "a string is not closed; end it with the same quote, on this line"
        )
    return Diagnostic(line, "compiler-crash", _short(f"the compiler gives up: {type(error).__name__}: {error}"))


def _short(text: str, limit: int = 120) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


# Message of the compiler -> (code, our sentence). The model reads these in repair prompts, so they are short and
# name the mend; {1}, {2} are the groups. A message that matches nothing is passed on as it is.
_SAYINGS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), code, sentence)
    for pattern, code, sentence in (
        (
            r"node '.*?' reads '(.*?)' which may be undefined",
            "undefined",
            "'{1}' is not set before; set it or quote text",
        ),
        (r"uses unknown adapter\.verb '(.*?)'", "unknown-verb", "no verb '{1}' in strict AINL"),
        (
            r"Targeted label '(.*?)' does not exist",
            "missing-label",
            "label L{1} does not exist; add it or fix the name",
        ),
        (r"Endpoint \S+ \S+: label '(.*?)' does not exist", "missing-label", "label L{1} does not exist; add it"),
        (
            r"Targeted label '(.*?)' must contain exactly one J \(has (\d+)\)",
            "label-ending",
            "label L{1} needs exactly one J at its end (has {2})",
        ),
        (r"Targeted label '(.*?)' must end in J", "label-ending", "label L{1} must end in J"),
        (r"Targeted label '(.*?)' has no legacy\.steps", "empty-label", "label L{1} is empty; end it in J"),
        (
            r"Endpoint (\S+) \S+ label (\S+): must have exactly one J \(has (\d+)\)",
            "endpoint-label",
            "endpoint label L{2} needs one J (has {3}); branch in a label that it Calls",
        ),
        (
            r"E return_var '(.*?)' does not match J var '(.*?)'",
            "endpoint-return",
            "E returns '{1}' but its label ends in J {2}; use one name",
        ),
        (r"E: slot 3 must be ->L<number>, got '(.*?)'", "endpoint-target", "E needs ->L_label third, not '{1}'"),
        (
            r"auto-closed label L(\S+) on top-level op '(.*?)'",
            "stray-line",
            "'{2}' is no step of label L{1}; remove it",
        ),
        (
            r"label-only op '(.*?)' used at top-level",
            "outside-label",
            "{1} belongs inside a label; put a label line first",
        ),
        (r"op '(.*?)' requires at least (\d+) slots, got (\d+)", "arity", "{1} needs at least {2} words, has {3}"),
        (r"unknown module '(.*?)' in '(.*?)'", "unknown-word", "'{2}' is no AINL word"),
        (r"unknown module\.op '(.*?)'", "unknown-word", "'{1}' is no AINL word"),
        (r"duplicate label declaration (\S+): \(previously .* line (\d+)", "duplicate-label", "{1} is on line {2} too"),
        (r"inline JSON/object literals", "inline-json", "no inline JSON; write R core.PARSE '{{...}}' ->value"),
        (r"at_node_id='(.*?)' must reference a prior", "node-reference", "@{1} is no earlier step of this label"),
        (
            r"edge from='.*?' to='.*?' .*port='(err|retry)' invalid|port='(?:err|retry)' invalid",
            "node-reference",
            "Err and Retry must name an R or Call step with @n",
        ),
        (r"graph node '(.*?)' is unreachable", "after-end", "step {1} comes after J or If and never runs"),
        (r"port='next' invalid for op 'J'", "after-end", "nothing may follow J in its label"),
        (
            r"Call to label '(.*?)' has effects \[(.*?)\] not allowed in caller",
            "handler-effects",
            "handler L{1} does {2}, its caller does not; a handler may only do what its caller does",
        ),
        (r"Err @node_id requires handler", "err-handler", "Err needs a handler: Err @n1 ->L_fail"),
        (r"Call optional return binding must be -><var>, got '(.*?)'", "call-result", "Call needs ->var, not '{1}'"),
        (
            r"If then target must be .*got '(.*?)'",
            "if-target",
            "If needs ->L_yes ->L_no after its condition, not '{1}'",
        ),
        (r"include path not found", "include", "include is not allowed; write the whole program"),
    )
)


def _explain(message: str, ir: dict[str, Any]) -> Diagnostic:
    line = _line_of(message, ir)
    for pattern, code, sentence in _SAYINGS:
        match = pattern.search(message)
        if match:
            groups = ("", *(group or "" for group in match.groups()))
            if code == "missing-label" and not _named_as_label(groups[1], ir["cst"]["lines"]):
                sentence = "'{1}' stands where a label belongs; write ->L_name"
            return Diagnostic(line, code, _short(sentence.format(*groups)))
    return Diagnostic(line, "compiler", _short(re.sub(r"^Line \d+: |^Label '.*?': ", "", message)))


def _warning(entry: Any, ir: dict[str, Any]) -> Diagnostic:
    if isinstance(entry, dict):
        code = str(entry.get("code") or "AINL_WARNING").removeprefix("AINL_CANONICAL_").lower().replace("_", "-")
        return Diagnostic(entry.get("lineno"), code, _short(str(entry.get("message") or code)))
    return Diagnostic(_line_of(str(entry), ir), "compiler-warning", _short(str(entry)))


def _line_of(message: str, ir: dict[str, Any]) -> int | None:
    """The line that a message speaks of: named in it, or found through the label, node or endpoint it names."""
    named = re.search(r"^Line (\d+):", message)
    if named:
        return int(named.group(1))
    at_node = re.search(r"^Label '(.*?)': .*?(?:node|graph node|from=)\s*'(n\d+)'", message)
    if at_node:
        steps = ir["labels"].get(at_node.group(1), {}).get("nodes") or ()
        return next((node["data"].get("lineno") for node in steps if node.get("id") == at_node.group(2)), None)
    lines = ir["cst"]["lines"]
    node_reference = re.search(r"^Label '(.*?)': (Err|Retry) at_node_id='(.*?)'", message)
    if node_reference:
        label, op, node = node_reference.groups()
        inside = _label_span(label, lines)
        return _first(inside, lambda line: line["op_value"] == op and f"@{node}" in line["slot_values"])
    handler = re.search(r"^Label '(.*?)': Call to label '(.*?)' has effects", message)
    if handler:
        inside = _label_span(handler.group(1), lines)
        return _first(inside, lambda line: f"->L{handler.group(2)}" in line["slot_values"])
    missing = re.search(r"^Targeted label '(.*?)' does not exist", message)
    if missing:
        name = missing.group(1)
        spellings = {f"->L{name}", f"L{name}"} if _named_as_label(name, lines) else {name, f"->{name}"}
        return _first(lines, lambda line: not spellings.isdisjoint(line["slot_values"]))
    target_label = re.search(r"^Targeted label '(.*?)'", message) or re.search(r"^Label '(.*?)'", message)
    if target_label:
        return _first(lines, lambda line: line["op_value"] == f"L{target_label.group(1)}:")
    endpoint = re.search(r"^Endpoint (\S+) (\S+?):? ", message)
    if endpoint:
        path, method = endpoint.groups()
        return _first(
            lines,
            lambda line: (
                line["op_value"] == "E"
                and [s.upper() for s in line["slot_values"][:2]] == [path.upper(), method.upper()]
            ),
        )
    if message.startswith("E: slot 3"):
        return _first(
            lines,
            lambda line: (
                line["op_value"] == "E"
                and len(line["slot_values"]) > 2
                and not line["slot_values"][2].startswith("->L")
            ),
        )
    return None


def _named_as_label(name: str, lines: Sequence[dict[str, Any]]) -> bool:
    spellings = {f"->L{name}", f"L{name}"}
    return any(not spellings.isdisjoint(line["slot_values"]) for line in lines)


def _first(lines: Sequence[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> int | None:
    return next((int(line["lineno"]) for line in lines if wanted(line)), None)


def _label_span(label: str, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines from a label's declaration to the next label."""
    span: list[dict[str, Any]] = []
    inside = False
    for line in lines:
        word = line["op_value"]
        if word.startswith("L") and word.endswith(":"):
            inside = word == f"L{label}:"
        elif inside:
            span.append(line)
    return span
