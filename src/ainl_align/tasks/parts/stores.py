"""Sinks beyond queue, mail, web, file and cache: the db, the api, an ext operation, the memory store."""

from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.api import ApiSend
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.choose import as_json
from ainl_align.tasks.parts.db import DbCreate
from ainl_align.tasks.parts.ext import Operation
from ainl_align.tasks.parts.memory import MemoryAppend, MemoryPut
from ainl_align.tasks.parts.payloads import Payload

_SINKS = ("db", "api", "operation", "put", "append")
_TTLS = {"train": (600, 3600, 7200, 86400), "dev": (900, 1800), "test": (300, 43200)}


def store_sink(ctx: Ctx, payload: Payload, allowed: tuple[str, ...] = _SINKS) -> Action:
    """One of these sinks; all but an operation take a JSON object, in which values and texts are wrapped."""
    kind = ctx.pick(allowed)
    if kind == "operation":
        return Operation(ctx, payload)
    body = as_json(ctx, payload)
    if kind == "db":
        return DbCreate(ctx, body)
    if kind == "api":
        return ApiSend(ctx, body)
    if kind == "append":
        return MemoryAppend(ctx, body)
    return MemoryPut(ctx, body, ttl=time_to_live(ctx) if ctx.rng.random() < 0.3 else None)


def time_to_live(ctx: Ctx) -> int:
    """Seconds that a memory record lives."""
    return ctx.pick(_TTLS[ctx.split])
