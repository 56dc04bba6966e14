"""A delivery that is retried, sometimes with a word for each way that it ends."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Post, Queue
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Fixed
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    text = Fixed(ctx.names.notice())
    if ctx.rng.random() < 0.7:
        action: Post | Queue = Post(ctx, choose.as_json(ctx, text), ctx.pick(("POST", "PUT")))
    else:
        action = Queue(ctx, text)
    handler = choose.say_word(ctx) if ctx.rng.random() < 0.6 else None
    return plain(), Flow([action], ret=choose.word(ctx), guard=choose.retries(ctx, handler))


FAMILY = Family("send_retry", "T3", _recipe)
