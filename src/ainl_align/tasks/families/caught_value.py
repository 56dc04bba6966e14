"""A read whose failure becomes a constant with which the task goes on."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Bound, TextTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import FileText, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain
from ainl_align.tasks.parts.values import Caught


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source: Source = FileText(ctx) if ctx.rng.random() < 0.5 else HttpFields(ctx, (ctx.pick(("num", "text")),))
    kind = source.gives[0].kind
    constant: str | int = ctx.pick((0, -1)) if kind == "num" else ctx.names.word()
    step = Caught(source, constant)
    item = step.gives[0]
    shape = ctx.rng.random()
    if shape < 0.2:
        return plain(), Flow([step], ret=Value(item))
    if shape < 0.6:
        return plain(), Flow([step, choose.sink(ctx, choose.report(ctx, item))])
    question: Bound | TextTest = Bound(ctx, item, ctx.names.number(5, 400))
    if isinstance(constant, str):
        question = TextTest(ctx, item, "equals")
        question.word = constant
    yes, no = choose.two_outcomes(ctx, item)
    return plain(), Flow([step], check=Check(question, yes, no))


FAMILY = Family("caught_value", "T3", _recipe)
