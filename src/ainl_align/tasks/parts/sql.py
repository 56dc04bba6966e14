"""Values out of a SQL table: counts, aggregates, single cells, joined columns."""

from typing import Any

from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, sql_literal, unguarded
from ainl_align.tasks.parts.sources import Source, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import nouns
from ainl_align.tasks.wording import sql as wording

_MARKS = {"comma": ", ", "semi": "; "}


class SqlCount(Source):
    """The number of rows that have one status."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx) -> None:
        self.table = self.target = ctx.names.table()
        self.state = ctx.names.state()
        self.other = ctx.names.state()
        self.gives = (Item("count", ctx.phrase(nouns.COUNT), "num"),)
        self.signature = "sql_count"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        rows = block.call_verb(
            "sqlite.QUERY", f"SELECT COUNT(*) AS n FROM {self.table} WHERE status = '{self.state}'", out="rows"
        )
        guard(block.last)
        known["count"] = block.call_verb("core.GET", rows, "0.n", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(wording.COUNT, table=self.table, state=self.state)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"count": ctx.rng.randint(1, 6)}

    def prepare(self, scene: Scene) -> None:
        table = scene.table(self.table, {"id": "INTEGER PRIMARY KEY", "status": "TEXT"})
        for number in range(scene.given["count"]):
            table.rows.append({"id": number + 1, "status": self.state})
        for number in range(2):
            table.rows.append({"id": 100 + number, "status": self.other})


class SqlCell(Source):
    """One value of a table: an aggregate of a column, or a column of the extreme or newest row, or of one key."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx, shape: str) -> None:
        self.table = self.target = ctx.names.table()
        self.shape = shape
        self.column = ctx.names.number_field()
        self.label = ctx.names.text_field()
        self.key = ctx.names.value()
        noun = ctx.phrase(nouns.CELL[shape], column=self.column, label=self.label)
        self.gives = (Item("cell", noun, "text" if shape == "top" else "num"),)
        self.signature = f"sql_{shape}"

    def _sql(self) -> tuple[str, str]:
        if self.shape in ("sum", "max", "min"):
            return f"SELECT {self.shape.upper()}({self.column}) AS n FROM {self.table}", "0.n"
        if self.shape == "top":
            return f"SELECT {self.label} FROM {self.table} ORDER BY {self.column} DESC LIMIT 1", f"0.{self.label}"
        return f"SELECT {self.column} FROM {self.table} WHERE {self.label} = '{self.key}'", f"0.{self.column}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        sql, path = self._sql()
        rows = block.call_verb("sqlite.QUERY", sql, out="rows")
        guard(block.last)
        known["cell"] = block.call_verb("core.GET", rows, path, out="val")

    def clause(self, ctx: Ctx) -> str:
        if self.shape == "top":
            return ctx.phrase(wording.TOP, label=self.label, column=self.column, table=self.table)
        if self.shape == "key":
            return ctx.phrase(wording.CELL, column=self.column, table=self.table, label=self.label, key=self.key)
        word, name = {"sum": ("total", "sum"), "max": ("highest", "maximum"), "min": ("lowest", "minimum")}[self.shape]
        return ctx.phrase(wording.AGGREGATE, word=word, name=name, column=self.column, table=self.table)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"cell": random_value(ctx, self.gives[0].kind)}

    def prepare(self, scene: Scene) -> None:
        value = scene.given["cell"]
        columns = {"id": "INTEGER PRIMARY KEY", self.label: "TEXT", self.column: "INTEGER"}
        table = scene.table(self.table, columns)

        def row(number: int, label: str, amount: int) -> None:
            table.rows.append({"id": number, self.label: label, self.column: amount})

        if self.shape == "top":
            row(1, "Zelda", 5)
            row(2, value, 90)
            row(3, "Arno", 40)
        elif self.shape == "key":
            row(1, "another", value + 400)
            row(2, self.key, value)
        elif self.shape == "sum":
            row(1, "a", value - 2)
            row(2, "b", 2)
        elif self.shape == "max":
            row(1, "a", value - 3)
            row(2, "b", value)
            row(3, "c", value - 1)
        else:
            row(1, "a", value + 3)
            row(2, "b", value)
            row(3, "c", value + 1)


class SqlNames(Source):
    """The texts of one column of the rows that have one status, joined in the order of their ids."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx) -> None:
        self.table = self.target = ctx.names.table()
        self.state, self.other = ctx.names.state(), ctx.names.state()
        self.column = ctx.names.text_field()
        self.separator = ctx.pick(("comma", "semi"))
        self.gives = (Item("names", ctx.phrase(nouns.NAMES), "text"),)
        self.signature = f"sql_names_{self.separator}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        mark = _MARKS[self.separator]
        inner = f"SELECT {self.column} FROM {self.table} WHERE status = '{self.state}' ORDER BY id"
        sql = f"SELECT group_concat({self.column}, {sql_literal(mark)}) AS list FROM ({inner})"
        rows = block.call_verb("sqlite.QUERY", sql, out="rows")
        guard(block.last)
        known["names"] = block.call_verb("core.GET", rows, "0.list", out="val")

    def clause(self, ctx: Ctx) -> str:
        mark = _MARKS[self.separator]
        return ctx.phrase(wording.NAMES, column=self.column, table=self.table, state=self.state, mark=mark)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        names = ["Maple", "Birch", "Oak", "Fir"]
        ctx.rng.shuffle(names)
        return {"names": _MARKS[self.separator].join(names[: ctx.rng.randint(1, 3)])}

    def prepare(self, scene: Scene) -> None:
        columns = {"id": "INTEGER PRIMARY KEY", self.column: "TEXT", "status": "TEXT"}
        table = scene.table(self.table, columns)
        text = scene.given["names"]
        for number, name in enumerate(text.split(_MARKS[self.separator]), 1):
            table.rows.append({"id": number, self.column: name, "status": self.state})
        table.rows.append({"id": 90, self.column: "Hidden", "status": self.other})
