"""The length of a list in a reply decides, or whether it is empty."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import Present
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.transforms import JoinList
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = HttpFields(ctx, ("list",))
    item = source.gives[0]
    join = JoinList(ctx, item)
    action = choose.sink(ctx, Value(join.gives[0]), ("queue", "mail", "write"))
    no = Flow() if ctx.rng.random() < 0.4 else choose.outcome(ctx)
    return plain(), Flow([source], check=Check(Present(ctx, item), Flow([join, action]), no))


FAMILY = Family("list_branch", "T2", _recipe)
