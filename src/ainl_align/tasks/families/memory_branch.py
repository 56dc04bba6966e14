"""A memory record, whether it is there, or the number of records decides between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind
from ainl_align.tasks.parts.conditions import Bound, Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.memory import MemoryCount, MemoryDelete, MemoryFields, MemoryPut
from ainl_align.tasks.parts.payloads import JsonObject, Value
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("field", "field", "found", "delete", "once", "count"))
    if shape == "count":
        listed = MemoryCount(ctx)
        yes, no = choose.two_outcomes(ctx, listed.gives[0])
        return plain(), Flow([listed], check=Check(Bound(ctx, listed.gives[0], ctx.names.number(2, 9)), yes, no))
    kinds: tuple[Kind, ...] = (ctx.pick(("num", "text")),) if shape in ("field", "found") else ()
    source = MemoryFields(ctx, kinds, found=shape != "field")
    item = source.gives[0]
    if shape == "field":
        yes, no = choose.two_outcomes(ctx, item)
        return plain(), Flow([source], check=Check(choose.condition(ctx, item), yes, no))
    yes, no = choose.say_word(ctx), choose.say_word(ctx)
    if shape == "found":
        yes = Flow(ret=Value(source.fields[0]))
    elif shape == "delete":
        yes.steps.append(MemoryDelete(ctx, source.slot))
    else:
        no.steps.append(MemoryPut(ctx, JsonObject(**{ctx.names.text_field(): ctx.names.value()}), source.slot))
    return plain(), Flow([source], check=Check(Present(ctx, item), yes, no))


FAMILY = Family("memory_branch", "T2", _recipe)
