"""Stage 2: the distill mix of gold, repair and check-rewrite rows.

The teacher is the task generator: every target is a gold program that the reference compiler and the simulated world
have passed, and every draft is one that they have failed.
"""

import random

from pydantic import Field

from ainl_align.artifacts import check_writable
from ainl_align.data.card import DatasetSummary, write_dataset
from ainl_align.data.crew import crew_for
from ainl_align.data.leakage import held_out, require_clean
from ainl_align.data.sampling import MixSettings, derive_seed, gather, orders_for, pair_of, planned, split_rows
from ainl_align.progress import Progress
from ainl_align.tasks.families import FAMILIES

NAME = "distill"


class Settings(MixSettings):
    """Options of scripts/teacher_distill_dataset.py."""

    samples_per_prompt: int = Field(40, ge=1, description="rows for each prompt id")


def run(settings: Settings, progress: Progress) -> DatasetSummary:
    """Write the dataset ``distill``: ``samples_per_prompt`` rows of every family in the exact mix.

    Each family's rows are made from ``variants_per_prompt`` tasks, or from as many as there are gold rows when that
    is more: a gold row is never repeated. A share ``medley`` of the gold rows is of the family of that name instead.
    UserError and StageError as in stage 1.
    """
    check_writable(settings.output_dir)
    seed = derive_seed(settings.seed, NAME)
    orders = orders_for(planned(dict.fromkeys(FAMILIES, settings.samples_per_prompt), settings), settings, seed=seed)
    with crew_for(sum(order.tasks for order in orders)) as crew:
        rows, dropped = gather(orders, crew, progress)
        figures = require_clean(map(pair_of, rows), held_out(), crew)
    splits = split_rows(rows, val_ratio=settings.val_ratio, test_ratio=settings.test_ratio, rng=random.Random(seed))
    summary = write_dataset(
        NAME, splits, settings=settings, leakage=figures, dropped=dropped, asked_mix=settings.shares
    )
    progress.say(f"{summary.rows['all']} rows in {summary.files['all']}")
    return summary
