"""What a family is: a name, a tier, and a recipe that draws a trigger and a flow, or two of each."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ainl_align.tasks.compose import Job, compose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.task_model import Task

Tier = Literal["T1", "T2", "T3", "T4", "T5"]
Recipe = Callable[[Ctx], Job | list[Job]]


@dataclass(frozen=True)
class Family:
    """Unboundedly many tasks of one shape."""

    name: str
    tier: Tier
    recipe: Recipe

    def sample(self, rng: random.Random, split: str) -> Task:
        """One task; the same ``rng`` state and split give the same task."""
        ctx = Ctx(rng, split)
        drawn = self.recipe(ctx)
        return compose(ctx, self.name, self.tier, *(drawn if isinstance(drawn, list) else [drawn]))
