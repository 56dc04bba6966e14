"""Sources and actions that work on single rows of a table, and whole tables as CSV."""

from typing import Any

from ainl_align.tasks.parts.actions import Action, bind
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, unguarded
from ainl_align.tasks.parts.sources import Source, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import nouns, sql


class OldestRow(Source):
    """The row with the lowest id among those with one status: its id (None when there is none) and one text."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx) -> None:
        self.table = self.target = ctx.names.table()
        self.state, self.done, self.failed = ctx.names.state(), ctx.names.state(), ctx.names.state()
        self.column = ctx.names.text_field()
        text = ctx.phrase(nouns.OLDEST_TEXT, column=self.column)
        self.gives = (Item("row_id", ctx.phrase(nouns.OLDEST), "num"), Item("row_text", text, "text"))
        self.signature = "sql_oldest"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        sql = f"SELECT id, {self.column} FROM {self.table} WHERE status = '{self.state}' ORDER BY id LIMIT 1"
        rows = block.call_verb("sqlite.QUERY", sql, out="rows")
        guard(block.last)
        known["row_id"] = block.call_verb("core.GET", rows, "0.id", out="val")
        known["row_text"] = block.call_verb("core.GET", rows, f"0.{self.column}", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(sql.OLDEST, table=self.table, state=self.state)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"row_id": ctx.rng.randint(11, 60), "row_text": random_value(ctx, "text")}

    def prepare(self, scene: Scene) -> None:
        columns = {"id": "INTEGER PRIMARY KEY", self.column: "TEXT", "status": "TEXT"}
        table = scene.table(self.table, columns)
        table.rows.append({"id": 3, self.column: "older one", "status": self.done})
        number = scene.given["row_id"]
        if number is not None:
            table.rows.append({"id": number, self.column: scene.given["row_text"], "status": self.state})
            table.rows.append({"id": number + 4, self.column: "later one", "status": self.state})

    def play(self, scene: Scene) -> None:
        super().play(scene)
        if scene.given["row_id"] is None:
            scene.values["row_text"] = None


class MarkRow(Action):
    """Set the status of the row that OldestRow found."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite", "compute"})

    def __init__(self, source: OldestRow, state: str) -> None:
        self.target, self.state = source.table, state
        self.signature = "mark_row"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        args = bind(block, [known["row_id"]])
        sql = f"UPDATE {self.target} SET status = '{self.state}' WHERE id = ?"
        block.call_verb("sqlite.EXECUTE", sql, args, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(sql.MARK, state=self.state)

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        table.changed = True
        number = scene.values["row_id"]
        table.rows = [{**row, "status": self.state} if row["id"] == number else row for row in table.rows]


class TableCsv(Source):
    """A table as CSV text (one line a row: id and one column, in id order) and its number of rows."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx) -> None:
        self.table = self.target = ctx.names.table()
        self.column = ctx.names.text_field()
        self.gives = (
            Item("csv", ctx.phrase(nouns.CSV), "text"),
            Item("lines", ctx.phrase(nouns.CSV_ROWS), "num"),
        )
        self.signature = "sql_csv"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        inner = f"SELECT id || ',' || {self.column} AS line FROM {self.table} ORDER BY id"
        sql = f"SELECT COUNT(*) AS n, group_concat(line, char(10)) AS csv FROM ({inner})"
        rows = block.call_verb("sqlite.QUERY", sql, out="rows")
        guard(block.last)
        known["csv"] = block.call_verb("core.GET", rows, "0.csv", out="val")
        known["lines"] = block.call_verb("core.GET", rows, "0.n", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(sql.CSV, table=self.table, column=self.column)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        names = ["Maple", "Birch", "Oak", "Fir"][: ctx.rng.randint(2, 4)]
        return {"csv": "\n".join(f"{number},{name}" for number, name in enumerate(names, 1)), "lines": len(names)}

    def prepare(self, scene: Scene) -> None:
        table = scene.table(self.table, {"id": "INTEGER PRIMARY KEY", self.column: "TEXT"})
        for line in reversed(scene.given["csv"].split("\n")):
            number, name = line.split(",")
            table.rows.append({"id": int(number), self.column: name})
