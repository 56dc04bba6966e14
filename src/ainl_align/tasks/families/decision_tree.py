"""Two levels of questions, with an own outcome for each answer."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.conditions import Bound, Present, TextTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, endpoint, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("plain", "plain", "cron", "endpoint"))
    source: Source = (BodyFields if shape == "endpoint" else HttpFields)(ctx, (ctx.pick(("flag", "text")), "num"))
    first, number = source.gives

    def end(item: Item) -> Flow:
        if shape == "cron":
            return Flow([choose.sink(ctx, choose.report(ctx, item), ("queue", "mail"))])
        found = choose.say_word(ctx)
        if ctx.rng.random() < 0.5:
            found.steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
        return found

    def level(low: int, high: int) -> Flow:
        return Flow(check=Check(Bound(ctx, number, ctx.names.number(low, high)), end(number), end(number)))

    outer = Present(ctx, first) if first.kind == "flag" else TextTest(ctx, first, "equals")
    both = ctx.rng.random() < 0.6
    flow = Flow([source], check=Check(outer, level(5, 90), level(100, 300) if both else end(number)))
    start = {"endpoint": endpoint, "cron": schedule}.get(shape, lambda _: plain())(ctx)
    return start, flow


FAMILY = Family("decision_tree", "T5", _recipe)
