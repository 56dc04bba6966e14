"""Several calls share one handler: whichever fails, the same thing happens."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Post, WriteFile
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import FileText, HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCount
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source: Source = ctx.pick((FileText, SqlCount))(ctx) if ctx.rng.random() < 0.4 else HttpFields(ctx, ("text",))
    item = source.gives[0]
    steps: list[Step] = [source]
    if ctx.rng.random() < 0.4:
        steps.append(WriteFile(ctx, Value(item)))
    steps.append(Post(ctx, JsonObject(**{ctx.names.text_field(): item}), ctx.pick(("POST", "PUT"))))
    handler = Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))] if ctx.rng.random() < 0.6 else [])
    word = None
    if not handler.steps or ctx.rng.random() < 0.5:
        handler.ret, word = choose.word(ctx), choose.word(ctx)
    return plain(), Flow(steps, ret=word, guard=Guard(handler=handler), through=len(steps) - 1)


FAMILY = Family("shared_handler", "T3", _recipe)
