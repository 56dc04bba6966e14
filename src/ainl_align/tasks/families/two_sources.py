"""Two services give a number each; what comes of both decides, and one handler stands for both calls."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.compound import Compare
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCell
from ainl_align.tasks.parts.triggers import Start, plain, schedule
from ainl_align.tasks.parts.values import two_values


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    one = HttpFields(ctx, ("num",))
    two: Source = HttpFields(ctx, ("num",)) if ctx.rng.random() < 0.6 else SqlCell(ctx, ctx.pick(("sum", "max")))
    left, right = one.gives[0], two.gives[0]
    flow = Flow([one, two])
    result = left
    if ctx.rng.random() < 0.6:
        formula = two_values(ctx, left, right)
        flow.steps.append(formula)
        result = formula.gives[0]
        question: Bound | Compare = Bound(ctx, result, ctx.names.number(15, 300))
    else:
        question = Compare(ctx, left, right)
    yes = Flow([choose.sink(ctx, choose.report(ctx, result), ("queue", "mail", "write"))])
    if ctx.rng.random() < 0.5:
        yes.steps.append(CacheStore(ctx, Value(result)))
    no = Flow() if ctx.rng.random() < 0.4 else Flow([choose.sink(ctx, choose.notice(ctx))])
    flow.check = Check(question, yes, no)
    if ctx.rng.random() < 0.6:
        handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
        flow.guard, flow.through = Guard(handler=handler), 1
    return (schedule(ctx) if ctx.rng.random() < 0.6 else plain()), flow


FAMILY = Family("two_sources", "T5", _recipe)
