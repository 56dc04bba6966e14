"""One GET, its field or whole reply handed to one sink."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpBody, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    if ctx.rng.random() < 0.4:
        source: Source = HttpBody(ctx, "text")
        return plain(), Flow([source, choose.sink(ctx, Value(source.gives[0]), ("queue", "mail", "write", "cache"))])
    source = HttpFields(ctx, (ctx.pick(("num", "text")),), nested=ctx.rng.random() < 0.3)
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("fetch_forward", "T1", _recipe)
