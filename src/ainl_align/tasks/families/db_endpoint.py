"""An endpoint over the db: a posted JSON becomes a record, or a record is looked up."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound, Present
from ainl_align.tasks.parts.db import DbCount, DbCreate, DbRecord
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("store", "store", "check", "lookup", "count"))
    if shape == "lookup":
        record = DbRecord(ctx, (ctx.pick(("num", "text")),), found=True)
        yes = Flow(ret=Value(record.fields[0]))
        return endpoint(ctx, "GET"), Flow(
            [record], check=Check(Present(ctx, record.gives[0]), yes, choose.say_word(ctx))
        )
    if shape == "count":
        source = DbCount(ctx)
        return endpoint(ctx, "GET"), Flow([source], ret=Value(source.gives[0]))
    body = BodyFields(ctx, ("text", "num") if shape == "check" or ctx.rng.random() < 0.6 else ("text",))
    payload = JsonObject(**dict(zip(body.names, body.gives, strict=True)))
    create = DbCreate(ctx, payload, gives_id=ctx.rng.random() < 0.3)
    answer = Value(create.gives[0]) if create.gives else choose.word(ctx)
    if shape == "store":
        return endpoint(ctx, ctx.pick(("POST", "POST", "PUT"))), Flow([body, create], ret=answer)
    question = Bound(ctx, body.gives[1], ctx.names.number(5, 90))
    return endpoint(ctx), Flow([body], check=Check(question, Flow([create], ret=answer), choose.say_word(ctx)))


FAMILY = Family("db_endpoint", "T4", _recipe)
