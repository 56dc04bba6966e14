"""A counter in the cache starts at 0, grows, is stored, and does something at a limit."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore
from ainl_align.tasks.parts.base import Ctx, Item, Step
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import BodyFields, CacheEntry
from ainl_align.tasks.parts.transforms import Arithmetic
from ainl_align.tasks.parts.triggers import Start, endpoint, schedule
from ainl_align.tasks.parts.values import Default


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    entry = CacheEntry(ctx, "num")
    start_value = Default(entry.gives[0], 0)
    steps: list[Step] = [entry, start_value]
    posted = ctx.rng.random() < 0.5
    more: Item | int = 1
    method = "GET"
    if posted and ctx.rng.random() < 0.5:
        body = BodyFields(ctx, ("num",))
        steps, more, method = [body, *steps], body.gives[0], "POST"
    grown = Arithmetic(ctx, "add", start_value.gives[0], more)
    result = grown.gives[0]
    steps += [grown, CacheStore(ctx, Value(result), (entry.space, entry.key))]
    question = Bound(ctx, result, ctx.names.number(20, 400), ctx.pick(("GT", "GTE")))
    yes = Flow([choose.sink(ctx, choose.report(ctx, result), ("queue", "mail"))])
    no = Flow()
    if posted:
        yes.ret, no.ret = choose.word(ctx), choose.word(ctx)
    elif ctx.rng.random() < 0.3:
        no.steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
    return endpoint(ctx, method) if posted else schedule(ctx), Flow(steps, check=Check(question, yes, no))


FAMILY = Family("counter_limit", "T5", _recipe)
