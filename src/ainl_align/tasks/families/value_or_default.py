"""A missing cache entry or field is replaced by a constant, and the value is used or compared."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.conditions import Bound
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, plain
from ainl_align.tasks.parts.values import Default


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind: Kind = ctx.pick(("num", "text"))
    source: Source = CacheEntry(ctx, kind) if ctx.rng.random() < 0.6 else HttpFields(ctx, (kind,))
    zero = kind == "num" and ctx.rng.random() < 0.4
    constant: str | int = (0 if zero else ctx.names.number(2, 90)) if kind == "num" else ctx.names.value()
    step = Default(source.gives[0], constant)
    item = step.gives[0]
    shape = ctx.rng.random()
    if shape < 0.35:
        return plain(), Flow([source, step], ret=Value(item))
    if shape < 0.65 or kind == "text":
        return plain(), Flow([source, step, choose.sink(ctx, choose.report(ctx, item))])
    yes, no = choose.two_outcomes(ctx, item)
    return plain(), Flow([source, step], check=Check(Bound(ctx, item, ctx.names.number(91, 400)), yes, no))


FAMILY = Family("value_or_default", "T2", _recipe)
