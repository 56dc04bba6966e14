"""A value comes from a second place when the first one fails."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, FileText, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    first = HttpFields(ctx, (ctx.pick(("num", "text")),))
    kind = first.gives[0].kind
    second: Source
    if kind == "text" and ctx.rng.random() < 0.4:
        second = FileText(ctx)
    else:
        second = CacheEntry(ctx, kind) if ctx.rng.random() < 0.5 else HttpFields(ctx, (kind,))
    handler = Flow([second], ret=Value(second.gives[0]))
    guard = choose.retries(ctx, handler) if ctx.rng.random() < 0.4 else Guard(handler=handler)
    return plain(), Flow([first], ret=Value(first.gives[0]), guard=guard)


FAMILY = Family("backup_source", "T3", _recipe)
