"""On a schedule a fetch is retried, a value checked, and several things sent."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, (ctx.pick(("num", "text")),), nested=ctx.rng.random() < 0.3)
    item = source.gives[0]
    yes = Flow([choose.sink(ctx, choose.report(ctx, item))])
    if ctx.rng.random() < 0.4:
        yes.steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail", "write")))
    no = Flow() if ctx.rng.random() < 0.4 else Flow([choose.sink(ctx, choose.report(ctx, item))])
    handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    flow = Flow([source], check=Check(choose.condition(ctx, item), yes, no), guard=choose.retries(ctx, handler))
    return schedule(ctx), flow


FAMILY = Family("watch_with_retry", "T5", _recipe)
