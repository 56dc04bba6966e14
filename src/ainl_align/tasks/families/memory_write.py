"""One memory record is stored, extended or deleted."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.memory import MemoryAppend, MemoryDelete, MemoryPut
from ainl_align.tasks.parts.payloads import JsonObject, Payload
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.stores import time_to_live
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    word = choose.word(ctx) if ctx.rng.random() < 0.6 else None
    if ctx.rng.random() < 0.15:
        return plain(), Flow([MemoryDelete(ctx)], ret=word)
    steps: list[Step] = []
    payload: Payload = JsonObject(**{ctx.names.text_field(): ctx.names.value() for _ in range(ctx.rng.randint(1, 2))})
    if ctx.rng.random() < 0.4:
        source = HttpFields(ctx, (ctx.pick(("num", "text")),))
        steps.append(source)
        payload = JsonObject(**{source.names[0]: source.gives[0]})
    action: Action = MemoryAppend(ctx, payload)
    if ctx.rng.random() < 0.6:
        action = MemoryPut(ctx, payload, ttl=time_to_live(ctx) if ctx.rng.random() < 0.4 else None)
    return plain(), Flow([*steps, action], ret=word)


FAMILY = Family("memory_write", "T1", _recipe)
