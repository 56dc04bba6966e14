"""A fetch that is retried, with another outcome when all attempts fail."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    shape = ctx.rng.random()
    if shape < 0.4:
        return plain(), Flow([source], ret=Value(source.gives[0]), guard=choose.retries(ctx, choose.say_word(ctx)))
    if shape < 0.7:
        action = choose.sink(ctx, choose.report(ctx, *source.gives), ("queue", "mail"))
        handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    else:
        action = choose.sink(ctx, choose.report(ctx, *source.gives))
        handler = Flow([choose.sink(ctx, choose.notice(ctx))], ret=choose.word(ctx) if shape > 0.85 else None)
    return plain(), Flow([source, action], guard=choose.retries(ctx, handler))


FAMILY = Family("retry_fallback", "T3", _recipe)
