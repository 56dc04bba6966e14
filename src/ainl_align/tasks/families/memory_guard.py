"""A call of the memory store is retried, or has another outcome when it fails."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.memory import MemoryFields
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.stores import store_sink
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    handler = choose.say_word(ctx)
    if ctx.rng.random() < 0.4:
        handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))], ret=choose.word(ctx))
    shape = ctx.pick(("retry", "handler", "both"))
    guard = Guard(handler=handler) if shape == "handler" else choose.retries(ctx, handler if shape == "both" else None)
    if ctx.rng.random() < 0.4:
        action = store_sink(ctx, choose.notice(ctx), ("put", "append"))
        return plain(), Flow([action], ret=choose.word(ctx), guard=guard)
    source = MemoryFields(ctx, (ctx.pick(("num", "text")),))
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source], ret=Value(source.gives[0]), guard=guard)
    action = choose.sink(ctx, choose.report(ctx, *source.gives), ("queue", "mail", "cache"))
    return plain(), Flow([source, action], ret=choose.word(ctx), guard=guard)


FAMILY = Family("memory_guard", "T3", _recipe)
