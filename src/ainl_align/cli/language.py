"""check, generate and grammar: a verdict on one program, programs for requests, and the grammar for other tools."""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ainl_align.artifacts import atomic_open, read_text
from ainl_align.cli.options import parse, parser_for
from ainl_align.cli.output import take_json
from ainl_align.errors import ExitCode, UserError
from ainl_align.progress import Progress

_CHECKED = ("nonempty", "runtime_compile", "strict_compile", "strict_ainl", "canonical")


def check(
    file: Annotated[str, typer.Argument(help="AINL program, or - for standard input", metavar="FILE|-")],
    as_json: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
) -> int:
    """Judge one program: exit 0 when it is canonical, 10 when not."""
    from ainl_align.language.semantics import verdict

    source = _standard_input() if file == "-" else read_text(Path(file))
    found = verdict(source)
    metrics = {name: getattr(found, name) for name in _CHECKED}
    if as_json:
        reasons = [{"line": item.line, "code": item.code, "message": item.message} for item in found.reasons]
        print(json.dumps({**metrics, "reasons": reasons}, indent=2, ensure_ascii=False))
    else:
        for name, met in metrics.items():
            print(f"{name:16} {'yes' if met else 'no'}")
        for item in found.reasons:
            print(f"{f'line {item.line}' if item.line is not None else 'program'}: {item.message} [{item.code}]")
    return ExitCode.OK if found.canonical else ExitCode.GATE_FAIL


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"standard input: cannot be read as UTF-8 text ({error}); check what is piped in") from error


def grammar(
    dialect: Annotated[
        Literal["llguidance", "lark"],
        typer.Option(help="llguidance: for engines that use it; lark: for the Python package (earley, dynamic lexer)"),
    ] = "llguidance",
    out: Annotated[Path | None, typer.Option("--out", help="file to write; default: print")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print what was made as JSON")] = False,
) -> int:
    """Export the grammar: the context-free part of what the decoder enforces."""
    from ainl_align.language.export import grammar_text

    text = grammar_text(dialect)
    if out is not None:
        with atomic_open(out) as handle:
            handle.write(text)
    if as_json:
        made = {"grammar": text} if out is None else {"path": str(out)}
        print(json.dumps({"dialect": dialect, **made}, indent=2, ensure_ascii=False))
    else:
        print(text if out is None else f"grammar: {out}\n", end="")
    return ExitCode.OK


def generate(context: typer.Context) -> int:
    """Write programs: for one request in words, or for a file of requests (--prompts IN --out OUT)."""
    module: Any = importlib.import_module("ainl_align.evaluation.generate")
    parser = parser_for(
        module.Settings,
        "ainl-align generate",
        "Write AINL programs for one request in words, or for a file of requests.",
        positional=("request",),
        aliases={"constrained_decoding": "--constrained"},
    )
    as_json, words = take_json(parser, context.args)
    settings = parse(parser, module.Settings, words)
    rows = module.run(settings, Progress())
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif settings.request is not None:
        print(rows[0]["program"].rstrip("\n"))
    else:
        print(f"generate: {len(rows)} programs, {sum(row['canonical'] for row in rows)} canonical; {settings.out}")
    return ExitCode.OK
