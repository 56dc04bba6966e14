"""On a schedule the rows of some days go into a file or to someone, sometimes only if there are any."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.compound import AnyRows
from ainl_align.tasks.parts.figures import RowLines, RowList
from ainl_align.tasks.parts.filters import ByDay, ByStatus, ByTwo, RowFilter
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Message, Payload, Value
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.triggers import Start, schedule

_LEADS = ("Yours: ", "Open: ", "Waiting: ", "Please look at: ", "Still here: ", "To do: ", "Left: ", "Found: ")


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    rows: RowFilter = ByDay(ctx)
    if ctx.rng.random() < 0.3:
        rows = ByTwo(ByStatus(ctx), rows)
    lines = ctx.rng.random() < 0.5
    limit = ctx.rng.randint(2, 4) if ctx.rng.random() < 0.5 else None
    order = ctx.pick(("id", "desc", "desc", "asc", "name"))
    source: Source = RowLines(ctx, rows) if lines else RowList(ctx, rows, order, limit)
    item = source.gives[0]
    payload: Payload = Value(item)
    if not lines and ctx.rng.random() < 0.5:
        payload = Message(ctx.names.one_of(_LEADS), item)
    sinks = ("write", "write", "mail", "queue") if lines else ("mail", "mail", "queue", "write")
    action = choose.sink(ctx, payload, sinks)
    if ctx.rng.random() < 0.5:
        return schedule(ctx), Flow([source, action])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    return schedule(ctx), Flow([source], check=Check(AnyRows(item), Flow([action]), no))


FAMILY = Family("daily_rows", "T4", _recipe)
