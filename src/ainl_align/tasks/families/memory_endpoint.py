"""An endpoint over the memory store: a posted JSON is remembered, or something remembered is answered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound, Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.memory import MemoryFields, MemoryPut, Slot
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.stores import store_sink, time_to_live
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("store", "keyed", "check", "lookup"))
    if shape == "lookup":
        source = MemoryFields(ctx, (ctx.pick(("num", "text")),), found=True)
        yes = Flow(ret=Value(source.fields[0]))
        return endpoint(ctx, "GET"), Flow(
            [source], check=Check(Present(ctx, source.gives[0]), yes, choose.say_word(ctx))
        )
    body = BodyFields(ctx, ("text", "num"))
    name, amount = body.gives
    if shape == "keyed":
        ttl = time_to_live(ctx) if ctx.rng.random() < 0.4 else None
        put = MemoryPut(ctx, JsonObject(**{body.names[1]: amount}), Slot(ctx, name), ttl)
        return endpoint(ctx, ctx.pick(("POST", "PUT"))), Flow([body, put], ret=choose.word(ctx))
    payload = JsonObject(**dict(zip(body.names, body.gives, strict=True)))
    store = store_sink(ctx, payload, ("put", "append"))
    if shape == "store":
        return endpoint(ctx, ctx.pick(("POST", "PUT"))), Flow([body, store], ret=choose.word(ctx))
    yes = Flow([store], ret=choose.word(ctx))
    question = Bound(ctx, amount, ctx.names.number(5, 90))
    return endpoint(ctx), Flow([body], check=Check(question, yes, choose.say_word(ctx)))


FAMILY = Family("memory_endpoint", "T4", _recipe)
