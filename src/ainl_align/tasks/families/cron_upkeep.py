"""On a schedule tables, files or caches are kept in order."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore, SetStatus
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpBody, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    if ctx.rng.random() < 0.5:
        steps: list[Step] = [SetStatus(ctx, delete=ctx.rng.random() < 0.5)]
        if ctx.rng.random() < 0.6:
            steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail", "write")))
        return schedule(ctx), Flow(steps)
    source: Source = HttpBody(ctx, "text") if ctx.rng.random() < 0.5 else HttpFields(ctx, ("num",))
    store = CacheStore(ctx, Value(source.gives[0]))
    if ctx.rng.random() < 0.4:
        return schedule(ctx), Flow([source, store], guard=choose.retries(ctx))
    return schedule(ctx), Flow([source, store])


FAMILY = Family("cron_upkeep", "T4", _recipe)
