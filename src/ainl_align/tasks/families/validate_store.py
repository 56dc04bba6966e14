"""A posted JSON is validated field by field, stored, announced and answered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert
from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.conditions import Bound, Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = BodyFields(ctx, ("text", "num"))
    name, amount = source.gives
    columns: dict[str, Item | str] = dict(zip(source.names, source.gives, strict=True))
    store = Flow([Insert(ctx, columns, frozenset({source.names[1]}))], ret=choose.word(ctx))
    if ctx.rng.random() < 0.5:
        store.steps.append(choose.sink(ctx, choose.report(ctx, name), ("queue", "mail")))
    refused = choose.say_word(ctx)
    if ctx.rng.random() < 0.3:
        refused.steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
    inner = Flow(check=Check(Bound(ctx, amount, ctx.names.number(5, 90), ctx.pick(("GT", "GTE"))), store, refused))
    return endpoint(ctx), Flow([source], check=Check(Present(ctx, name), inner, choose.say_word(ctx)))


FAMILY = Family("validate_store", "T5", _recipe)
