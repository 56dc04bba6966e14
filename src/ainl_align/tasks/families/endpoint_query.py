"""A GET or DELETE endpoint with a query parameter: the row it names is returned, or deleted if it exists."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.changes import ChangeByKey
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.lookups import QueryField, RowByKey
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = QueryField(ctx)
    key = source.gives[0]
    delete = ctx.rng.random() < 0.4
    if delete and ctx.rng.random() < 0.5:
        return endpoint(ctx, "DELETE"), Flow([source, ChangeByKey(ctx, key, source.name)], ret=choose.word(ctx))
    kind: Kind = ctx.pick(("num", "text"))
    row = RowByKey(ctx, key, kind, source.name)
    found = Flow(ret=Value(row.gives[0]))
    if delete:
        found = Flow([ChangeByKey(ctx, key, source.name, table=row.table)], ret=choose.word(ctx))
    check = Check(Present(ctx, row.gives[0]), found, choose.say_word(ctx))
    if not delete and ctx.rng.random() < 0.3:
        return endpoint(ctx, "GET"), Flow([source, row], ret=Value(row.gives[0]))
    return endpoint(ctx, "DELETE" if delete else "GET"), Flow([source, row], check=check)


FAMILY = Family("endpoint_query", "T4", _recipe)
