"""On a schedule the rows in some state are reported, saved and marked, unless there are none."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Post
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.compound import AnyRows
from ainl_align.tasks.parts.figures import MarkRows, RowList
from ainl_align.tasks.parts.filters import ByDay, ByNumber, ByStatus, ByTwo, RowFilter
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    rows: RowFilter = ByStatus(ctx)
    if ctx.rng.random() < 0.4:
        rows = ByTwo(rows, ByDay(ctx) if ctx.rng.random() < 0.5 else ByNumber(ctx))
    source = RowList(ctx, rows, ctx.pick(("id", "id", "name")))
    item = source.gives[0]
    steps: list[Step] = [choose.sink(ctx, choose.report(ctx, item), ("mail", "mail", "queue"))]
    if ctx.rng.random() < 0.5:
        steps.append(choose.sink(ctx, choose.report(ctx, item), ("write", "cache")))
    elif ctx.rng.random() < 0.4:
        steps.append(Post(ctx, choose.as_json(ctx, choose.notice(ctx)), ctx.pick(("POST", "PUT"))))
    steps.append(MarkRows(ctx, source))
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    start = schedule(ctx) if ctx.rng.random() < 0.8 else plain()
    return start, Flow([source], check=Check(AnyRows(item), Flow(steps), no))


FAMILY = Family("report_and_mark", "T5", _recipe)
