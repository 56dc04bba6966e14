"""Two questions joined by and or by or decide between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Item, Kind
from ainl_align.tasks.parts.compound import Both, CleanTest, Either
from ainl_align.tasks.parts.conditions import Bound, ItemTest, TextTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, endpoint, plain


def _question(ctx: Ctx, item: Item) -> ItemTest:
    if item.kind == "num":
        return Bound(ctx, item, ctx.names.number(5, 400))
    return TextTest(ctx, item) if ctx.rng.random() < 0.8 else CleanTest(ctx, item)


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    pairs: tuple[tuple[Kind, Kind], ...] = (("text", "num"), ("num", "num"), ("num", "text"))
    kinds = ctx.pick(pairs)
    posted = ctx.rng.random() < 0.3
    source: Source = BodyFields(ctx, kinds) if posted else HttpFields(ctx, kinds)
    one, two = (_question(ctx, item) for item in source.gives)
    question = (Both if ctx.rng.random() < 0.5 else Either)(one, two)
    if posted:
        yes, no = Flow([choose.sink(ctx, choose.notice(ctx))], ret=choose.word(ctx)), choose.say_word(ctx)
        return endpoint(ctx), Flow([source], check=Check(question, yes, no))
    yes, no = choose.two_outcomes(ctx, source.gives[0])
    return plain(), Flow([source], check=Check(question, yes, no))


FAMILY = Family("two_tests", "T2", _recipe)
