"""export: base and adapter as one folder of plain weights."""

import importlib
import json
from typing import Any

import typer

from ainl_align.cli.options import parse, parser_for
from ainl_align.cli.output import take_json
from ainl_align.errors import ExitCode
from ainl_align.progress import Progress


def export(context: typer.Context) -> int:
    """Merge an adapter into its base and write one folder of safetensors (--merged DIR)."""
    module: Any = importlib.import_module("ainl_align.evaluation.export")
    parser = parser_for(
        module.Settings, "ainl-align export", "Merge an adapter into its base and write one folder of plain weights."
    )
    as_json, argv = take_json(parser, context.args)
    done = module.run(parse(parser, module.Settings, argv), Progress())
    if as_json:
        print(json.dumps(done, indent=2, ensure_ascii=False))
    else:
        print(
            f"export: {done['adapter']} merged into {done['folder']} ({done['bytes'] / 1e6:.0f} MB); greedy answers to "
            f"{done['checked_prompts']} prompts are the same"
        )
    return ExitCode.OK
