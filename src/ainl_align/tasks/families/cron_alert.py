"""On a schedule a value is checked, and something is sent or not."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCount
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("http", "http", "sql", "cache"))
    source: Source
    if shape == "http":
        source = HttpFields(ctx, (ctx.pick(("num", "text", "flag")),), nested=ctx.rng.random() < 0.3)
    else:
        source = SqlCount(ctx) if shape == "sql" else CacheEntry(ctx, "num")
    item = source.gives[0]
    yes = Flow([choose.sink(ctx, choose.report(ctx, item) if item.kind != "flag" else choose.notice(ctx))])
    if ctx.rng.random() < 0.4:
        yes = Flow([choose.sink(ctx, choose.notice(ctx))])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx))])
    if item.kind == "flag":
        yes, no = no, yes
    if not yes.steps:
        yes, no = Flow([choose.sink(ctx, choose.notice(ctx))]), yes
    question = choose.condition(ctx, item) if shape != "sql" else Bound(ctx, item, ctx.names.number(2, 9))
    return schedule(ctx), Flow([source], check=Check(question, yes, no))


FAMILY = Family("cron_alert", "T4", _recipe)
