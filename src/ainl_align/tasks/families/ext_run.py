"""A command is run and its output or exit code used, or an ext operation is called."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.ext import Operation, RunCommand
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("output", "output", "code", "only", "operation"))
    if shape == "operation":
        return plain(), Flow([Operation(ctx, choose.notice(ctx))], ret=choose.word(ctx))
    if shape == "only":
        return plain(), Flow([RunCommand(ctx)], ret=choose.word(ctx))
    step = RunCommand(ctx, shape)
    if ctx.rng.random() < 0.5:
        return plain(), Flow([step], ret=Value(step.gives[0]))
    payload = Value(step.gives[0]) if shape == "output" else choose.report(ctx, step.gives[0])
    return plain(), Flow([step, choose.sink(ctx, payload, ("queue", "mail", "write", "cache"))])


FAMILY = Family("ext_run", "T1", _recipe)
