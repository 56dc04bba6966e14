"""Rows by date, number or status deleted or marked, sometimes with a word to return."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.changes import FilteredChange
from ainl_align.tasks.parts.filters import ByDay, ByNumber, ByStatus, ByTwo, RowFilter
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    delete = ctx.rng.random() < 0.6
    rows: RowFilter = ByDay(ctx) if ctx.rng.random() < 0.6 else ByNumber(ctx)
    if delete and ctx.rng.random() < 0.3:
        rows = ByTwo(ByStatus(ctx), rows)
    step = FilteredChange(ctx, rows, delete=delete)
    return plain(), Flow([step], ret=choose.word(ctx) if ctx.rng.random() < 0.5 else None)


FAMILY = Family("sql_change", "T1", _recipe)
