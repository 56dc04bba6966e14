"""Deterministic task sets: training tasks on demand, and the sealed dev and test suites."""

import json
import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ainl_align.artifacts import content_hash
from ainl_align.errors import StageError, UserError
from ainl_align.tasks.compose import held_out, normalised
from ainl_align.tasks.families import FAMILIES, TRAIN_ONLY, Family
from ainl_align.tasks.task_model import Task

SuiteName = Literal["dev", "test", "regression"]
SUITE_SIZES: dict[str, int] = {"dev": 200, "test": 500}
TIERS = ("T1", "T2", "T3", "T4", "T5")
_SUITE_SEEDS = {"dev": 71_001, "test": 93_007}
_TRIES = 60


def generate(split: str, *, seed: int, per_family: int, families: Sequence[str] | None = None) -> list[Task]:
    """``per_family`` different tasks of every family, in family order; the same arguments give the same tasks.

    Those of ``TRAIN_ONLY`` are given when they are named, and for the train split alone.
    Training tasks never have a held-out composition; of dev and test tasks every second one has, where the family
    has any. No two tasks have the same normalised prompt. Raises UserError for an unknown family or split.
    """
    if split not in ("train", "dev", "test"):
        raise UserError(f"split {split!r}: is none of train, dev, test; name one of them")
    wanted = list(FAMILIES) if families is None else list(families)
    known = FAMILIES | TRAIN_ONLY if split == "train" else FAMILIES
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(f"family {unknown[0]!r}: does not exist for {split}; known are {', '.join(known)}")
    seen: set[str] = set()
    return [task for name in wanted for task in _family_tasks(known[name], split, seed, per_family, seen)]


def _family_tasks(family: Family, split: str, seed: int, count: int, seen: set[str]) -> list[Task]:
    rng = random.Random(f"{split}|{seed}|{family.name}")
    found: list[Task] = []
    for number in range(count):
        for attempt in range(_TRIES):
            task = family.sample(rng, split)
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
    families = {tier: [key for key, family in FAMILIES.items() if family.tier == tier] for tier in TIERS}
    used = [tier for tier in TIERS if families[tier]]
    seen: set[str] = set()
    tasks: list[Task] = []
    for tier, size in zip(used, even_shares(SUITE_SIZES[name], len(used)), strict=True):
        tasks += _tier_tasks(families[tier], size, name, seen)
    return tuple(tasks)


def even_shares(whole: int, parts: int) -> list[int]:
    """``whole`` as ``parts`` numbers that differ by one at most, the larger ones first."""
    each, extra = divmod(whole, parts)
    return [each + (number < extra) for number in range(parts)]


def _tier_tasks(families: Sequence[str], size: int, split: str, seen: set[str]) -> list[Task]:
    """``size`` tasks spread evenly over the families, half of them of compositions that training never sees."""
    # Which families give one task more is settled by a fixed shuffle, so that it is not always the first ones.
    order = random.Random(_SUITE_SEEDS[split]).sample(list(families), len(families))
    shares = dict(zip(order, even_shares(size, len(order)), strict=True))
    wells = {name: _Well(name, split, seen) for name in families}
    balance = 0
    for turn in range(max(shares.values())):
        for place, name in enumerate(families):
            if turn < shares[name]:
                lag = balance + wells[name].balance
                unseen = lag < 0 if lag else (turn + place) % 2 == 0
                balance += 1 if wells[name].draw(unseen) else -1
    return [task for well in wells.values() for task in well.tasks]


class _Well:
    """The tasks of one family in one suite, drawn one by one."""

    def __init__(self, family: str, split: str, seen: set[str]) -> None:
        self._family = FAMILIES[family]
        self._split = split
        self._rng = random.Random(f"{split}|{_SUITE_SEEDS[split]}|{family}")
        self._seen = seen
        self._dry: set[bool] = set()
        self.tasks: list[Task] = []
        self.balance = 0
        """Tasks of unseen compositions over those of seen ones."""

    def draw(self, unseen: bool) -> bool:
        """Add a new task, of an unseen composition or of a seen one as asked, or of the other side where the family
        has none; tells which it is."""
        for wanted in (unseen, not unseen):
            if wanted in self._dry:
                continue
            for _ in range(_TRIES):
                task = self._family.sample(self._rng, self._split)
                key = normalised(task.prompt)
                if key not in self._seen and held_out(task.cluster) == wanted:
                    self._seen.add(key)
                    self.tasks.append(task)
                    self.balance += 1 if wanted else -1
                    return wanted
            self._dry.add(wanted)
        raise StageError(f"family {self._family.name} has no further {self._split} task; give it more variety")


def suite(name: SuiteName) -> list[Task]:
    """The tasks of a suite; always the same ones."""
    if name not in ("dev", "test", "regression"):
        raise UserError(f"suite {name!r}: is none of dev, test, regression; name one of them")
    return list(_suite(name))


def suite_hash(name: SuiteName) -> str:
    """SHA-256 of everything that a suite says: prompts, golds, scenarios. A field that a model gains with a default
    changes no hash."""
    return content_hash([task.model_dump(mode="json", exclude_defaults=True) for task in suite(name)])


def locked_hashes() -> dict[str, Any]:
    """The tracked hashes of the suites (``tasks/suites.lock.json``)."""
    text = files("ainl_align.tasks").joinpath("suites.lock.json").read_text(encoding="utf-8")
    hashes: dict[str, Any] = json.loads(text)
    return hashes
