"""One program with two schedules: each reads something and sends or stores it."""

from ainl_align.tasks.compose import Job
from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.changes import FilteredChange
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.figures import Figure
from ainl_align.tasks.parts.filters import ByDay, ByStatus
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import schedule


def _flow(ctx: Ctx, shape: str) -> Flow:
    if shape == "clean":
        return Flow([FilteredChange(ctx, ByDay(ctx, ctx.pick(("before", "yesterday"))), delete=True)])
    if shape == "count":
        count = Figure(ctx, "count", ByStatus(ctx))
        return Flow([count, choose.sink(ctx, choose.report(ctx, *count.gives), ("queue", "mail"))])
    source = HttpFields(ctx, ("num",))
    item = source.gives[0]
    if shape == "store":
        return Flow([source, CacheStore(ctx, Value(item))])
    alarm = Flow([choose.sink(ctx, choose.report(ctx, item), ("queue", "mail"))])
    return Flow([source], check=Check(Bound(ctx, item, ctx.names.number(5, 400)), alarm, Flow()))


def _recipe(ctx: Ctx) -> list[Job]:
    shapes = ctx.rng.sample(("clean", "count", "store", "alarm"), 2)
    starts = [schedule(ctx), schedule(ctx)]
    while starts[1].trigger.cron == starts[0].trigger.cron:
        starts[1] = schedule(ctx)
    return [(start, _flow(ctx, shape)) for start, shape in zip(starts, shapes, strict=True)]


FAMILY = Family("two_schedules", "T4", _recipe)
