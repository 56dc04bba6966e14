"""On a schedule a value is compared with the one of last time; a change is told and remembered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.compound import Compare
from ainl_align.tasks.parts.deep import DeepField
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind: Kind = ctx.pick(("num", "text"))
    source: Source = HttpFields(ctx, (kind,)) if ctx.rng.random() < 0.7 else DeepField(ctx, kind)
    last = CacheEntry(ctx, kind)
    item = source.gives[0]
    operator = ctx.pick(("NEQ", "NEQ", "GT", "LT")) if kind == "num" else "NEQ"
    store = CacheStore(ctx, Value(item), (last.space, last.key))
    yes = Flow([choose.sink(ctx, choose.report(ctx, item), ("queue", "mail", "write")), store])
    return schedule(ctx), Flow([source, last], check=Check(Compare(ctx, item, last.gives[0], operator), yes, Flow()))


FAMILY = Family("change_watch", "T4", _recipe)
