"""A cache entry is used when there is one; otherwise it is fetched and stored."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts.actions import CacheStore
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, HttpBody, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind: Kind = ctx.pick(("num", "text"))
    entry = CacheEntry(ctx, kind)
    source: Source = HttpFields(ctx, (kind,)) if kind == "num" or ctx.rng.random() < 0.5 else HttpBody(ctx, "text")
    fresh = source.gives[0]
    store = CacheStore(ctx, Value(fresh), (entry.space, entry.key))
    yes, no = Flow(ret=Value(entry.gives[0])), Flow([source, store], ret=Value(fresh))
    return plain(), Flow([entry], check=Check(Present(ctx, entry.gives[0]), yes, no))


FAMILY = Family("cache_aside", "T2", _recipe)
