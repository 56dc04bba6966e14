"""A GET endpoint that answers with a figure, sometimes depending on it."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, FileText, Source
from ainl_align.tasks.parts.sql import SqlCell, SqlCount
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("count", "cell", "cache", "file"))
    source: Source
    if shape in ("count", "cell"):
        source = SqlCount(ctx) if shape == "count" else SqlCell(ctx, ctx.pick(("sum", "max", "min", "top", "key")))
    else:
        source = CacheEntry(ctx, "num") if shape == "cache" else FileText(ctx)
    item = source.gives[0]
    if item.kind != "num" or ctx.rng.random() < 0.5:
        return endpoint(ctx, "GET"), Flow([source], ret=Value(item))
    question = Bound(ctx, item, ctx.names.number(2, 9))
    return endpoint(ctx, "GET"), Flow([source], check=Check(question, choose.say_word(ctx), choose.say_word(ctx)))


FAMILY = Family("endpoint_lookup", "T4", _recipe)
