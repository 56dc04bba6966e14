"""A posted JSON goes to a table, a queue, a file or the cache."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert
from ainl_align.tasks.parts.base import Ctx, Item, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.triggers import Start, endpoint


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = BodyFields(ctx, ("text", "num") if ctx.rng.random() < 0.5 else ("text",))
    columns: dict[str, Item | str] = dict(zip(source.names, source.gives, strict=True))
    steps: list[Step] = [source]
    if ctx.rng.random() < 0.6:
        steps.append(Insert(ctx, columns, frozenset(source.names[1:])))
        if ctx.rng.random() < 0.3:
            steps.append(choose.sink(ctx, choose.notice(ctx), ("queue", "mail")))
    else:
        steps.append(choose.sink(ctx, choose.report(ctx, *source.gives), ("queue", "mail", "write", "post")))
    return endpoint(ctx, ctx.pick(("POST", "POST", "PUT"))), Flow(steps, ret=choose.word(ctx))


FAMILY = Family("endpoint_store", "T4", _recipe)
