"""A value names the URL that is read, changed or deleted next."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.lookups import PLAIN_KEYS, LinkedCall, LinkedGet
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source: Source = HttpFields(ctx, ("text",)) if ctx.rng.random() < 0.6 else CacheEntry(ctx, "text")
    key = source.gives[0]
    source.examples = {key.key: ctx.pick(PLAIN_KEYS)}
    shape = ctx.pick(("get", "get", "delete", "put"))
    if shape == "get":
        kind: Kind = ctx.pick(("num", "text"))
        linked = LinkedGet(ctx, key, kind)
        if ctx.rng.random() < 0.5:
            return plain(), Flow([source, linked], ret=Value(linked.gives[0]))
        return plain(), Flow([source, linked, choose.sink(ctx, choose.report(ctx, *linked.gives))])
    payload = JsonObject(**{ctx.names.text_field(): ctx.names.value()}) if shape == "put" else None
    step = LinkedCall(ctx, key, payload, ctx.pick(("PUT", "PUT", "POST")) if shape == "put" else "DELETE")
    return plain(), Flow([source, step], ret=choose.word(ctx) if ctx.rng.random() < 0.5 else None)


FAMILY = Family("linked_call", "T1", _recipe)
