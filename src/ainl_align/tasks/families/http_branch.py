"""A field of a reply decides between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, (ctx.pick(("num", "num", "text", "flag")),), nested=ctx.rng.random() < 0.3)
    yes, no = choose.two_outcomes(ctx, source.gives[0])
    return plain(), Flow([source], check=Check(choose.condition(ctx, source.gives[0]), yes, no))


FAMILY = Family("http_branch", "T2", _recipe)
