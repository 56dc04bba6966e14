"""The time of the run."""

from typing import Any

from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Step, unguarded
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import jobs

_TIMES = ("2026-02-03T04:05:06", "2025-12-31T23:59:59", "2026-07-08T18:30:00", "2024-02-29T12:00:01")


class Clock(Step):
    """The time now, as ISO text in UTC."""

    def __init__(self, ctx: Ctx) -> None:
        self.gives = (Item("clock", ctx.phrase(jobs.CLOCK_NOUN), "text"),)
        self.signature = "clock"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["clock"] = block.call_verb("core.ISO", Var("_"), out="now")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(jobs.CLOCK)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"clock": f"{ctx.pick(_TIMES)}Z"}

    def edges(self) -> list[tuple[str, dict[str, Any]]]:
        return [("another time", {"clock": "2027-10-11T12:13:14Z"})]

    def prepare(self, scene: Scene) -> None:
        scene.now = scene.given["clock"].replace("Z", "+00:00")

    def play(self, scene: Scene) -> None:
        scene.values["clock"] = scene.given["clock"]
