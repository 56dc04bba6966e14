"""A number falls into one of three bands, each with its own outcome."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields, HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCell
from ainl_align.tasks.parts.triggers import Start, endpoint, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("http", "sql", "endpoint", "cron"))
    source: Source
    if shape == "endpoint":
        source = BodyFields(ctx, ("num",))
    else:
        source = SqlCell(ctx, ctx.pick(("sum", "max", "min"))) if shape == "sql" else HttpFields(ctx, ("num",))
    item = source.gives[0]
    low = ctx.names.number(10, 60)
    upper = Bound(ctx, item, ctx.names.number(low + 8, low + 90), ctx.pick(("GT", "GTE")))
    lower = Bound(ctx, item, low, upper.operator)

    def end(chance: float) -> Flow:
        steps: list[Step] = [choose.sink(ctx, choose.report(ctx, item))] if ctx.rng.random() < chance else []
        return Flow(steps, ret=None if shape == "cron" else choose.word(ctx))

    flow = Flow(
        [source], check=Check(upper, end(1.0), Flow(check=Check(lower, end(1.0 if shape == "cron" else 0.7), end(0.3))))
    )
    start = {"endpoint": endpoint, "cron": schedule}.get(shape, lambda _: plain())(ctx)
    return start, flow


FAMILY = Family("ladder", "T5", _recipe)
