"""Data of the api is returned or passed on, or a fixed object is posted to it."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.api import ApiData, ApiFields, ApiSend
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "two", "data", "send"))
    if shape == "send":
        fields = {ctx.names.text_field(): ctx.names.value() for _ in range(ctx.rng.randint(1, 2))}
        return plain(), Flow([ApiSend(ctx, JsonObject(**fields))], ret=choose.word(ctx))
    source: Source
    if shape == "data":
        source = ApiData(ctx, ctx.pick(("any", "list")))
        return plain(), Flow([source], ret=Value(source.gives[0]))
    kinds: tuple[Kind, ...] = ("text", "num") if shape == "two" else (ctx.pick(("num", "text")),)
    source = ApiFields(ctx, kinds, nested=ctx.rng.random() < 0.3)
    if shape == "field" and ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]))
    return plain(), Flow([source, choose.sink(ctx, choose.report(ctx, *source.gives))])


FAMILY = Family("api_read", "T1", _recipe)
