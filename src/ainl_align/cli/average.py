"""average: the mean of several adapters as one."""

import importlib
import json
from typing import Any

import typer

from ainl_align.cli.options import parse, parser_for
from ainl_align.cli.output import take_json
from ainl_align.errors import ExitCode
from ainl_align.progress import Progress


def average(context: typer.Context) -> int:
    """Average adapters that were trained from the same weights (--adapter A --adapter B --output-dir DIR)."""
    module: Any = importlib.import_module("ainl_align.training.average")
    parser = parser_for(
        module.Settings, "ainl-align average", "Average adapters that were trained from the same weights into one."
    )
    as_json, argv = take_json(parser, context.args)
    done = module.run(parse(parser, module.Settings, argv), Progress())
    if as_json:
        print(json.dumps(done, indent=2, ensure_ascii=False))
    else:
        print(f"average: {done['folder']}, the mean of {len(done['adapters'])} adapters at rank {done['lora_rank']}")
    return ExitCode.OK
