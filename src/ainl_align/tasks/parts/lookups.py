"""Reads and calls that depend on an earlier value: query parameters, rows by key, URLs that end in a value."""

from typing import Any

from ainl_align.language.world_model import Reply
from ainl_align.tasks.parts.actions import Action, bind
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, unguarded
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import DOWN, Source, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import lookups

_KEYS = "id code key ref slug sku tag number token serial handle badge account lot room".split()
PLAIN_KEYS = ("k-17", "a204", "north-3", "zx81", "m55")
"""Values that may stand in a URL as they are."""


def beside(ctx: Ctx, item: Item, column: str) -> str:
    """The item's noun, told apart from a column of the same name."""
    return ctx.phrase(lookups.GIVEN, f=column) if column in item.noun.split() else item.noun


class QueryField(Source):
    """One parameter of the query of a request."""

    call = ""
    target = ""
    input = "query"

    def __init__(self, ctx: Ctx, name: str = "") -> None:
        self.name = name or ctx.names.one_of(_KEYS)
        self.gives = (Item(f"query.{self.name}", ctx.phrase(lookups.NOUN, f=self.name), "text"),)
        self.signature = "query"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known[self.gives[0].key] = block.call_verb("core.GET", known["query"], self.name, out="val")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(lookups.QUERY, f=self.name)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {self.gives[0].key: ctx.pick(PLAIN_KEYS)}

    def prepare(self, scene: Scene) -> None:
        value = scene.given[self.gives[0].key]
        scene.query = {"page": "2"} | ({} if value is None else {self.name: value})


class RowByKey(Source):
    """One column of the row that a value names; None when there is no such row."""

    kinds = frozenset({"sqlite", "compute"})
    call = "sqlite.QUERY"

    def __init__(
        self, ctx: Ctx, key: Item, kind: Kind = "text", name: str = "", table: str = "", column: str = ""
    ) -> None:
        self.table = self.target = table or ctx.names.table()
        self.key, self.kind = key, kind
        self.key_name = name or ctx.names.one_of(_KEYS)
        self.column = column or (ctx.names.number_field() if kind == "num" else ctx.names.text_field())
        self.gives = (Item("row", ctx.phrase(lookups.NOUN, f=self.column), kind),)
        self.signature = f"row_{kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        args = bind(block, [known[self.key.key]])
        sql = f"SELECT {self.column} FROM {self.table} WHERE {self.key_name} = ?"
        rows = block.call_verb("sqlite.QUERY", sql, args, out="rows")
        guard(block.last)
        known["row"] = block.call_verb("core.GET", rows, f"0.{self.column}", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(
            lookups.ROW, t=self.table, c=self.column, k=self.key_name, x=beside(ctx, self.key, self.key_name)
        )

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"row": random_value(ctx, self.kind)}

    def prepare(self, scene: Scene) -> None:
        columns = {self.key_name: "TEXT", self.column: "INTEGER" if self.kind == "num" else "TEXT"}
        if self.key.kind == "num":
            columns[self.key_name] = "INTEGER"
        table = scene.table(self.table, {"rowno": "INTEGER PRIMARY KEY"} | columns)
        other: Any = 9999 if self.kind == "num" else "zz"
        key = scene.given[self.key.key]
        before = key - 1 if isinstance(key, int) else "another"
        table.rows.append({"rowno": 1, self.key_name: before, self.column: other})
        if scene.given["row"] is not None and key is not None:
            table.rows.append({"rowno": 2, self.key_name: key, self.column: scene.given["row"]})


def _link(block: Block, base: str, value: Var) -> Var:
    return block.call_verb("core.CONCAT", base, value, out="url")


class LinkedGet(Source):
    """A field of the JSON at a URL that ends in an earlier value."""

    kinds = frozenset({"http", "compute"})
    call = "http.GET"

    def __init__(self, ctx: Ctx, key: Item, kind: Kind) -> None:
        self.target = f"{ctx.names.url()}/"
        self.key, self.kind = key, kind
        self.field = ctx.names.number_field() if kind == "num" else ctx.names.text_field()
        self.gives = (Item("linked", ctx.phrase(lookups.NOUN, f=self.field), kind),)
        self.signature = f"linked_{kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        url = _link(block, self.target, known[self.key.key])
        resp = block.call_verb("http.GET", url, out="resp")
        guard(block.last)
        known["linked"] = block.call_verb("core.GET", resp, f"body.{self.field}", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(lookups.LINKED, u=self.target, x=self.key.noun, f=self.field)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"linked": random_value(ctx, self.kind)}

    def _url(self, scene: Scene) -> str:
        return f"{self.target}{scene.given[self.key.key]}"

    def prepare(self, scene: Scene) -> None:
        reply = Reply(body={"note": "x1", self.field: scene.given["linked"]})
        scene.http.setdefault(("GET", self._url(scene)), []).append(reply)

    def play(self, scene: Scene) -> None:
        scene.reads.append(CallSpec(name="http.GET", args=(self._url(scene),)))
        scene.values["linked"] = scene.given["linked"]

    def fault(self, scene: Scene, times: int) -> None:
        key = ("GET", self._url(scene))
        scene.http[key] = [DOWN] * times + scene.http[key]


class LinkedCall(Action):
    """PUT or POST to, or DELETE, a URL that ends in an earlier value."""

    def __init__(self, ctx: Ctx, key: Item, payload: Payload | None = None, method: str = "DELETE") -> None:
        self.method, self.call = method, f"http.{method}"
        self.target, self.key, self.payload = f"{ctx.names.url()}/", key, payload
        self._sign(f"linked_{method.lower()}", "http")
        self.kinds |= {"compute"}

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        body = [self.payload.emit(block, known)] if self.payload else []
        url = _link(block, self.target, known[self.key.key])
        block.call_verb(self.call, url, *body, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        url = f"{self.target}{scene.values[self.key.key]}"
        return (url, self.payload.value(scene)) if self.payload else (url,)

    def clause(self, ctx: Ctx) -> str:
        if self.payload is None:
            return ctx.phrase(lookups.LINKED_DELETE, u=self.target, x=self.key.noun)
        what = self.payload.noun(ctx)
        return ctx.phrase(lookups.LINKED_CALL, u=self.target, x=self.key.noun, m=self.method, what=what)

    def prepare(self, scene: Scene) -> None:
        url = f"{self.target}{scene.given[self.key.key]}"
        scene.http.setdefault((self.method, url), []).append(Reply(body={"received": True}))


class InOrder(Action):
    """Two payloads for one queue or address, one after the other."""

    call = "queue.PUT"

    def __init__(self, ctx: Ctx, kind: str, first: Payload, second: Payload) -> None:
        self.kind, self.payload, self.second = kind, first, second
        self.name = ctx.names.queue() if kind == "queue" else ctx.names.address()
        self.target = self.name if kind == "queue" else f"mailto:{self.name}"
        self.kinds = frozenset({"queue"}) | first.kinds | second.kinds
        self.signature = f"{kind}_twice_{first.signature}_{second.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        super().emit(block, known, guard)
        operand = self.second.emit(block, known)
        block.call_verb(self.call, self.target, operand, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        assert self.payload is not None, self.signature
        first, second = self.payload.noun(ctx), self.second.noun(ctx)
        return ctx.phrase(lookups.IN_ORDER[self.kind], x=first, y=second, t=self.name)

    def play(self, scene: Scene) -> None:
        super().play(scene)
        scene.writes.append(CallSpec(name=self.call, args=(self.target, self.second.value(scene))))
