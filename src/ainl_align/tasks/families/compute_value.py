"""A number computed from one to three fields, returned or sent."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx, Kind, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import Start, plain
from ainl_align.tasks.parts.values import one_value, two_values


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    count = ctx.pick((1, 2, 2, 3))
    number: Kind = "num"
    source = HttpFields(ctx, (number,) * count)
    formula = one_value(ctx, *source.gives) if count == 1 else two_values(ctx, *source.gives)
    result = formula.gives[0]
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source, formula], ret=Value(result))
    steps: list[Step] = [source, formula, choose.sink(ctx, choose.report(ctx, result))]
    return plain(), Flow(steps)


FAMILY = Family("compute_value", "T1", _recipe)
