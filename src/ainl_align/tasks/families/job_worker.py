"""The oldest waiting row is delivered and marked; a failed delivery marks it otherwise."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Post
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.payloads import JsonObject
from ainl_align.tasks.parts.rows import MarkRow, OldestRow
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = OldestRow(ctx)
    row, text = source.gives
    send = Post(ctx, JsonObject(**{ctx.names.text_field(): text}))
    handler = Flow([MarkRow(source, source.failed)])
    guard = choose.retries(ctx, handler) if ctx.rng.random() < 0.4 else Guard(handler=handler)
    work = Flow([send, MarkRow(source, source.done)], guard=guard)
    start = schedule(ctx) if ctx.rng.random() < 0.7 else plain()
    return start, Flow([source], check=Check(Present(ctx, row), work, Flow()))


FAMILY = Family("job_worker", "T5", _recipe)
