"""A fixed text to one or two sinks, or one thing removed."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Delete, RemoveFile
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.rng.random()
    steps: list[Step]
    if shape < 0.2:
        steps = [ctx.pick((Delete, RemoveFile))(ctx)]
    elif shape < 0.7:
        steps = [choose.sink(ctx, choose.notice(ctx))]
    else:
        steps = [choose.sink(ctx, choose.notice(ctx)), choose.sink(ctx, choose.notice(ctx))]
    return plain(), Flow(steps, ret=choose.word(ctx) if ctx.rng.random() < 0.5 else None)


FAMILY = Family("send_text", "T1", _recipe)
