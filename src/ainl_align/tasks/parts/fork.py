"""A branch in the middle of a task, after which it goes on."""

from collections.abc import Mapping
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Guard, Scene, Step, unguarded
from ainl_align.tasks.parts.conditions import Condition
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import values


class Fork(Step):
    """One step that is done only when a condition holds; the steps after it are done anyway."""

    kinds = frozenset({"call"})

    def __init__(self, condition: Condition, step: Step) -> None:
        self.condition, self.step = condition, step
        self.inner = Flow(check=Check(condition, Flow([step]), Flow()))
        self.signature = f"fork_{condition.signature}_{step.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        check = block.child("check")
        block.call(check)
        assert self.inner is not None
        self.inner.emit(check, dict(known))

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(values.FORK, then=self.step.clause(ctx), c=self.condition.clause(ctx))

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.condition.worlds(base)

    def play(self, scene: Scene) -> None:
        assert self.inner is not None
        self.inner.play(scene)
