"""One db record is created, changed or deleted."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.db import DbCreate, DbDelete, DbUpdate
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("create", "create", "id", "update", "delete"))
    word = choose.word(ctx) if ctx.rng.random() < 0.6 else None
    if shape == "delete":
        return plain(), Flow([DbDelete(ctx)], ret=word)
    fields = {ctx.names.text_field(): ctx.names.value() for _ in range(ctx.rng.randint(1, 2))}
    body = JsonObject(**fields)
    if shape == "update":
        return plain(), Flow([DbUpdate(ctx, body)], ret=word)
    step = DbCreate(ctx, body, gives_id=shape == "id")
    return plain(), Flow([step], ret=Value(step.gives[0]) if shape == "id" else word)


FAMILY = Family("db_write", "T1", _recipe)
