"""A permission is checked before the fetch; without it another path is taken."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Present, TextTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    gate: Source = HttpFields(ctx, ("flag",)) if ctx.rng.random() < 0.5 else CacheEntry(ctx, "text")
    item = gate.gives[0]
    source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    yes = Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))], ret=choose.word(ctx))
    no = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))], ret=choose.word(ctx))
    start = plain() if ctx.rng.random() < 0.6 else schedule(ctx)
    if start.trigger.kind == "cron":
        yes.ret = no.ret = None
    question = Present(ctx, item) if item.kind == "flag" else TextTest(ctx, item, "equals")
    return start, Flow([gate], check=Check(question, yes, no))


FAMILY = Family("gate_first", "T5", _recipe)
