"""Which rows of a table count: by status, by a number, by a date, or by two of these."""

import random
from abc import ABC, abstractmethod
from datetime import date, timedelta
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Scene
from ainl_align.tasks.wording import filters

_SIGNS = {"GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
_TODAY = ("2026-03-02", "2026-01-01", "2025-11-19", "2026-06-30", "2024-03-01")
_DATES = (
    "day seen_on posted_on due sent_on created_on visit_date logged_on paid_on started_on booked_on closed_on "
    "checked_on issued_on last_seen"
).split()
_DAYS = (7, 14, 30, 60, 90, 10, 21, 45, 3, 5, 28, 100, 12, 20, 365)


class RowFilter(ABC):
    """A condition on rows: its SQL, its columns, and rows on both sides of its boundary."""

    sql: str
    columns: dict[str, str]
    signature: str

    @abstractmethod
    def words(self, ctx: Ctx) -> str:
        """What follows "rows" in the request."""

    @abstractmethod
    def hit(self, number: int) -> dict[str, Any]:
        """Columns of the ``number``-th row that counts; one of the first two is at the boundary."""

    @abstractmethod
    def misses(self) -> list[dict[str, Any]]:
        """Columns of rows that do not count, one of them at the boundary."""

    def set_clock(self, scene: Scene) -> None:
        """Set the clock where the filter depends on it."""
        return None


class ByStatus(RowFilter):
    """Rows with one status."""

    def __init__(self, ctx: Ctx) -> None:
        self.state, self.other = ctx.names.state(), ctx.names.state()
        self.columns = {"status": "TEXT"}
        self.sql = f"status = '{self.state}'"
        self.signature = "status"

    def words(self, ctx: Ctx) -> str:
        return ctx.phrase(filters.STATUS, v=self.state)

    def hit(self, number: int) -> dict[str, Any]:
        return {"status": self.state}

    def misses(self) -> list[dict[str, Any]]:
        return [{"status": self.other}, {"status": self.other}]


class ByNumber(RowFilter):
    """Rows with a number over or under a threshold."""

    def __init__(self, ctx: Ctx) -> None:
        self.column = ctx.names.number_field()
        self.operator = ctx.pick(tuple(_SIGNS))
        self.threshold = ctx.names.number(5, 300)
        self.columns = {self.column: "INTEGER"}
        self.sql = f"{self.column} {_SIGNS[self.operator]} {self.threshold}"
        self.signature = f"number_{self.operator}"

    def words(self, ctx: Ctx) -> str:
        return ctx.phrase(filters.BOUND[self.operator], c=self.column, n=self.threshold)

    def _step(self) -> int:
        return 1 if self.operator.startswith("G") else -1

    def hit(self, number: int) -> dict[str, Any]:
        first = self.threshold if self.operator.endswith("E") else self.threshold + self._step()
        return {self.column: first + number * self._step()}

    def misses(self) -> list[dict[str, Any]]:
        first = self.threshold - self._step() if self.operator.endswith("E") else self.threshold
        return [{self.column: first}, {self.column: first - self._step()}]


class ByDay(RowFilter):
    """Rows of yesterday or today, or older or younger than so many days; the column holds ISO dates."""

    def __init__(self, ctx: Ctx, mode: str | None = None) -> None:
        self.mode = mode or ctx.pick(tuple(filters.DAY))
        self.column = ctx.names.one_of(_DATES)
        self.days = ctx.names.one_of(_DAYS)
        self.today = date.fromisoformat(ctx.pick(_TODAY))
        self.columns = {self.column: "TEXT"}
        self.sql = {
            "yesterday": f"{self.column} = date('now', '-1 day')",
            "today": f"{self.column} = date('now')",
            "before": f"{self.column} < date('now', '-{self.days} days')",
            "since": f"{self.column} >= date('now', '-{self.days} days')",
        }[self.mode]
        self.signature = f"day_{self.mode}"

    def words(self, ctx: Ctx) -> str:
        return ctx.phrase(filters.DAY[self.mode], c=self.column, n=self.days)

    def _ago(self, days: int) -> dict[str, Any]:
        return {self.column: (self.today - timedelta(days=days)).isoformat()}

    def hit(self, number: int) -> dict[str, Any]:
        days = {"yesterday": 1, "today": 0, "before": self.days + 1 + 3 * number, "since": self.days - number}
        return self._ago(days[self.mode])

    def misses(self) -> list[dict[str, Any]]:
        days = {
            "yesterday": (0, 2),
            "today": (1, 2),
            "before": (self.days, self.days - 1),
            "since": (self.days + 1, self.days + 40),
        }
        return [self._ago(count) for count in days[self.mode]]

    def set_clock(self, scene: Scene) -> None:
        scene.now = f"{self.today.isoformat()}T08:00:00+00:00"


class ByTwo(RowFilter):
    """Rows that pass two filters of different columns."""

    def __init__(self, one: RowFilter, two: RowFilter) -> None:
        self.one, self.two = one, two
        self.columns = one.columns | two.columns
        self.sql = f"{one.sql} AND {two.sql}"
        self.signature = f"{one.signature}_{two.signature}"

    def words(self, ctx: Ctx) -> str:
        return ctx.phrase(filters.BOTH, one=self.one.words(ctx), two=self.two.words(ctx))

    def hit(self, number: int) -> dict[str, Any]:
        return self.one.hit(number) | self.two.hit(number)

    def misses(self) -> list[dict[str, Any]]:
        return [self.one.hit(0) | self.two.misses()[0], self.one.misses()[0] | self.two.hit(0)]

    def set_clock(self, scene: Scene) -> None:
        self.one.set_clock(scene)
        self.two.set_clock(scene)


def any_filter(ctx: Ctx) -> RowFilter:
    """One of the filters; two at once in a fifth of the cases."""
    shape = ctx.rng.random()
    if shape < 0.2:
        return ByTwo(ByStatus(ctx), ByNumber(ctx) if ctx.rng.random() < 0.5 else ByDay(ctx))
    if shape < 0.4:
        return ByStatus(ctx)
    return ByNumber(ctx) if shape < 0.65 else ByDay(ctx)


def shuffled(rows: list[dict[str, Any]], seed: str) -> list[dict[str, Any]]:
    """The rows in another order that depends on ``seed`` alone, so that row order says nothing."""
    order = rows[:]
    random.Random(seed).shuffle(order)
    return order


__all__ = ["ByDay", "ByNumber", "ByStatus", "ByTwo", "RowFilter", "any_filter", "shuffled"]
