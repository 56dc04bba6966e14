"""On a schedule a list or a figure from a table goes to someone."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.sources import HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCell, SqlCount, SqlNames
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("names", "names", "count", "sum", "max", "top", "two"))
    source: Source
    if shape == "names":
        source = SqlNames(ctx)
    elif shape == "count":
        source = SqlCount(ctx)
    else:
        source = HttpFields(ctx, ("text", "num")) if shape == "two" else SqlCell(ctx, shape)
    action = choose.sink(ctx, choose.report(ctx, *source.gives), ("queue", "mail", "mail", "write", "post"))
    return schedule(ctx), Flow([source, action])


FAMILY = Family("cron_digest", "T4", _recipe)
