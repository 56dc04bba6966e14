"""run and report: the whole cycle, and what it left behind."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ainl_align import config
from ainl_align.artifacts import read_json
from ainl_align.cli.options import option_problem, parser_for, with_unset
from ainl_align.config import ROOT, CycleSettings
from ainl_align.errors import ExitCode, UserError
from ainl_align.progress import Progress

_DESCRIPTION = (
    "Run the whole alignment cycle. Options override the configuration file; after --positional come up to 17 "
    'arguments of scripts/run_alignment_cycle.sh in their order, "" for a default.'
)


def run(context: typer.Context) -> int:
    """Run the whole cycle: build data, train, sweep, evaluate, gate, health."""
    from ainl_align import pipeline

    return pipeline.run(cycle_settings(context.args), Progress())


def cycle_settings(argv: Sequence[str]) -> CycleSettings:
    """Settings from ``[--config FILE] [--option VALUE ...] [--positional ARG ...]``; later ones win.

    Raises UserError for unknown options and bad values.
    """
    words = list(argv)
    at = words.index("--positional") if "--positional" in words else len(words)
    options, positional = words[:at], words[at + 1 :]
    parser = _parser()
    given = vars(parser.parse_args(options))
    path = given.pop("config", None)
    settings = config.load(Path(path)) if path is not None else CycleSettings()
    if given:
        try:
            settings = settings.replaced(with_unset(CycleSettings, given))
        except ValidationError as error:
            raise UserError(option_problem(error)) from error
    return config.from_positional(positional, settings)


def _parser() -> argparse.ArgumentParser:
    parser = parser_for(CycleSettings, "ainl-align run", _DESCRIPTION)
    parser.add_argument("--config", metavar="FILE", help="TOML file of settings, for example configs/smoke.toml")
    # Never parsed here: everything from this word on is split off first; named for the help.
    parser.add_argument("--positional", nargs="*", metavar="ARG", help="the 17 positional arguments")
    return parser


def report(
    health: Annotated[
        Path, typer.Argument(help="run health to show", show_default="corpus/curated/alignment_run_health.json")
    ] = ROOT / "corpus/curated/alignment_run_health.json",
    as_json: Annotated[bool, typer.Option("--json", help="print the file's content")] = False,
) -> int:
    """Show the outcome of a run: stages, rates, verdict, and where to look next."""
    from ainl_align.report.summary import show

    document = read_json(health, "alignment_run_health")
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        show(document, health, Progress())
    return ExitCode.OK
