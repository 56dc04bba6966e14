"""A value of a table decides between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.sql import SqlCell, SqlCount
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    if ctx.rng.random() < 0.5:
        source: Source = SqlCount(ctx)
        question = Bound(ctx, source.gives[0], ctx.names.number(2, 9))
    else:
        source = SqlCell(ctx, ctx.pick(("sum", "max", "min", "key")))
        question = Bound(ctx, source.gives[0], ctx.names.number(10, 400))
    yes, no = choose.two_outcomes(ctx, source.gives[0])
    return plain(), Flow([source], check=Check(question, yes, no))


FAMILY = Family("sql_branch", "T2", _recipe)
