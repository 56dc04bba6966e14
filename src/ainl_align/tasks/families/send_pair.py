"""Two messages to one queue or address, in order, with or without a value that was read before."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.lookups import InOrder
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind = ctx.pick(("queue", "queue", "mail"))
    ret = choose.word(ctx) if ctx.rng.random() < 0.4 else None
    if ctx.rng.random() < 0.5:
        return plain(), Flow([InOrder(ctx, kind, choose.notice(ctx), choose.notice(ctx))], ret=ret)
    source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    pair = [choose.notice(ctx), choose.report(ctx, *source.gives)]
    ctx.rng.shuffle(pair)
    steps: list[Step] = [source, InOrder(ctx, kind, *pair)]
    return plain(), Flow(steps, ret=ret)


FAMILY = Family("send_pair", "T1", _recipe)
