"""A command or an operation that may not be reachable is retried, or has another outcome."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.ext import Operation, RunCommand
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    handler = choose.say_word(ctx)
    if ctx.rng.random() < 0.4:
        handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))], ret=choose.word(ctx))
    shape = ctx.pick(("retry", "handler", "both"))
    guard = Guard(handler=handler) if shape == "handler" else choose.retries(ctx, handler if shape == "both" else None)
    if ctx.rng.random() < 0.4:
        return plain(), Flow([Operation(ctx, choose.notice(ctx))], ret=choose.word(ctx), guard=guard)
    step = RunCommand(ctx, ctx.pick(("output", "output", "code")))
    if ctx.rng.random() < 0.5:
        return plain(), Flow([step], ret=Value(step.gives[0]), guard=guard)
    action = choose.sink(ctx, Value(step.gives[0]), ("queue", "mail", "cache"))
    return plain(), Flow([step, action], ret=choose.word(ctx), guard=guard)


FAMILY = Family("ext_guard", "T3", _recipe)
