"""On a schedule or a request, values go to the api or come from it, sometimes under a condition."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.api import ApiFields, ApiSend
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import BodyFields, HttpFields
from ainl_align.tasks.parts.triggers import Start, endpoint, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("post", "post_check", "answer", "push", "watch"))
    if shape in ("post", "post_check"):
        body = BodyFields(ctx, ("text", "num"))
        send = ApiSend(ctx, JsonObject(**dict(zip(body.names, body.gives, strict=True))))
        if shape == "post":
            return endpoint(ctx, ctx.pick(("POST", "PUT"))), Flow([body, send], ret=choose.word(ctx))
        item = body.gives[ctx.pick((0, 1))]
        yes = Flow([send], ret=choose.word(ctx))
        return endpoint(ctx), Flow([body], check=Check(choose.condition(ctx, item), yes, choose.say_word(ctx)))
    if shape == "push":
        fetched = HttpFields(ctx, ("text", "num"))
        send = ApiSend(ctx, JsonObject(**dict(zip(fetched.names, fetched.gives, strict=True))))
        return schedule(ctx), Flow([fetched, send])
    source = ApiFields(ctx, (ctx.pick(("num", "text")),), nested=ctx.rng.random() < 0.3)
    item = source.gives[0]
    if shape == "answer":
        return endpoint(ctx, "GET"), Flow([source], ret=Value(item))
    yes = Flow([choose.sink(ctx, choose.report(ctx, item))])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx))])
    return schedule(ctx), Flow([source], check=Check(choose.condition(ctx, item), yes, no))


FAMILY = Family("api_relay", "T4", _recipe)
