"""A value names what a second service is asked for; both are stored, and some are announced on the way."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.fork import Fork
from ainl_align.tasks.parts.lookups import PLAIN_KEYS, LinkedGet
from ainl_align.tasks.parts.sources import BodyFields, CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, endpoint, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("body", "body", "http", "cache"))
    if shape == "body":
        source: Source = BodyFields(ctx, ("text",))
    else:
        source = HttpFields(ctx, ("text",)) if shape == "http" else CacheEntry(ctx, "text")
    key = source.gives[0]
    source.examples = {key.key: ctx.pick(PLAIN_KEYS)}
    linked = LinkedGet(ctx, key, "num")
    amount = linked.gives[0]
    sinks = ("queue", "mail")
    alarm = Fork(
        Bound(ctx, amount, ctx.names.number(20, 300)), choose.sink(ctx, choose.report(ctx, key, amount), sinks)
    )
    column = ctx.names.number_field()
    store = Insert(ctx, {ctx.names.text_field(): key, column: amount}, frozenset({column}))
    steps: list[Step] = [source, linked, alarm, store]
    if ctx.rng.random() < 0.4:
        steps.append(choose.sink(ctx, choose.notice(ctx), sinks))
    if shape == "body":
        return endpoint(ctx, ctx.pick(("POST", "PUT"))), Flow(steps, ret=choose.word(ctx))
    return (schedule(ctx) if ctx.rng.random() < 0.6 else plain()), Flow(steps)


FAMILY = Family("enrich_store", "T5", _recipe)
