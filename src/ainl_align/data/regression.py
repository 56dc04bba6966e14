"""Stage 1: paired supervision, one request and its canonical program a row."""

import random

from ainl_align.artifacts import check_writable
from ainl_align.data.card import DatasetSummary, write_dataset
from ainl_align.data.crew import crew_for
from ainl_align.data.leakage import held_out, require_clean
from ainl_align.data.sampling import (
    MEDLEY,
    DatasetSettings,
    Order,
    derive_seed,
    gather,
    medley_orders,
    pair_of,
    split_rows,
    with_medley,
)
from ainl_align.progress import Progress
from ainl_align.tasks.families import FAMILIES

NAME = "regression_supervised"


class Settings(DatasetSettings):
    """Options of scripts/build_regression_supervision.py."""


def run(settings: Settings, progress: Progress) -> DatasetSummary:
    """Write the dataset ``regression_supervised``: ``variants_per_prompt`` rows of every family.

    A share ``medley`` of them is of the family of that name instead. UserError for an output folder that cannot be
    written, StageError when a gate leaves too few tasks.
    """
    check_writable(settings.output_dir)
    seed = derive_seed(settings.seed, NAME)
    each = settings.variants_per_prompt
    plan = with_medley({family: {"regression": each} for family in FAMILIES}, settings.medley)
    orders = [
        Order(family, rows["regression"], rows, seed, settings.min_lines, own_words=settings.own_words)
        for family, rows in plan.items()
        if family != MEDLEY and rows["regression"]
    ]
    orders += medley_orders(plan.get(MEDLEY, {}), settings, seed=seed)
    with crew_for(sum(order.tasks for order in orders)) as crew:
        rows, dropped = gather(orders, crew, progress)
        figures = require_clean(map(pair_of, rows), held_out(), crew)
    rng = random.Random(seed)
    splits = split_rows(rows, val_ratio=settings.val_ratio, test_ratio=settings.test_ratio, rng=rng)
    summary = write_dataset(NAME, splits, settings=settings, leakage=figures, dropped=dropped)
    progress.say(f"{summary.rows['all']} rows in {summary.files['all']}")
    return summary
