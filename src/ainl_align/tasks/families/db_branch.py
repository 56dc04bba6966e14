"""A db record, whether it is there, or the number of records decides between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound, Present
from ainl_align.tasks.parts.db import DbAll, DbCount, DbDelete, DbRecord
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "found", "delete", "count", "all"))
    if shape in ("found", "delete"):
        record = DbRecord(ctx, (ctx.pick(("num", "text")),) if shape == "found" else (), found=True)
        if shape == "found":
            yes = Flow(ret=Value(record.fields[0]))
        else:
            yes = Flow([DbDelete(ctx, record)], ret=choose.word(ctx))
        return plain(), Flow([record], check=Check(Present(ctx, record.gives[0]), yes, choose.say_word(ctx)))
    if shape == "field":
        source = DbRecord(ctx, (ctx.pick(("num", "text", "flag")),))
        yes, no = choose.two_outcomes(ctx, source.gives[0])
        return plain(), Flow([source], check=Check(choose.condition(ctx, source.gives[0]), yes, no))
    listed = DbCount(ctx) if shape == "count" else DbAll(ctx)
    item = listed.gives[0]
    yes, no = choose.two_outcomes(ctx, item)
    question = Bound(ctx, item, ctx.names.number(2, 9)) if shape == "count" else Present(ctx, item)
    return plain(), Flow([listed], check=Check(question, yes, no))


FAMILY = Family("db_branch", "T2", _recipe)
