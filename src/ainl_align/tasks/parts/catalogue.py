"""Every source as it can be drawn alone, with weights, for tasks whose parts are joined at random."""

from collections.abc import Callable

from ainl_align.tasks.parts.api import ApiData, ApiFields
from ainl_align.tasks.parts.base import Ctx, Kind, Step
from ainl_align.tasks.parts.changes import ObjectList
from ainl_align.tasks.parts.clock import Clock
from ainl_align.tasks.parts.db import DbAll, DbCount, DbRecord, DbWhole
from ainl_align.tasks.parts.deep import SHAPES, DeepField
from ainl_align.tasks.parts.ext import RunCommand
from ainl_align.tasks.parts.figures import Figure, RowLines, RowList
from ainl_align.tasks.parts.filters import ByDay, ByNumber, ByStatus, RowFilter
from ainl_align.tasks.parts.memory import MemoryCount, MemoryFields
from ainl_align.tasks.parts.rows import OldestRow
from ainl_align.tasks.parts.sources import BodyFields, CacheEntry, FileText, HttpBody, HttpFields, Source
from ainl_align.tasks.parts.sql import SqlCell, SqlCount, SqlNames

ONE: tuple[tuple[Kind, ...], ...] = (("num",), ("text",))
FIELDS: tuple[tuple[Kind, ...], ...] = (*ONE, *ONE, ("num", "num"), ("text", "num"), ("text", "text"), ("flag",))
"""Kinds of the fields that one reply or record gives."""


def _rows(ctx: Ctx) -> RowFilter:
    shape = ctx.rng.random()
    if shape < 0.5:
        return ByStatus(ctx)
    return ByNumber(ctx) if shape < 0.75 else ByDay(ctx)


SOURCES: dict[str, tuple[int, Callable[[Ctx], Step]]] = {
    "http": (6, lambda ctx: HttpFields(ctx, ctx.pick((*FIELDS, ("list",))), nested=ctx.rng.random() < 0.25)),
    "http again": (2, lambda ctx: HttpFields(ctx, ctx.pick(FIELDS))),
    "deep": (1, lambda ctx: DeepField(ctx, ctx.pick(("num", "text")), ctx.pick([s for s in SHAPES if s != "plain"]))),
    "reply": (2, lambda ctx: HttpBody(ctx, ctx.pick(("text", "any", "list")))),
    "file": (3, FileText),
    "cache": (3, lambda ctx: CacheEntry(ctx, ctx.pick(("num", "text")))),
    "count": (2, SqlCount),
    "cell": (3, lambda ctx: SqlCell(ctx, ctx.pick(("sum", "max", "min", "top", "key")))),
    "names": (1, SqlNames),
    "figure": (2, lambda ctx: Figure(ctx, ctx.pick(("count", "sum", "max", "min", "distinct")), _rows(ctx))),
    "rows": (2, lambda ctx: RowList(ctx, _rows(ctx), ctx.pick(("id", "name")))),
    "lines": (1, lambda ctx: RowLines(ctx, _rows(ctx))),
    "db": (3, lambda ctx: DbRecord(ctx, ctx.pick(FIELDS))),
    "db whole": (1, DbWhole),
    "db count": (1, DbCount),
    "db all": (1, DbAll),
    "api": (3, lambda ctx: ApiFields(ctx, ctx.pick(FIELDS), nested=ctx.rng.random() < 0.25)),
    "api data": (1, lambda ctx: ApiData(ctx, ctx.pick(("any", "list")))),
    "memory": (3, lambda ctx: MemoryFields(ctx, ctx.pick(FIELDS))),
    "memory count": (1, MemoryCount),
    "command": (2, lambda ctx: RunCommand(ctx, ctx.pick(("output", "code")))),
    "clock": (2, Clock),
    "objects": (1, lambda ctx: ObjectList(ctx, ctx.pick(("field", "top")))),
}
"""Sources with their weights; each at most once a task."""

NAMING_BODY = ("reply", "objects")
"""Those that spell ``body`` as a text, which in an endpoint is the name of an input."""

GATES: dict[str, Callable[[Ctx], Source]] = {
    "db": lambda ctx: DbRecord(ctx, ctx.pick(ONE), found=True),
    "memory": lambda ctx: MemoryFields(ctx, ctx.pick(ONE), found=True),
    "oldest": OldestRow,
}
"""Sources that may find nothing, which is asked right after them."""

SETTABLE = (HttpFields, BodyFields, ApiFields, DbRecord, MemoryFields, DeepField, CacheEntry, SqlCell)
"""Sources that a scenario can give any value to."""


def uses_clock(step: Step) -> bool:
    """Whether a scenario must set the clock for the step."""
    return isinstance(step, Clock) or isinstance(getattr(step, "rows", None), ByDay)
