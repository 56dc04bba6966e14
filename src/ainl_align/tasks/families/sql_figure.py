"""A figure or a list of the rows that a filter lets through, returned or sent."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.figures import Figure, RowLines, RowList
from ainl_align.tasks.parts.filters import any_filter
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.triggers import Start, plain


def row_source(ctx: Ctx, shapes: tuple[str, ...]) -> Source:
    """A figure, a list in some order, the first few of one, or CSV lines."""
    shape, rows = ctx.pick(shapes), any_filter(ctx)
    if shape == "lines":
        return RowLines(ctx, rows)
    if shape == "list":
        limit = ctx.rng.randint(2, 4) if ctx.rng.random() < 0.5 else None
        return RowList(ctx, rows, ctx.pick(("id", "desc", "asc", "name")), limit)
    return Figure(ctx, shape, rows)


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = row_source(ctx, ("count", "count", "sum", "max", "min", "distinct", "list", "list", "list"))
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("sql_figure", "T1", _recipe)
