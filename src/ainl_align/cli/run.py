"""run: the whole cycle."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from ainl_align import config
from ainl_align.cli.options import option_problem, parser_for, with_unset
from ainl_align.config import CycleSettings
from ainl_align.errors import UserError
from ainl_align.progress import Progress

_DESCRIPTION = (
    "Run the whole alignment cycle. Options override the configuration file; after --positional come up to 17 "
    'arguments of scripts/run_alignment_cycle.sh in their order, "" for a default.'
)


def run(context: typer.Context) -> int:
    """Run the whole cycle: build data, train, sweep, evaluate, gate, health, report."""
    from ainl_align import pipeline
    from ainl_align.report.summary import one_line

    as_json = "--json" in context.args

    def tell(health: Mapping[str, Any], page: Path | None) -> None:
        print(json.dumps(health, indent=2, ensure_ascii=False) if as_json else one_line(health, page), flush=True)

    return pipeline.run(cycle_settings([word for word in context.args if word != "--json"]), Progress(), tell)


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
    # Neither is parsed here: --json is taken out and --positional split off first; they are named for the help.
    parser.add_argument("--json", action="store_true", help="print the run health as JSON at the end")
    parser.add_argument("--positional", nargs="*", metavar="ARG", help="the 17 positional arguments")
    return parser
