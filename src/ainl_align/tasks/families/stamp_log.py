"""The time goes into a message, a file or a table, alone or beside a value."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.clock import Clock
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    clock = Clock(ctx)
    stamp = clock.gives[0]
    ret = choose.word(ctx) if ctx.rng.random() < 0.3 else None
    if ctx.rng.random() < 0.4:
        return plain(), Flow([clock, choose.sink(ctx, choose.report(ctx, stamp))], ret=ret)
    source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    item = source.gives[0]
    steps: list[Step] = [source, clock]
    if ctx.rng.random() < 0.5:
        names = {"num": ctx.names.number_field, "text": ctx.names.text_field}
        column = names[item.kind]()
        numeric = frozenset({column}) if item.kind == "num" else frozenset[str]()
        steps.append(Insert(ctx, {column: item, ctx.names.text_field(): stamp}, numeric))
    else:
        steps.append(choose.sink(ctx, choose.report(ctx, item, stamp)))
    return plain(), Flow(steps, ret=ret)


FAMILY = Family("stamp_log", "T1", _recipe)
