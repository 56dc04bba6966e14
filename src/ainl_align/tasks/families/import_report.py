"""A fetched list is imported with retries, the table counted, and the count sent or compared with a limit."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.changes import CountRows, InsertList, ObjectList
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Message
from ainl_align.tasks.parts.triggers import Start, plain, schedule

_TAILS = (" rows in all", " rows now", " entries so far", " rows stored", " known by now", " rows after the import")


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = ObjectList(ctx, ctx.pick(("field", "top")), number=ctx.rng.random() < 0.3)
    store = InsertList(ctx, source, ctx.pick(("ignore", "ignore", "replace")))
    count = CountRows(ctx, store.target)
    steps: list[Step] = [source, store, count]
    tail = Message(count.gives[0], ctx.names.one_of(_TAILS))
    steps.append(choose.sink(ctx, tail, ("queue", "mail", "write")))
    if ctx.rng.random() < 0.4:
        steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
    handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    guard = choose.retries(ctx, handler if ctx.rng.random() < 0.7 else None)
    return (schedule(ctx) if ctx.rng.random() < 0.8 else plain()), Flow(steps, guard=guard)


FAMILY = Family("import_report", "T5", _recipe)
