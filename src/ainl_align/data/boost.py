"""Stage 3: extra supervision aimed at what failed in a report, merged with the distill data.

A failed prompt is never trained on: its family is asked for new tasks, those first that hold what went wrong, with
drafts that go wrong in the same way.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field

from ainl_align.artifacts import check_writable, content_hash, read_json
from ainl_align.config import ROOT
from ainl_align.data.card import DatasetSummary, write_dataset
from ainl_align.data.crew import crew_for
from ainl_align.data.failures import PRACTICE, kinds_of
from ainl_align.data.leakage import HeldOut, Pair, held_out, overlap, require_clean, violations
from ainl_align.data.records import Row, prompt_of, read_rows
from ainl_align.data.sampling import (
    SPLITS,
    MixSettings,
    derive_seed,
    gather,
    orders_for,
    pair_of,
    planned,
    shares_of,
    split_rows,
)
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.families import FAMILIES

NAME = "distill_boost"


class Settings(MixSettings):
    """Options of scripts/build_failure_boost_dataset.py."""

    eval_report: Path = Field(description="eval report whose failures are boosted")
    samples_per_failed_id: int = Field(48, ge=1, description="new rows for each failed prompt id")
    input_train: Path = Field(ROOT / "corpus/train_chatml_distill_train.jsonl", description="distill rows to train on")
    input_val: Path = Field(ROOT / "corpus/train_chatml_distill_val.jsonl", description="distill rows for validation")
    input_test: Path = Field(ROOT / "corpus/train_chatml_distill_test.jsonl", description="distill rows for tests")

    @property
    def inputs(self) -> dict[str, Path]:
        """The files to merge with, by split."""
        return {"train": self.input_train, "val": self.input_val, "test": self.input_test}


def run(settings: Settings, progress: Progress) -> DatasetSummary:
    """Write the dataset ``distill_boost``: the distill rows and ``samples_per_failed_id`` new rows a failed id.

    Without a failure the distill rows are written unchanged. UserError for a bad report or input file and for
    failures that belong to no known family; StageError when a family cannot fill its number.
    """
    check_writable(settings.output_dir)
    report = read_json(settings.eval_report, "model_eval_report")
    inputs = {split: read_rows(path, may_be_empty=split != "train") for split, path in settings.inputs.items()}
    others = held_out()
    _refuse_leaks(inputs, settings, others)

    failed = _open_ones(failures(report), settings, progress)
    wanted, unknown = rows_by_family(failed, settings.samples_per_failed_id)
    aims = kinds_by_family(failed)
    if failed and not wanted:
        raise UserError(
            f"{settings.eval_report}: none of the {len(failed)} failed results names a task family (field "
            "'results.family'); evaluate a prompt set that ainl-align generated, such as the dev suite"
        )
    if unknown:
        progress.fallback(f"{len(unknown)} failed prompts belong to no known family and get no rows: {unknown[:5]}")
    progress.say(f"{len(failed)} failed prompts ask for {sum(wanted.values())} new rows of {len(wanted)} families")

    seed = derive_seed(settings.seed, NAME, content_hash(sorted(result["id"] for result in failed)))
    asked = [result["prompt"] for result in report["results"]]
    known = [prompt_of(row) for rows in inputs.values() for row in rows]
    plan = planned(wanted, settings)
    avoid = frozenset(map(normalised, [*asked, *known]))
    orders = orders_for(plan, settings, seed=seed, avoid=avoid, aims=aims)
    with crew_for(sum(order.tasks for order in orders)) as crew:
        rows, dropped = gather(orders, crew, progress)
        figures = require_clean(map(pair_of, rows), {**others, "report": [Pair(prompt) for prompt in asked]}, crew)
    added = split_rows(rows, val_ratio=settings.val_ratio, test_ratio=settings.test_ratio, rng=random.Random(seed))
    splits, repeated = _merge(inputs, added, random.Random(seed))
    summary = write_dataset(
        NAME,
        splits,
        settings=settings,
        leakage=figures,
        dropped={**dropped, **({"repeated_row": repeated} if repeated else {})},
        asked_mix=settings.shares,
        inputs={"eval_report": settings.eval_report, **settings.inputs},
        notes={
            "boost": {
                "failed_ids": [result["id"] for result in failed],
                "failed_by_suite": dict(Counter(str(result.get("suite")) for result in failed)),
                "failed_by_stop": dict(Counter(str(result["lora"].get("failure_family")) for result in failed)),
                "failed_by_kind": dict(Counter(kind for result in failed for kind in kinds_of(result["lora"]))),
                "kinds_by_family": {family: list(kinds) for family, kinds in aims.items()},
                "new_rows_by_family": {family: sum(rows.values()) for family, rows in plan.items()},
                "ids_without_family": unknown,
            }
        },
    )
    progress.say(f"{summary.rows['all']} rows in {summary.files['all']}, {len(rows)} of them new")
    return summary


def failures(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results whose final program failed: its task, or the canonical form where the prompt carries no task."""
    failed = []
    for result in report["results"]:
        metrics = result["lora"]["final"]["metrics"]
        passed = metrics["canonical"] if metrics["task_success"] is None else metrics["task_success"]
        if not passed:
            failed.append(result)
    return failed


def _open_ones(failed: list[dict[str, Any]], settings: Settings, progress: Progress) -> list[dict[str, Any]]:
    """The failures that may steer training: those of the test suite may not, it is the gate's, nor the handwritten."""
    kept = [result for result in failed if result.get("suite") not in ("test", "handwritten")]
    if failed and not kept:
        raise UserError(
            f"{settings.eval_report}: all {len(failed)} failures are of sealed prompts (test, handwritten), which "
            "may not steer training; name a report on dev, such as the sweep's under ADAPTER_OUT/sweep"
        )
    if len(kept) < len(failed):
        progress.fallback(
            f"{len(failed) - len(kept)} failures are of sealed prompts (test suite, handwritten) and steer nothing"
        )
    return kept


def rows_by_family(failed: Sequence[Mapping[str, Any]], samples: int) -> tuple[dict[str, int], list[str]]:
    """New rows by family (``samples`` for each failed result), and the ids that no known family stands for.

    A regression id stands for the families nearest to it, which share its rows.
    """
    wanted: Counter[str] = Counter()
    unknown = []
    for result in failed:
        names = families_of(result)
        if not names:
            unknown.append(str(result["id"]))
            continue
        wanted.update(shares_of(samples, dict.fromkeys(names, 1 / len(names))))
    return {name: wanted[name] for name in FAMILIES if wanted[name]}, unknown


def families_of(result: Mapping[str, Any]) -> list[str]:
    """The family of a result; for a regression id those nearest to it; none for other prompts."""
    family = result.get("family")
    return [family] if isinstance(family, str) and family in FAMILIES else nearest_families().get(result["id"], [])


def kinds_by_family(failed: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The kinds of failures (``failures.PRACTICE``) that each family had."""
    found: dict[str, set[str]] = {}
    for result in failed:
        for name in families_of(result):
            found.setdefault(name, set()).update(kinds_of(result["lora"]))
    return {name: [kind for kind in PRACTICE if kind in found[name]] for name in FAMILIES if name in found}


@cache
def nearest_families() -> dict[str, list[str]]:
    """The tracked table of the families nearest to each regression prompt id."""
    text = files("ainl_align.data").joinpath("nearest_families.json").read_text(encoding="utf-8")
    table: dict[str, list[str]] = json.loads(text)
    return table


def _refuse_leaks(inputs: Mapping[str, Sequence[Row]], settings: Settings, others: HeldOut) -> None:
    for split, rows in inputs.items():
        if found := violations(overlap(map(pair_of, rows), others)):
            raise UserError(f"{settings.inputs[split]}: {'; '.join(found)}; build the distill dataset again")


def _merge(
    inputs: Mapping[str, Sequence[Row]], added: Mapping[str, Sequence[Row]], rng: random.Random
) -> tuple[dict[str, list[Row]], int]:
    """Input and new rows of each split, shuffled, each message once; and the number of repeated rows left out."""
    seen: set[str] = set()
    splits: dict[str, list[Row]] = {}
    repeated = 0
    for split in SPLITS:
        kept = []
        for row in (*inputs[split], *added[split]):
            key = content_hash(row["messages"])
            repeated += key in seen
            if key not in seen:
                kept.append(row)
            seen.add(key)
        splits[split] = rng.sample(kept, len(kept))
    return splits, repeated
