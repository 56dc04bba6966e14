"""A read that may fail, with another outcome when it does."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import FileText, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source: Source = FileText(ctx) if ctx.rng.random() < 0.4 else HttpFields(ctx, (ctx.pick(("num", "text")),))
    if ctx.rng.random() < 0.6:
        return plain(), Flow([source], ret=Value(source.gives[0]), guard=Guard(handler=choose.say_word(ctx)))
    handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))], ret=choose.word(ctx))
    action = choose.sink(ctx, choose.report(ctx, *source.gives), ("queue", "mail"))
    return plain(), Flow([source, action], ret=choose.word(ctx), guard=Guard(handler=handler))


FAMILY = Family("fallback_value", "T3", _recipe)
