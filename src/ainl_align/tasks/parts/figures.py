"""Figures, lists and CSV lines of the rows that a filter lets through."""

from typing import Any

from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Table, sql_literal, unguarded
from ainl_align.tasks.parts.filters import RowFilter, shuffled
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import figures

FIRST_HIT = 10
"""Rows that count have higher ids, the others lower ones."""
_NAMES = ("Maple", "Birch", "Oak", "Fir", "Larch", "Yew")
_AGGREGATES = {
    "count": "COUNT(*)",
    "sum": "SUM({})",
    "max": "MAX({})",
    "min": "MIN({})",
    "distinct": "COUNT(DISTINCT {})",
}


class _Filtered(Source):
    """A query on the rows of a table that a filter lets through."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx, rows: RowFilter) -> None:
        self.table = self.target = ctx.names.table()
        self.rows = rows

    def _query(self, block: Block, sql: str, guard: Guard) -> Var:
        found = block.call_verb("sqlite.QUERY", sql, out="rows")
        guard(block.last)
        return found

    def _fill(self, scene: Scene, kinds: dict[str, str], hits: list[dict[str, Any]], miss: dict[str, Any]) -> Table:
        """Rows that count (``hits`` without the columns of the filter) and, like ``miss``, rows that do not."""
        self.rows.set_clock(scene)
        table = scene.table(self.table, {"id": "INTEGER PRIMARY KEY", **kinds, **self.rows.columns})
        rows = [{**row, **self.rows.hit(number)} for number, row in enumerate(hits)]
        rows += [{"id": 1 + number, **miss, **out} for number, out in enumerate(self.rows.misses())]
        table.rows += shuffled(rows, self.table)
        return table


class Figure(_Filtered):
    """A count, sum, maximum, minimum or number of distinct values; a count may be 0."""

    def __init__(self, ctx: Ctx, shape: str, rows: RowFilter) -> None:
        super().__init__(ctx, rows)
        self.shape = shape
        self.column = ctx.names.text_field() if shape == "distinct" else ctx.names.number_field()
        self.gives = (Item("figure", ctx.phrase(figures.FIGURE_NOUN[shape]), "num"),)
        self.signature = f"figure_{shape}_{rows.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        what = _AGGREGATES[self.shape].format(self.column)
        rows = self._query(block, f"SELECT {what} AS n FROM {self.table} WHERE {self.rows.sql}", guard)
        known["figure"] = block.call_verb("core.GET", rows, "0.n", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(figures.FIGURES[self.shape], t=self.table, c=self.column, w=self.rows.words(ctx))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        counts = self.shape in ("count", "distinct")
        return {"figure": ctx.rng.randint(2, 5) if counts else ctx.rng.randint(20, 400)}

    def prepare(self, scene: Scene) -> None:
        value = scene.given["figure"]
        values: list[Any]
        if self.shape == "count":
            values = [None] * value
        elif self.shape == "distinct":
            values = [*(f"kind {number}" for number in range(value)), *([f"kind {value - 1}"] if value else [])]
        else:
            others = {"sum": [value - 7, 5, 2], "max": [value, value - 3], "min": [value, value + 4]}
            values = others[self.shape]
        kinds = {} if self.shape == "count" else {self.column: "TEXT" if self.shape == "distinct" else "INTEGER"}
        hits = [{"id": FIRST_HIT + 1 + number, **dict.fromkeys(kinds, entry)} for number, entry in enumerate(values)]
        extreme = {"max": 9000, "min": -9000, "sum": 31, "distinct": "kind x"}.get(self.shape)
        self._fill(scene, kinds, hits, dict.fromkeys(kinds, extreme))


class RowList(_Filtered):
    """Texts of one column in some order, joined; None when no row counts. ``limit`` keeps the first few."""

    def __init__(self, ctx: Ctx, rows: RowFilter, order: str = "id", limit: int | None = None) -> None:
        super().__init__(ctx, rows)
        self.order, self.limit = order, limit
        self.column = ctx.names.text_field()
        self.key = {"id": "id", "name": self.column}.get(order) or ctx.names.number_field()
        self.mark = ctx.pick((", ", "; ", " / ", " | "))
        self.gives = (Item("row_list", ctx.phrase(figures.LIST_NOUN), "text"),)
        self.signature = f"list_{order}{'_limit' if limit else ''}_{rows.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        key = f"{self.key} DESC" if self.order == "desc" else self.key
        inner = f"SELECT {self.column} FROM {self.table} WHERE {self.rows.sql} ORDER BY {key}"
        inner += f" LIMIT {self.limit}" if self.limit else ""
        sql = f"SELECT group_concat({self.column}, {sql_literal(self.mark)}) AS list FROM ({inner})"
        known["row_list"] = block.call_verb("core.GET", self._query(block, sql, guard), "0.list", out="val")

    def clause(self, ctx: Ctx) -> str:
        order = ctx.phrase(figures.ORDER[self.order], c=self.key)
        if self.limit:
            order = ctx.phrase(figures.LIMIT, o=order, k=self.limit)
        words = self.rows.words(ctx)
        return ctx.phrase(figures.LIST, t=self.table, c=self.column, w=words, o=order, m=self.mark)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        names = ctx.rng.sample(_NAMES, self.limit or ctx.rng.randint(2, 3))
        return {"row_list": self.mark.join(sorted(names) if self.order == "name" else names)}

    def prepare(self, scene: Scene) -> None:
        text = scene.given["row_list"]
        names = text.split(self.mark) if text else []
        if self.limit and len(names) == self.limit:
            names = [*names, "Zelkova"]
        spread = {"desc": [90, 80, 70, 9, 5, 3], "asc": [3, 5, 9, 70, 80, 90]}.get(self.order)
        kinds = {self.column: "TEXT"} | ({self.key: "INTEGER"} if spread else {})
        hits: list[dict[str, Any]] = []
        for number, name in enumerate(names):
            # Where the order is not that of the ids, ids run the other way.
            row: dict[str, Any] = {
                "id": FIRST_HIT + 1 + number if self.order == "id" else 40 - number,
                self.column: name,
            }
            hits.append(row | ({self.key: spread[number]} if spread else {}))
        first = {self.key: 99 if self.order == "desc" else 1} if spread else {}
        self._fill(scene, kinds, hits, {self.column: "Acer"} | first)


class RowLines(_Filtered):
    """CSV lines ``id,column`` in id order; None when no row counts."""

    def __init__(self, ctx: Ctx, rows: RowFilter) -> None:
        super().__init__(ctx, rows)
        self.column = ctx.names.text_field()
        self.gives = (Item("row_lines", ctx.phrase(figures.LINES_NOUN), "text"),)
        self.signature = f"lines_{rows.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        inner = f"SELECT id || ',' || {self.column} AS line FROM {self.table} WHERE {self.rows.sql} ORDER BY id"
        rows = self._query(block, f"SELECT group_concat(line, char(10)) AS csv FROM ({inner})", guard)
        known["row_lines"] = block.call_verb("core.GET", rows, "0.csv", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(figures.LINES, t=self.table, c=self.column, w=self.rows.words(ctx))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        names = ctx.rng.sample(_NAMES, ctx.rng.randint(2, 3))
        return {"row_lines": "\n".join(f"{number},{name}" for number, name in enumerate(names, 13))}

    def prepare(self, scene: Scene) -> None:
        text = scene.given["row_lines"]
        lines = [line.partition(",") for line in text.split("\n")] if text else []
        hits: list[dict[str, Any]] = [{"id": int(number), self.column: name} for number, _, name in lines]
        self._fill(scene, {self.column: "TEXT"}, hits, {self.column: "Acer"})


class MarkRows(Action):
    """Set the status of the rows of a ``RowList`` whose filter asks for a status."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite"})

    def __init__(self, ctx: Ctx, source: RowList) -> None:
        self.target, self.rows, self.state = source.table, source.rows, ctx.names.state()
        self.signature = "mark_rows"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        sql = f"UPDATE {self.target} SET status = '{self.state}' WHERE {self.rows.sql}"
        block.call_verb(self.call, sql, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(figures.MARK, s=self.state)

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        table.changed = True
        table.rows = [{**row, "status": self.state} if row["id"] > FIRST_HIT else row for row in table.rows]
