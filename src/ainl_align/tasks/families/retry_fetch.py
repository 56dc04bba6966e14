"""A fetch that is retried, then used."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    guard = choose.retries(ctx)
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]), guard=guard)
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))], guard=guard)


FAMILY = Family("retry_fetch", "T3", _recipe)
