"""Fields of one service are computed with and sent to another."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert, Post
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import JsonObject
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.transforms import Arithmetic
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, ("text", "num"))
    name, amount = source.gives
    change = Arithmetic(ctx, ctx.pick(("add", "sub", "mul")), amount, ctx.names.number(2, 60))
    body = JsonObject(**{ctx.names.text_field(): name, ctx.names.number_field(): change.gives[0]})
    steps: list[Step] = [source, change, Post(ctx, body, ctx.pick(("POST", "PUT")))]
    if ctx.rng.random() < 0.4:
        steps.append(Insert(ctx, {ctx.names.text_field(): name}))
    start = plain() if ctx.rng.random() < 0.6 else schedule(ctx)
    return start, Flow(steps, ret=choose.word(ctx) if start.trigger.kind == "plain" else None)


FAMILY = Family("transform_post", "T5", _recipe)
