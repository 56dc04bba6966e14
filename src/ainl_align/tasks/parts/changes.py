"""Changes of tables: rows that a filter names, rows that a key names, and whole lists of entries."""

from typing import Any

from ainl_align.language.world_model import Reply
from ainl_align.tasks.parts.actions import Action, bind
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, unguarded
from ainl_align.tasks.parts.filters import RowFilter, shuffled
from ainl_align.tasks.parts.lookups import beside
from ainl_align.tasks.parts.sources import DOWN, Source, join_words
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import changes


class FilteredChange(Action):
    """Delete the rows that a filter lets through, or set their status."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite"})

    def __init__(self, ctx: Ctx, rows: RowFilter, *, delete: bool) -> None:
        self.target, self.rows, self.delete = ctx.names.table(), rows, delete
        self.state, self.before = ctx.names.state(), ctx.names.state()
        self.signature = f"{'delete' if delete else 'update'}_{rows.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        head = f"DELETE FROM {self.target}" if self.delete else f"UPDATE {self.target} SET status = '{self.state}'"
        block.call_verb(self.call, f"{head} WHERE {self.rows.sql}", out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        words = self.rows.words(ctx)
        return ctx.phrase(changes.DELETE if self.delete else changes.UPDATE, t=self.target, w=words, s=self.state)

    def prepare(self, scene: Scene) -> None:
        self.rows.set_clock(scene)
        status = {} if self.delete else {"status": "TEXT"}
        table = scene.table(self.target, {"id": "INTEGER PRIMARY KEY", **status, **self.rows.columns})
        rows = [{"id": 10 + number, **self.rows.hit(number)} for number in range(3)]
        rows += [{"id": 20 + number, **out} for number, out in enumerate(self.rows.misses())]
        table.rows += shuffled([{**dict.fromkeys(status, self.before), **row} for row in rows], self.target)

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        table.changed = True
        if self.delete:
            table.rows = [row for row in table.rows if row["id"] >= 20]
        else:
            table.rows = [{**row, "status": self.state} if row["id"] < 20 else row for row in table.rows]


class ChangeByKey(Action):
    """Set one column of the row that a value names, or delete that row."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite", "compute"})

    def __init__(
        self, ctx: Ctx, key: Item, key_name: str, column: str = "", value: Item | None = None, table: str = ""
    ) -> None:
        self.target = table or ctx.names.table()
        self.key, self.key_name, self.column, self.value = key, key_name, column, value
        self.signature = "set_by_key" if value else "delete_by_key"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        values = [known[item.key] for item in (self.value, self.key) if item]
        head = f"UPDATE {self.target} SET {self.column} = ?" if self.value else f"DELETE FROM {self.target}"
        sql = f"{head} WHERE {self.key_name} = ?"
        block.call_verb(self.call, sql, bind(block, values), out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        key = beside(ctx, self.key, self.key_name)
        if self.value:
            slots = {"c": self.column, "x": beside(ctx, self.value, self.column)}
            return ctx.phrase(changes.SET_BY_KEY, t=self.target, k=self.key_name, y=key, **slots)
        return ctx.phrase(changes.DELETE_BY_KEY, t=self.target, k=self.key_name, y=key)

    def prepare(self, scene: Scene) -> None:
        key = scene.given.get(self.key.key)
        table = scene.table(self.target, {"rowno": "INTEGER PRIMARY KEY"})
        kinds = {self.key_name: "INTEGER" if self.key.kind == "num" else "TEXT"}
        if self.value:
            kinds[self.column] = "INTEGER" if self.value.kind == "num" else "TEXT"
        if not table.rows:
            other = 4 if self.key.kind == "num" else "zz"
            old = {self.column: 7 if self.value.kind == "num" else "old"} if self.value else {}
            table.columns |= kinds
            keys = [other, key, f"{key} b" if isinstance(key, str) else 5] if key is not None else [other]
            for number, entry in enumerate(keys, 1):
                table.rows.append({"rowno": number, self.key_name: entry, **old})

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        table.changed = True
        key = scene.values[self.key.key]
        hit = [row for row in table.rows if row[self.key_name] == key]
        if self.value:
            changed = {self.column: scene.values[self.value.key]}
            table.rows = [{**row, **changed} if row in hit else row for row in table.rows]
        else:
            table.rows = [row for row in table.rows if row not in hit]


class ObjectList(Source):
    """A list of objects: in the JSON of a GET (as a field or the whole reply) or in a posted body."""

    kinds = frozenset({"http", "compute"})
    call = "http.GET"

    def __init__(self, ctx: Ctx, where: str = "field", number: bool = False) -> None:
        self.where = where
        self.target = "" if where == "body" else ctx.names.url()
        if where == "body":
            self.call, self.kinds = "", frozenset({"compute"})
        self.holder = ctx.names.list_field()
        self.key = ctx.pick(("id", "guid", "code", "ref", "slug"))
        self.fields = [self.key, ctx.names.number_field() if number else ctx.names.text_field()]
        if not number and ctx.rng.random() < 0.3:
            self.fields.append(ctx.names.text_field())
        self.number = number
        self.gives = (Item("objects", ctx.phrase(changes.FEED_NOUN), "list"),)
        self.signature = f"objects_{where}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        if self.where == "body":
            known["objects"] = block.call_verb("core.GET", known["body"], self.holder, out="val")
            guard(block.last)
            return
        resp = block.call_verb("http.GET", self.target, out="resp")
        guard(block.last)
        path = "body" if self.where == "top" else f"body.{self.holder}"
        known["objects"] = block.call_verb("core.GET", resp, path, out="val")

    def clause(self, ctx: Ctx) -> str:
        pool = {"field": changes.FEED, "top": changes.FEED_TOP, "body": changes.POSTED}[self.where]
        return ctx.phrase(pool, u=self.target, l=self.holder, cols=join_words(self.fields))

    def entry(self, number: int) -> dict[str, Any]:
        """One object; equal numbers have equal keys."""
        values = [f"k-{number}", number * 10 if self.number else f"It's {number}", f"part {number}"]
        return dict(zip(self.fields, values, strict=False))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        first = ctx.rng.randint(3, 6)
        return {"objects": [self.entry(1), *(self.entry(number) for number in range(first, first + 2))]}

    def edges(self) -> list[tuple[str, dict[str, Any]]]:
        return [("empty list", {"objects": []}), ("one of them twice", {"objects": [self.entry(8), self.entry(8)]})]

    def prepare(self, scene: Scene) -> None:
        objects = scene.given["objects"]
        if self.where == "body":
            scene.body = {"extra": "zz", self.holder: objects}
        else:
            reply = Reply(body=objects if self.where == "top" else {"note": "x1", self.holder: objects})
            scene.http.setdefault(("GET", self.target), []).append(reply)

    def fault(self, scene: Scene, times: int) -> None:
        scene.http[("GET", self.target)] = [DOWN] * times + scene.http[("GET", self.target)]


class InsertList(Action):
    """Insert every object of a list; what to do with known keys is ``mode``: ignore, replace, or all (no key)."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite", "compute"})

    def __init__(self, ctx: Ctx, source: ObjectList, mode: str = "ignore") -> None:
        self.target, self.source, self.mode = ctx.names.table(), source, mode
        self.signature = f"import_{mode}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        text = block.call_verb("core.STRINGIFY", known["objects"], out="js")
        args = bind(block, [text])
        verb = {"ignore": "INSERT OR IGNORE", "replace": "INSERT OR REPLACE", "all": "INSERT"}[self.mode]
        values = ", ".join(f"json_extract(value, '$.{name}')" for name in self.source.fields)
        sql = f"{verb} INTO {self.target} ({', '.join(self.source.fields)}) SELECT {values} FROM json_each(?)"
        block.call_verb(self.call, sql, args, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        columns = join_words(self.source.fields)
        return ctx.phrase(changes.IMPORT[self.mode], t=self.target, cols=columns, k=self.source.key)

    def prepare(self, scene: Scene) -> None:
        kinds = dict.fromkeys(self.source.fields, "TEXT")
        if self.mode != "all":
            kinds[self.source.key] = "TEXT PRIMARY KEY"
        if self.source.number:
            kinds[self.source.fields[1]] = "INTEGER"
        table = scene.table(self.target, kinds)
        old = self.source.entry(1)
        table.rows = [{**old, self.source.fields[1]: 55 if self.source.number else "as it was"}]

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        key = self.source.key
        for entry in scene.values["objects"]:
            known = [row for row in table.rows if row[key] == entry[key]]
            if known and self.mode == "ignore":
                continue
            if known and self.mode == "replace":
                table.rows.remove(known[0])
            table.rows.append(dict(entry))
        table.changed = True


class CountRows(Source):
    """The number of all rows of a table that an earlier step changed."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(self, ctx: Ctx, table: str) -> None:
        self.target = table
        self.gives = (Item("all_rows", ctx.phrase(changes.ROWS_NOUN), "num"),)
        self.signature = "count_all"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        rows = block.call_verb("sqlite.QUERY", f"SELECT COUNT(*) AS n FROM {self.target}", out="rows")
        guard(block.last)
        known["all_rows"] = block.call_verb("core.GET", rows, "0.n", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(changes.COUNT_ALL, t=self.target)

    def play(self, scene: Scene) -> None:
        scene.reads.append(CallSpec(name=self.call, args=(self.target,)))
        scene.values["all_rows"] = len(scene.tables[self.target].rows)
