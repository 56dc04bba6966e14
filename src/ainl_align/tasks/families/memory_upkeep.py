"""On a schedule memory is pruned or gets a new entry, sometimes with a report."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.memory import MemoryCount, MemoryPrune
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.stores import store_sink
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("prune", "log", "log", "count"))
    if shape == "prune":
        prune = MemoryPrune(ctx, counted=ctx.rng.random() < 0.7)
        steps: list[Step] = [prune]
        if prune.gives:
            steps.append(choose.sink(ctx, choose.report(ctx, prune.gives[0]), ("queue", "mail", "write")))
        elif ctx.rng.random() < 0.4:
            steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
        return schedule(ctx), Flow(steps)
    if shape == "log":
        source = HttpFields(ctx, (ctx.pick(("num", "text")),), nested=ctx.rng.random() < 0.3)
        action = store_sink(ctx, choose.report(ctx, source.gives[0]), ("append", "append", "put"))
        return schedule(ctx), Flow([source, action], guard=choose.retries(ctx) if ctx.rng.random() < 0.3 else None)
    listed = MemoryCount(ctx)
    item = listed.gives[0]
    yes = Flow([choose.sink(ctx, choose.report(ctx, item))])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx))])
    return schedule(ctx), Flow([listed], check=Check(Bound(ctx, item, ctx.names.number(2, 9)), yes, no))


FAMILY = Family("memory_upkeep", "T4", _recipe)
