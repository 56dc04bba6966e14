"""A field of a posted JSON decides what happens and what is answered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = BodyFields(ctx, (ctx.pick(("num", "num", "text")),))
    item = source.gives[0]
    yes = Flow([choose.sink(ctx, choose.report(ctx, item))], ret=choose.word(ctx))
    no = Flow([choose.sink(ctx, choose.notice(ctx))] if ctx.rng.random() < 0.3 else [], ret=choose.word(ctx))
    return endpoint(ctx), Flow([source], check=Check(choose.condition(ctx, item), yes, no))


FAMILY = Family("endpoint_branch", "T4", _recipe)
