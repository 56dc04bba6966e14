"""What commands say on standard output: tables, JSON, and one line that sums up a stage."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 160
_BULKY = ("results",)
_RATES = ("task_success", "canonical", "strict_ainl")


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; wide enough for every cell when the output is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(table)


def take_json(parser: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[bool, list[str]]:
    """List ``--json`` in the parser's help; returns whether it is given, and the words without it."""
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")
    return "--json" in argv, [word for word in argv if word != "--json"]


def as_json(result: Any) -> str:
    """What a stage returned as JSON text, less the outputs of single prompts: its report file holds them."""
    if isinstance(result, BaseModel):
        content: Any = result.model_dump(mode="json")
    elif is_dataclass(result) and not isinstance(result, type):
        content = asdict(result)
    elif isinstance(result, Mapping):
        content = {name: value for name, value in result.items() if name not in _BULKY}
    else:
        content = result
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


def print_json(result: Any) -> None:
    """Print a result as JSON."""
    print(as_json(result))


def one_line(stage: str, settings: Any, result: Any) -> str:
    """What a stage did, in one line."""
    if stage in ("regression", "distill", "boost"):
        return f"{stage}: {result.rows['all']} rows in {result.files['all']}"
    if stage == "finetune":
        if result.adapter is None:
            return f"finetune: dry run, {result.plan.steps} steps planned"
        spent = f"{result.plan.steps} steps on {result.plan.rows} rows in {result.seconds:.0f} s"
        return f"finetune: {spent}, {result.adapter}"
    if stage == "sweep":
        best = result["ranked"][0]
        count = len(result["ranked"])
        return f"sweep: {best['adapter_path']} is best of {count}, {_rates(best)}; {settings.output_json}"
    lora = result["summary"]["lora"]
    return f"evaluation: {lora['n']} prompts, {_rates(lora)}; {settings.output_json}"


def _rates(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {row[f'{name}_rate']:.3f}" for name in _RATES if row.get(f"{name}_rate") is not None)
