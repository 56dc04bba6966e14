"""On a schedule the db is looked at, and something is sent or recorded or not."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound, Condition
from ainl_align.tasks.parts.db import DbCount, DbCreate, DbRecord
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    if ctx.rng.random() < 0.25:
        fetched = HttpFields(ctx, ("num",))
        store = DbCreate(ctx, choose.as_json(ctx, choose.report(ctx, fetched.gives[0])))
        return schedule(ctx), Flow([fetched, store], guard=choose.retries(ctx) if ctx.rng.random() < 0.5 else None)
    source: Source = DbCount(ctx) if ctx.rng.random() < 0.5 else DbRecord(ctx, (ctx.pick(("num", "text")),))
    item = source.gives[0]
    question: Condition = choose.condition(ctx, item)
    if isinstance(source, DbCount):
        question = Bound(ctx, item, ctx.names.number(2, 9))
    yes = Flow([choose.sink(ctx, choose.report(ctx, item))])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx))])
    return schedule(ctx), Flow([source], check=Check(question, yes, no))


FAMILY = Family("db_watch", "T4", _recipe)
