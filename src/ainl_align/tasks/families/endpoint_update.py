"""A PUT or POST endpoint that changes the row which the body names, sometimes only if there is one."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind, Step
from ainl_align.tasks.parts.changes import ChangeByKey
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.lookups import RowByKey
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind: Kind = ctx.pick(("num", "text"))
    source = BodyFields(ctx, ("text", kind))
    (key_name, column), (key, value) = source.names, source.gives
    start = endpoint(ctx, ctx.pick(("PUT", "PUT", "POST")))
    if ctx.rng.random() < 0.5:
        steps: list[Step] = [source, ChangeByKey(ctx, key, key_name, column, value)]
        if ctx.rng.random() < 0.4:
            steps.append(choose.sink(ctx, choose.report(ctx, key), ("queue", "mail")))
        return start, Flow(steps, ret=choose.word(ctx))
    row = RowByKey(ctx, key, kind, key_name)
    change = ChangeByKey(ctx, key, key_name, row.column, value, row.table)
    check = Check(Present(ctx, row.gives[0]), Flow([change], ret=choose.word(ctx)), choose.say_word(ctx))
    return start, Flow([source, row], check=check)


FAMILY = Family("endpoint_update", "T4", _recipe)
