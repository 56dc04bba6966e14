"""A number is computed in one to three steps before it is compared."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, endpoint, plain
from ainl_align.tasks.parts.values import two_values


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    posted = ctx.rng.random() < 0.3
    number: Kind = "num"
    numbers = (number,) * ctx.pick((2, 2, 3))
    named = not posted and ctx.rng.random() < 0.4
    kinds: tuple[Kind, ...] = ("text", *numbers) if named else numbers
    source: Source = BodyFields(ctx, kinds) if posted else HttpFields(ctx, kinds)
    formula = two_values(ctx, *source.gives[named:])
    question = Bound(ctx, formula.gives[0], ctx.names.number(15, 300))
    if posted:
        yes, no = Flow([choose.sink(ctx, choose.notice(ctx))], ret=choose.word(ctx)), choose.say_word(ctx)
        return endpoint(ctx), Flow([source, formula], check=Check(question, yes, no))
    if named:
        sinks = ("queue", "queue", "mail")
        yes, no = (Flow([choose.sink(ctx, choose.report(ctx, source.gives[0]), sinks)]) for _ in range(2))
        if ctx.rng.random() < 0.6:
            yes.ret, no.ret = choose.word(ctx), choose.word(ctx)
    else:
        yes, no = choose.two_outcomes(ctx, formula.gives[0])
    return plain(), Flow([source, formula], check=Check(question, yes, no))


FAMILY = Family("score_branch", "T2", _recipe)
