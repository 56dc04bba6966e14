"""Two endpoints of one service on one table: one stores what is posted, the other looks it up or deletes it."""

from ainl_align.language.world_model import Trigger
from ainl_align.tasks.compose import Job
from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert
from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.changes import ChangeByKey
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.lookups import QueryField, RowByKey
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> list[Job]:
    body = BodyFields(ctx, ("text", "num"))
    key, amount = body.names
    columns: dict[str, Item | str] = dict(zip(body.names, body.gives, strict=True))
    store = Insert(ctx, columns, frozenset({amount}))
    first = Flow([body, store], ret=choose.word(ctx))
    query = QueryField(ctx, key)
    start = endpoint(ctx)
    same = ctx.rng.random() < 0.5

    def other(method: str) -> Start:
        return (
            Start(Trigger(kind="endpoint", path=start.trigger.path, method=method)) if same else endpoint(ctx, method)
        )

    if ctx.rng.random() < 0.35:
        change = ChangeByKey(ctx, query.gives[0], key, table=store.target)
        return [(start, first), (other("DELETE"), Flow([query, change], ret=choose.word(ctx)))]
    row = RowByKey(ctx, query.gives[0], "num", key, store.target, amount)
    found = row.gives[0]
    second = Flow([query, row], ret=Value(found))
    if ctx.rng.random() < 0.5:
        second = Flow([query, row], check=Check(Present(ctx, found), Flow(ret=Value(found)), choose.say_word(ctx)))
    return [(start, first), (other("GET"), second)]


FAMILY = Family("two_routes", "T5", _recipe)
