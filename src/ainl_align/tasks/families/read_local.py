"""A file or a cache entry, returned or handed on."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, FileText, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source: Source = FileText(ctx) if ctx.rng.random() < 0.5 else CacheEntry(ctx, ctx.pick(("num", "text")))
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("read_local", "T1", _recipe)
