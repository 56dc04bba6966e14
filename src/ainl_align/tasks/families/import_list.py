"""A list of objects, fetched or posted, becomes rows of a table; duplicates are dropped or replaced."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.changes import InsertList, ObjectList
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.triggers import Start, endpoint, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    where = ctx.pick(("field", "field", "top", "body"))
    source = ObjectList(ctx, where, number=ctx.rng.random() < 0.3)
    flow = Flow([source, InsertList(ctx, source, ctx.pick(("ignore", "ignore", "replace", "all")))])
    if where == "body":
        flow.ret = choose.word(ctx)
        return endpoint(ctx), flow
    if ctx.rng.random() < 0.3:
        flow.guard = choose.retries(ctx)
    return (schedule(ctx) if ctx.rng.random() < 0.7 else plain()), flow


FAMILY = Family("import_list", "T4", _recipe)
