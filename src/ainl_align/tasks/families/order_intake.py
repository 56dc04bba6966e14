"""A posted order is held against the stock in a table: enough is taken off and announced, the rest is refused."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.changes import ChangeByKey
from ainl_align.tasks.parts.compound import Compare
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.lookups import RowByKey
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.transforms import Arithmetic
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = BodyFields(ctx, ("text", "num"))
    product, amount = source.gives
    row = RowByKey(ctx, product, "num", source.names[0])
    stock = row.gives[0]
    left = Arithmetic(ctx, "sub", stock, amount)
    change = ChangeByKey(ctx, product, source.names[0], row.column, left.gives[0], row.table)
    taken: list[Step] = [left, change]
    if ctx.rng.random() < 0.7:
        taken.append(choose.sink(ctx, choose.report(ctx, product, amount), ("queue", "mail")))
    yes = Flow(taken, ret=choose.word(ctx))
    no = Flow([choose.sink(ctx, choose.report(ctx, product), ("queue", "mail"))], ret=choose.word(ctx))
    if ctx.rng.random() < 0.5:
        no.steps = []
    inner = Flow(check=Check(Compare(ctx, stock, amount, "GTE"), yes, no))
    if ctx.rng.random() < 0.6:
        inner = Flow(check=Check(Present(ctx, stock), inner, choose.say_word(ctx)))
    inner.steps = [source, row]
    return endpoint(ctx, ctx.pick(("POST", "POST", "PUT"))), inner


FAMILY = Family("order_intake", "T5", _recipe)
