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
from ainl_align.cycle.stages import FORCE
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

    force, words = forced([word for word in context.args if word != "--json"])
    return pipeline.run(cycle_settings(words), Progress(), tell, force)


def forced(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The stages after ``--force``, and the other words; UserError for one that is no stage."""
    names, rest = [], []
    words = iter(argv)
    for word in words:
        if word == "--positional":
            rest += [word, *words]
        elif word == "--force" or word.startswith("--force="):
            name = word.partition("=")[2] or next(words, "")
            if name not in FORCE:
                raise UserError(f"--force {name}: is no stage; use one of {', '.join(FORCE)}")
            names.append(name)
        else:
            rest.append(word)
    return names, rest


def cycle_settings(argv: Sequence[str], prog: str = "ainl-align run", description: str = _DESCRIPTION) -> CycleSettings:
    """Settings from ``[--config FILE] [--option VALUE ...] [--positional ARG ...]``; later ones win.

    Raises UserError for unknown options and bad values.
    """
    words = list(argv)
    at = words.index("--positional") if "--positional" in words else len(words)
    options, positional = words[:at], words[at + 1 :]
    parser = _parser(prog, description)
    given = vars(parser.parse_args(options))
    path = given.pop("config", None)
    settings = config.load(Path(path)) if path is not None else CycleSettings()
    if given:
        try:
            settings = settings.replaced(with_unset(CycleSettings, given))
        except ValidationError as error:
            raise UserError(option_problem(error)) from error
    return config.from_positional(positional, settings)


def _parser(prog: str, description: str) -> argparse.ArgumentParser:
    parser = parser_for(CycleSettings, prog, description)
    parser.add_argument("--config", metavar="FILE", help="TOML file of settings, for example configs/smoke.toml")
    # None is parsed here: --json and --force are taken out and --positional split off first; this is for the help.
    parser.add_argument(
        "--force", metavar="STAGE", help=f"run a stage although nothing has changed; repeatable: {', '.join(FORCE)}"
    )
    parser.add_argument("--json", action="store_true", help="print the run health as JSON at the end")
    parser.add_argument("--positional", nargs="*", metavar="ARG", help="the 17 positional arguments")
    return parser
