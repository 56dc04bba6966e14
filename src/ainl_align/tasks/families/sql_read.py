"""One query, its value returned or sent."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.sql import SqlCell, SqlCount, SqlNames
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("count", "count", "sum", "max", "min", "top", "key", "names"))
    source: Source
    if shape == "count":
        source = SqlCount(ctx)
    elif shape == "names":
        source = SqlNames(ctx)
    else:
        source = SqlCell(ctx, shape)
    if ctx.rng.random() < 0.6:
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("sql_read", "T1", _recipe)
