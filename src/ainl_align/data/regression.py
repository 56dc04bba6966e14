"""Stage 1: paired supervision, one request and its canonical program a row."""

import random

from ainl_align.artifacts import check_writable
from ainl_align.data.card import DatasetSummary, write_dataset
from ainl_align.data.leakage import Pair, held_out, require_clean
from ainl_align.data.records import make_row, request_messages
from ainl_align.data.sampling import DatasetSettings, collect, derive_seed, split_rows
from ainl_align.progress import Progress
from ainl_align.tasks.families import FAMILIES

NAME = "regression_supervised"


class Settings(DatasetSettings):
    """Options of scripts/build_regression_supervision.py."""


def run(settings: Settings, progress: Progress) -> DatasetSummary:
    """Write the dataset ``regression_supervised``: ``variants_per_prompt`` rows of every family.

    UserError for an output folder that cannot be written, StageError when a gate leaves too few tasks.
    """
    check_writable(settings.output_dir)
    seed = derive_seed(settings.seed, NAME)
    wanted = dict.fromkeys(FAMILIES, settings.variants_per_prompt)
    pool = collect(wanted, seed=seed, min_lines=settings.min_lines, progress=progress)
    tasks = [task for family in pool.tasks.values() for task in family]
    rows = [make_row(task, request_messages(task.prompt), "regression") for task in tasks]
    figures = require_clean((Pair(task.prompt, task.gold) for task in tasks), held_out())
    rng = random.Random(seed)
    splits = split_rows(rows, val_ratio=settings.val_ratio, test_ratio=settings.test_ratio, rng=rng)
    summary = write_dataset(NAME, splits, settings=settings, leakage=figures, dropped=pool.dropped)
    progress.say(f"{summary.rows['all']} rows in {summary.files['all']}")
    return summary
