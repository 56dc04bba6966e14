"""On a schedule or a request a command is run, and its exit code or output decides what is sent or answered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Condition, TextTest
from ainl_align.tasks.parts.ext import Operation, RunCommand, Succeeded
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("code", "code", "output", "forward", "answer", "operation"))
    if shape == "operation":
        body = BodyFields(ctx, (ctx.pick(("num", "text")),))
        item = body.gives[0]
        yes = Flow([Operation(ctx, Value(item))], ret=choose.word(ctx))
        return endpoint(ctx), Flow([body], check=Check(choose.condition(ctx, item), yes, choose.say_word(ctx)))
    step = RunCommand(ctx, "code" if shape in ("code", "answer") else "output")
    item = step.gives[0]
    if shape == "answer":
        question: Condition = Succeeded(item)
        return endpoint(ctx, "GET"), Flow([step], check=Check(question, choose.say_word(ctx), choose.say_word(ctx)))
    if shape == "forward":
        return schedule(ctx), Flow([step, choose.sink(ctx, Value(item), ("queue", "mail", "write"))])
    question = Succeeded(item) if shape == "code" else TextTest(ctx, item, "contains")
    told = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    rest = Flow() if ctx.rng.random() < 0.5 else Flow([choose.sink(ctx, choose.notice(ctx))])
    yes, no = (rest, told) if shape == "code" and rest.steps else (told, rest)
    return schedule(ctx), Flow([step], check=Check(question, yes, no))


FAMILY = Family("ext_job", "T4", _recipe)
