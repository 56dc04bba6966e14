"""gate: the verdict on a run, the champion, and the history that they rest on."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import typer
from pydantic import BaseModel

from ainl_align.cli.options import parse, parser_for
from ainl_align.config import ROOT
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate import trends
from ainl_align.gate.history import History, read_history
from ainl_align.locks import locked
from ainl_align.progress import Progress

SUMMARY = "Stage 7: the trend over all reports, and the gate."
_FOLDER = ROOT / "corpus/curated/history"


def gate(context: typer.Context) -> int:
    """The trend over all reports, and the gate; or: gate accept [RUN], gate import FILE..."""
    words = list(context.args)
    if words and words[0] in _MORE:
        return _MORE[words[0]](words[1:])
    return judge(words, "ainl-align gate")


def judge(argv: Sequence[str], prog: str) -> int:
    """Judge as the options say; the last line on standard output is the verdict."""
    parser = parser_for(trends.Settings, prog, SUMMARY)
    parser.epilog = (
        "ainl-align gate accept [RUN] makes a run the champion that later ones are compared with; "
        "ainl-align gate import FILE... adds reports, those in the older format too, to the history."
    )
    # Not argparse's own flag of the settings: it says how to print, and is no part of what is judged.
    parser.add_argument("--json", action="store_true", help="print the trend file's content instead of one line")
    words = [word for word in argv if word != "--json"]
    settings = parse(parser, trends.Settings, words)
    progress = Progress()
    with locked(progress, files=[settings.output_json]):
        content = trends.run(settings, progress)
    if len(words) < len(argv):
        print(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        print(content["summary"]["gate"]["headline"])
    return trends.exit_code(settings, content)


def accept(argv: Sequence[str]) -> int:
    """Pin a recorded run as the champion."""
    parser = _parser("accept", "Make a run the champion: later runs are compared with it as well.")
    parser.add_argument(
        "run", nargs="?", default=None, metavar="RUN", help="run id, or a report's file (default: the last run)"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, where its gate did not pass")
    given = parser.parse_args(list(argv))
    history = read_history(given.history)
    run_id = _named(history, given.run)
    report = history.accept(run_id, given.reason)
    _print(
        given.json,
        f"champion: run {run_id} ({report.n} prompts, {report.adapter_path})",
        {"champion": run_id, "report": str(report.path), "adapter_path": report.adapter_path, "n": report.n},
    )
    return ExitCode.OK


def add(argv: Sequence[str]) -> int:
    """Add reports to the history."""
    parser = _parser("import", "Add evaluation reports to the history, oldest first; the older format is read too.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="evaluation report")
    given = parser.parse_args(list(argv))
    history = read_history(given.history)
    names = [history.record(path) for path in given.files]
    _print(given.json, f"imported into {history.log}: {', '.join(names)}", {"imported": names})
    return ExitCode.OK


def _parser(command: str, text: str) -> argparse.ArgumentParser:
    # An empty model gives the parser whose mistakes are one message.
    parser = parser_for(_NoOptions, f"ainl-align gate {command}", text)
    parser.add_argument("--history", type=Path, default=_FOLDER, metavar="PATH", help="folder of the history")
    parser.add_argument("--json", action="store_true", default=False, help="print JSON instead of one line")
    return parser


def _named(history: History, run: str | None) -> str:
    """The run id that a person means: the last run, an id, or a report's file that is recorded (or can be)."""
    if run is None:
        if not history.runs:
            raise UserError(f"{history.log}: no run is recorded yet; name a report to accept")
        return list(history.runs)[-1]
    if run not in history.runs and Path(run).is_file():
        return history.record(Path(run))
    return run


def _print(as_json: bool, line: str, content: dict[str, object]) -> None:
    print(json.dumps(content, indent=2, ensure_ascii=False) if as_json else line)


class _NoOptions(BaseModel):
    """Settings of a command that has its own few words."""


_MORE = {"accept": accept, "import": add}
