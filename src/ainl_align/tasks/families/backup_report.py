"""A table is saved as CSV, and its size is reported."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Insert, WriteFile
from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Message, Value
from ainl_align.tasks.parts.rows import TableCsv
from ainl_align.tasks.parts.triggers import Start, plain, schedule


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = TableCsv(ctx)
    csv, count = source.gives
    tail = ctx.names.one_of((" rows saved", " rows copied", " lines kept", " rows are safe", " entries exported"))
    steps: list[Step] = [source, WriteFile(ctx, Value(csv))]
    steps.append(choose.sink(ctx, Message(count, tail), ("queue", "mail", "mail", "post")))
    if ctx.rng.random() < 0.3:
        column = ctx.names.number_field()
        steps.append(Insert(ctx, {column: count}, frozenset({column})))
    return (schedule(ctx) if ctx.rng.random() < 0.7 else plain()), Flow(steps)


FAMILY = Family("backup_report", "T5", _recipe)
