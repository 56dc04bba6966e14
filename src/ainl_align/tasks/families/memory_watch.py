"""On a schedule a fetched value is compared with the remembered one; a new one is told and remembered."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.api import ApiFields
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.compound import Compare
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.memory import MemoryFields, MemoryPut
from ainl_align.tasks.parts.payloads import JsonObject
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    kind: Kind = ctx.pick(("num", "text"))
    fetched = HttpFields(ctx, (kind,)) if ctx.rng.random() < 0.7 else ApiFields(ctx, (kind,))
    remembered = MemoryFields(ctx, (kind,), names=fetched.names)
    new = fetched.gives[0]
    store = MemoryPut(ctx, JsonObject(**{remembered.names[0]: new}), remembered.slot)
    yes = Flow([choose.sink(ctx, choose.report(ctx, new), ("queue", "mail", "write")), store])
    no = Flow() if ctx.rng.random() < 0.6 else Flow([choose.sink(ctx, choose.notice(ctx), ("queue", "mail"))])
    changed = Compare(ctx, new, remembered.gives[0], "NEQ")
    start = schedule(ctx) if ctx.rng.random() < 0.7 else plain()
    return start, Flow([fetched, remembered], check=Check(changed, yes, no))


FAMILY = Family("memory_watch", "T5", _recipe)
