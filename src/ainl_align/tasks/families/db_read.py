"""Something of the db is returned or passed on."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.db import DbAll, DbCount, DbRecord, DbWhole
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "two", "count", "all", "record"))
    source: Source
    if shape in ("field", "two"):
        source = DbRecord(ctx, ("text", "num") if shape == "two" else (ctx.pick(("num", "text")),))
    elif shape == "record":
        source = DbWhole(ctx)
    else:
        source = DbCount(ctx) if shape == "count" else DbAll(ctx)
    if shape in ("all", "record") or (shape != "two" and ctx.rng.random() < 0.5):
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("db_read", "T1", _recipe)
