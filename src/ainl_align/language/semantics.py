"""The metric ladder (contract, section 4): how much of a program is real, and why not more."""

from dataclasses import dataclass
from functools import lru_cache

from ainl_align.language.accounting import account
from ainl_align.language.canonical import canonicalize
from ainl_align.language.compiler import Compiled, Diagnostic, compile_program
from ainl_align.language.dataflow import check_flow
from ainl_align.language.forms import RUNNABLE, read_program
from ainl_align.language.outline import Line, has_shape, outline

__all__ = ["RUNNABLE", "Verdict", "verdict"]


@dataclass(frozen=True)
class Verdict:
    """The five metrics that need no run. ``reasons`` says why the first false one is false, by line."""

    nonempty: bool
    runtime_compile: bool
    strict_compile: bool
    strict_ainl: bool
    canonical: bool
    reasons: tuple[Diagnostic, ...]


@lru_cache(maxsize=1024)
def verdict(source: str) -> Verdict:
    """Judge a program as it stands (no formatting is applied first); never raises for a bad one.

    A source with no content is false on every metric, although the compiler accepts it: the ladder starts with
    nonempty. strict_ainl asks, beside both compiles, for AINL shape: at least one S line, a label with a step, and on
    every line of the source itself (not of a rewriting of it) a first word that is one of our ops or a label.
    """
    if not canonicalize(source, max_lines=1).text:
        return Verdict(False, False, False, False, False, (Diagnostic(None, "empty", "the program is empty"),))
    strict = compile_program(source, strict=True)
    # Strict mode only adds errors, so one compile tells both when it finds none (a test holds the two apart).
    default = strict if strict.ok else compile_program(source, strict=False)
    lines = outline(strict.ir) if strict.ir is not None else ()
    shape = _shape_problems(source, strict, lines)
    strict_ainl = default.ok and strict.ok and not shape
    problems: list[Diagnostic] | tuple[Diagnostic, ...] = ()
    if not default.ok:
        problems = default.errors
    elif not strict.ok:
        problems = strict.errors
    elif shape:
        problems = shape
    else:
        problems = _canonical_problems(source, strict, lines)
    return Verdict(True, default.ok, strict.ok, strict_ainl, strict_ainl and not problems, _sorted(problems))


def _shape_problems(source: str, compiled: Compiled, lines: tuple[Line, ...]) -> list[Diagnostic]:
    if compiled.ir is not None and compiled.ir["source"]["text"] != source:
        message = "a first line 'name:' switches to another syntax; start with an S line"
        return [Diagnostic(1, "compact-syntax", message)]
    return [Diagnostic(*problem) for problem in has_shape(lines)]


def _canonical_problems(source: str, compiled: Compiled, lines: tuple[Line, ...]) -> list[Diagnostic]:
    program, problems = read_program(lines)
    told = {problem.line for problem in problems}
    problems += [problem for problem in account(source, compiled, lines) if problem.line not in told]
    # Flow is judged only when every line is what it seems: a dropped step would raise reasons that are not true.
    return problems or check_flow(program)


def _sorted(problems: list[Diagnostic] | tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))
