"""Data of the api decides between two outcomes, one of which may be a post to the api."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.api import ApiData, ApiFields, ApiSend
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "list", "send"))
    source: Source
    if shape == "list":
        source = ApiData(ctx, "list")
    elif shape == "field":
        source = ApiFields(ctx, (ctx.pick(("num", "text", "flag")),), nested=ctx.rng.random() < 0.3)
    else:
        source = HttpFields(ctx, (ctx.pick(("num", "text")),))
    item = source.gives[0]
    yes, no = choose.two_outcomes(ctx, item)
    if shape == "send":
        yes = Flow([ApiSend(ctx, choose.as_json(ctx, choose.report(ctx, item)))], ret=yes.ret)
    return plain(), Flow([source], check=Check(choose.condition(ctx, item), yes, no))


FAMILY = Family("api_branch", "T2", _recipe)
