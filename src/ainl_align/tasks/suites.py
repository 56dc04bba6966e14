"""Deterministic task sets: training tasks on demand, and the sealed dev and test suites."""

import json
import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ainl_align.artifacts import content_hash
from ainl_align.errors import UserError
from ainl_align.tasks.compose import held_out, normalised
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.task_model import Task

SuiteName = Literal["dev", "test", "regression"]
SUITE_SIZES: dict[str, int] = {"dev": 96, "test": 120}
_SUITE_SEEDS = {"dev": 71_001, "test": 92_003}
_TRIES = 60


def generate(split: str, *, seed: int, per_family: int, families: Sequence[str] | None = None) -> list[Task]:
    """``per_family`` different tasks of every family, in family order; the same arguments give the same tasks.

    Training tasks never have a held-out composition; of dev and test tasks every second one has, where the family
    has any. No two tasks have the same normalised prompt. Raises UserError for an unknown family or split.
    """
    if split not in ("train", "dev", "test"):
        raise UserError(f"split {split!r}: is none of train, dev, test; name one of them")
    wanted = list(FAMILIES) if families is None else list(families)
    unknown = [name for name in wanted if name not in FAMILIES]
    if unknown:
        raise UserError(f"family {unknown[0]!r}: does not exist; known are {', '.join(FAMILIES)}")
    seen: set[str] = set()
    return [task for name in wanted for task in _family_tasks(name, split, seed, per_family, seen)]


def _family_tasks(name: str, split: str, seed: int, count: int, seen: set[str]) -> list[Task]:
    rng = random.Random(f"{split}|{seed}|{name}")
    found: list[Task] = []
    for number in range(count):
        for attempt in range(_TRIES):
            task = FAMILIES[name].sample(rng, split)
            key = normalised(task.prompt)
            fits = not held_out(task.cluster) if split == "train" else held_out(task.cluster) == (number % 2 == 0)
            # A family with no composition on the wanted side gives what it has, but never a held-out one to training.
            if key not in seen and (fits or (split != "train" and attempt >= _TRIES // 2)):
                seen.add(key)
                found.append(task)
                break
    return found


@cache
def _suite(name: str) -> tuple[Task, ...]:
    if name == "regression":
        from ainl_align.tasks.regression import TASKS

        return TASKS
    size, families = SUITE_SIZES[name], list(FAMILIES)
    each, extra = divmod(size, len(families))
    tasks = generate(name, seed=_SUITE_SEEDS[name], per_family=each + 1)
    by_family = {family: [task for task in tasks if task.family == family] for family in families}
    # The families that give one task more are spread over the tiers, by a fixed shuffle.
    order = families[:]
    random.Random(_SUITE_SEEDS[name]).shuffle(order)
    longer = set(order[:extra])
    return tuple(task for family in families for task in by_family[family][: each + (1 if family in longer else 0)])


def suite(name: SuiteName) -> list[Task]:
    """The tasks of a suite; always the same ones."""
    if name not in ("dev", "test", "regression"):
        raise UserError(f"suite {name!r}: is none of dev, test, regression; name one of them")
    return list(_suite(name))


def suite_hash(name: SuiteName) -> str:
    """SHA-256 of everything in a suite: prompts, golds, scenarios."""
    return content_hash([task.model_dump(mode="json") for task in suite(name)])


def locked_hashes() -> dict[str, Any]:
    """The tracked hashes of the suites (``tasks/suites.lock.json``)."""
    text = files("ainl_align.tasks").joinpath("suites.lock.json").read_text(encoding="utf-8")
    hashes: dict[str, Any] = json.loads(text)
    return hashes
