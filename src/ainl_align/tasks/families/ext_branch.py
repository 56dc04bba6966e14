"""The exit code or the output of a command, or a fetched value, decides; one side may call an ext operation."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.conditions import Condition, TextTest
from ainl_align.tasks.parts.ext import Operation, RunCommand, Succeeded
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("code", "code", "output", "operation"))
    question: Condition
    source: Step
    if shape == "operation":
        source = HttpFields(ctx, (ctx.pick(("num", "text")),))
        item = source.gives[0]
        yes = Flow([Operation(ctx, choose.report(ctx, item))])
        no = Flow() if ctx.rng.random() < 0.5 else Flow([Operation(ctx, choose.notice(ctx))])
        return plain(), Flow([source], check=Check(choose.condition(ctx, item), yes, no))
    source = RunCommand(ctx, shape)
    item = source.gives[0]
    question = Succeeded(item) if shape == "code" else TextTest(ctx, item, ctx.pick(("contains", "starts")))
    yes, no = choose.two_outcomes(ctx, item)
    if ctx.rng.random() < 0.3:
        yes, no = choose.say_word(ctx), Flow([choose.sink(ctx, choose.notice(ctx))], ret=choose.word(ctx))
    return plain(), Flow([source], check=Check(question, yes, no))


FAMILY = Family("ext_branch", "T2", _recipe)
