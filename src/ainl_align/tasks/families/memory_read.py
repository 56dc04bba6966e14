"""Something remembered is returned or passed on."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.memory import MemoryCount, MemoryFields
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "two", "count"))
    source: Source = MemoryCount(ctx)
    if shape != "count":
        source = MemoryFields(ctx, ("text", "num") if shape == "two" else (ctx.pick(("num", "text")),))
    if shape != "two" and ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("memory_read", "T1", _recipe)
