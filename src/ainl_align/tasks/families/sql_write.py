"""One change of a table, sometimes with a word to return."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Action, Insert, SetStatus
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    step: Action
    if ctx.rng.random() < 0.4:
        step = Insert(ctx, {ctx.names.text_field(): ctx.names.value() for _ in range(ctx.rng.randint(1, 2))})
    else:
        step = SetStatus(ctx, delete=ctx.rng.random() < 0.5)
    return plain(), Flow([step], ret=choose.word(ctx) if ctx.rng.random() < 0.6 else None)


FAMILY = Family("sql_write", "T1", _recipe)
