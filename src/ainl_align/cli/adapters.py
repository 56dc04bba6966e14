"""average and export: what becomes of finished adapters."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import typer

from ainl_align.cli.options import parse, parser_for
from ainl_align.cli.output import take_json
from ainl_align.errors import ExitCode
from ainl_align.progress import Progress


def average(context: typer.Context) -> int:
    """Average adapters that were trained from the same weights (--adapter A --adapter B --output-dir DIR)."""
    return _done(
        context,
        "ainl_align.training.average",
        "Average adapters that were trained from the same weights into one.",
        lambda done: f"{done['folder']}, the mean of {len(done['adapters'])} adapters at rank {done['lora_rank']}",
    )


def export(context: typer.Context) -> int:
    """Merge an adapter into its base and write one folder of safetensors (--merged DIR)."""
    return _done(
        context,
        "ainl_align.evaluation.export",
        "Merge an adapter into its base and write one folder of plain weights.",
        lambda done: (
            f"{done['adapter']} merged into {done['folder']} ({done['bytes'] / 1e6:.0f} MB); greedy answers to "
            f"{done['checked_prompts']} prompts are the same"
        ),
    )


def _done(context: typer.Context, where: str, summary: str, line: Callable[[dict[str, Any]], str]) -> int:
    """Run the module ``where``, which is named like its command, and say what it did."""
    module: Any = importlib.import_module(where)
    command = where.rpartition(".")[2]
    parser = parser_for(module.Settings, f"ainl-align {command}", summary)
    as_json, argv = take_json(parser, context.args)
    done = module.run(parse(parser, module.Settings, argv), Progress())
    print(json.dumps(done, indent=2, ensure_ascii=False) if as_json else f"{command}: {line(done)}")
    return ExitCode.OK
