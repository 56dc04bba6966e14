"""The seven stages as commands: one table says which module is which stage."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.cli import gate
from ainl_align.cli.boundary import guarded
from ainl_align.cli.options import parse, parser_for
from ainl_align.cli.output import as_json, one_line, take_json
from ainl_align.errors import ExitCode
from ainl_align.locks import locked
from ainl_align.progress import Progress


@dataclass(frozen=True)
class Stage:
    """A stage: its script, and the module with its ``Settings`` and ``run``."""

    script: str
    module: str
    summary: str


STAGES = {
    "regression": Stage(
        "build_regression_supervision.py",
        "ainl_align.data.regression",
        "Stage 1: paired prompt and program supervision, every target checked by the strict compiler.",
    ),
    "distill": Stage(
        "teacher_distill_dataset.py",
        "ainl_align.data.distill",
        "Stage 2: a mix of gold, repair and check-and-rewrite rows.",
    ),
    "boost": Stage(
        "build_failure_boost_dataset.py",
        "ainl_align.data.boost",
        "Stage 3: extra supervision aimed at what failed in a report, merged with the distill data.",
    ),
    "finetune": Stage(
        "finetune_ainl.py",
        "ainl_align.training.finetune",
        "Stage 4: LoRA training with frequent checkpoints.",
    ),
    "sweep": Stage(
        "sweep_checkpoints.py",
        "ainl_align.sweep.run",
        "Stage 5: evaluate every checkpoint, rank them, promote the best.",
    ),
    "evaluation": Stage(
        "eval_finetuned_model.py",
        "ainl_align.evaluation.run",
        "Stage 6: evaluate one adapter, and the base model beside it.",
    ),
    "trends": Stage(
        "analyze_eval_trends.py",
        "ainl_align.gate.trends",
        gate.SUMMARY,
    ),
}


def run_stage(name: str, argv: Sequence[str], prog: str) -> int:
    """Parse a stage's options, run it, and return its exit code."""
    if name == "trends":
        return gate.judge(argv, prog)
    stage = STAGES[name]
    module: Any = importlib.import_module(stage.module)
    parser = parser_for(module.Settings, prog, stage.summary)
    wants_json, words = take_json(parser, argv)
    settings, progress = parse(parser, module.Settings, words), Progress()
    folders, files = outputs_of(name, settings)
    with locked(progress, folders=folders, files=files):
        result = module.run(settings, progress)
    if os.environ.get("RANK", "0") == "0":  # of several processes the first speaks
        print(as_json(result) if wants_json else one_line(name, settings, result))
    return ExitCode.OK


def outputs_of(name: str, settings: Any) -> tuple[list[Path], list[Path]]:
    """The folders and single files that a stage writes; a second run on any of them stops."""
    if name == "finetune":
        # Of several processes the first has the lock.
        follows = os.environ.get("RANK", "0") != "0"
        return [] if settings.dry_run or follows else [settings.output_dir], []
    if name == "sweep":
        return [settings.adapter_root] if settings.adapter_root.is_dir() else [], [settings.output_json]
    if name == "evaluation":
        return [], [settings.output_json]
    return [settings.output_dir], []


def stage_main(name: str) -> None:
    """Entry point of a stage script: runs the stage with the process's arguments and exits."""
    guarded(run_stage)(name, sys.argv[1:], STAGES[name].script)
