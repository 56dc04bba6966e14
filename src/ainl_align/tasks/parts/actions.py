"""What a task does to the outside: queue, mail, web, file, cache, table."""

from typing import Any

from ainl_align.language.world_model import Fault, Reply
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Step, sql_literal, unguarded
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import DOWN, join_words
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import cache, files, http, mail, queue, sql


class Action(Step):
    """A step that writes. Its result goes to ``res``, which the next one overwrites."""

    call: str
    target: str
    payload: Payload | None = None

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        """The arguments of the expected write."""
        assert self.payload is not None, self.signature
        return (self.target, self.payload.value(scene))

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        assert self.payload is not None, self.signature
        operand = self.payload.emit(block, known)
        block.call_verb(self.call, self.target, operand, out="res", reuse=True)
        guard(block.last)

    def play(self, scene: Scene) -> None:
        scene.writes.append(CallSpec(name=self.call, args=self.arguments(scene)))

    def what(self, ctx: Ctx) -> str:
        """The payload as a noun phrase."""
        assert self.payload is not None, self.signature
        return self.payload.noun(ctx)

    def fault(self, scene: Scene, times: int) -> None:
        """Make the first ``times`` attempts fail in this world."""
        scene.faults.append(Fault(call=self.call, target=self.target, times=times, message="not reachable"))

    def _sign(self, name: str, effect: str) -> None:
        payload = self.payload
        self.kinds = frozenset({effect}) | (payload.kinds if payload else frozenset())
        self.signature = f"{name}_{payload.signature}" if payload else name


class Queue(Action):
    """Put a payload on a queue."""

    call = "queue.PUT"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = ctx.names.queue(), payload
        self._sign("queue", "queue")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(queue.PUT, what=self.what(ctx), queue=self.target)


class Mail(Action):
    """Send a text to an address (a queue named ``mailto:ADDRESS``)."""

    call = "queue.PUT"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.address = ctx.names.address()
        self.target, self.payload = f"mailto:{self.address}", payload
        self._sign("mail", "queue")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(mail.SEND, what=self.what(ctx), address=self.address)


class Post(Action):
    """POST or PUT a payload to a URL."""

    def __init__(self, ctx: Ctx, payload: Payload, method: str = "POST") -> None:
        self.method = method
        self.call = f"http.{method}"
        self.target, self.payload = ctx.names.url(), payload
        self._sign(method.lower(), "http")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(http.SEND, method=self.method, what=self.what(ctx), url=self.target)

    def prepare(self, scene: Scene) -> None:
        scene.http.setdefault((self.method, self.target), []).append(Reply(status=200, body={"received": True}))

    def fault(self, scene: Scene, times: int) -> None:
        key = (self.method, self.target)
        scene.http[key] = [DOWN] * times + scene.http[key]


class Delete(Action):
    """DELETE a URL."""

    call = "http.DELETE"
    kinds = frozenset({"http"})

    def __init__(self, ctx: Ctx) -> None:
        self.target = f"{ctx.names.url()}/{ctx.names.value()}"
        self.signature = "delete_url"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        block.call_verb(self.call, self.target, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return (self.target,)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(http.DELETE, url=self.target)

    def prepare(self, scene: Scene) -> None:
        scene.http.setdefault(("DELETE", self.target), []).append(Reply(status=200, body="gone"))


class WriteFile(Action):
    """Write a text to a file, replacing what it held."""

    call = "fs.WRITE"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = ctx.names.file(), payload
        self._sign("write", "fs")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(files.WRITE, what=self.what(ctx), file=self.target)


class RemoveFile(Action):
    """Delete a file."""

    call = "fs.DELETE"
    kinds = frozenset({"fs"})

    def __init__(self, ctx: Ctx, target: str | None = None) -> None:
        self.target = target or ctx.names.file()
        self.signature = "remove"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        block.call_verb(self.call, self.target, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return (self.target,)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(files.REMOVE, file=self.target)

    def prepare(self, scene: Scene) -> None:
        scene.files.setdefault(self.target, "old text")


class CacheStore(Action):
    """Set a cache entry."""

    call = "cache.SET"

    def __init__(self, ctx: Ctx, payload: Payload, slot: tuple[str, str] | None = None) -> None:
        self.space, self.key = slot or ctx.names.cache_slot()
        self.target, self.payload = self.space, payload
        self._again = slot is not None
        self._sign("cacheset", "cache_write")

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        assert self.payload is not None, self.signature
        operand = self.payload.emit(block, known)
        block.call_verb(self.call, self.space, self.key, operand, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        assert self.payload is not None, self.signature
        return (self.space, self.key, self.payload.value(scene))

    def clause(self, ctx: Ctx) -> str:
        if self._again:
            return ctx.phrase(cache.STORE_THERE, what=self.what(ctx))
        return ctx.phrase(cache.STORE, what=self.what(ctx), space=self.space, key=self.key)


class Insert(Action):
    """Insert one row; values go in as SQL parameters, so that quotes in them do no harm."""

    call = "sqlite.EXECUTE"

    def __init__(self, ctx: Ctx, columns: dict[str, Item | str], numeric: frozenset[str] = frozenset()) -> None:
        self.target = ctx.names.table()
        self.columns, self.numeric = columns, numeric
        dynamic = any(isinstance(entry, Item) for entry in columns.values())
        self.kinds = frozenset({"sqlite", "compute"}) if dynamic else frozenset({"sqlite"})
        self.signature = f"insert{len(columns)}_{'values' if dynamic else 'fixed'}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        items = [entry for entry in self.columns.values() if isinstance(entry, Item)]
        values = ", ".join("?" if isinstance(entry, Item) else sql_literal(entry) for entry in self.columns.values())
        sql = f"INSERT INTO {self.target} ({', '.join(self.columns)}) VALUES ({values})"
        if items:
            args = bind(block, [known[item.key] for item in items])
            block.call_verb(self.call, sql, args, out="res", reuse=True)
        else:
            block.call_verb(self.call, sql, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        items = [entry for entry in self.columns.values() if isinstance(entry, Item)]
        if len(items) == len(self.columns) and ctx.rng.random() < 0.6:
            return ctx.phrase(
                sql.INSERT_VALUES,
                what=join_words([item.noun for item in items]),
                columns=join_words(list(self.columns)),
                s="s" if len(items) > 1 else "",
                table=self.target,
            )
        pair = ctx.say(*sql.PAIR)
        pairs = [
            pair.format(name=name, value=entry.noun if isinstance(entry, Item) else f"'{entry}'")
            for name, entry in self.columns.items()
        ]
        return ctx.phrase(sql.INSERT_PAIRS, pairs=join_words(pairs), table=self.target)

    def prepare(self, scene: Scene) -> None:
        kinds = {name: "INTEGER" if name in self.numeric else "TEXT" for name in self.columns}
        table = scene.table(self.target, {"id": "INTEGER PRIMARY KEY", **kinds})
        if not table.rows:
            table.rows.append({"id": 1, **{name: 5 if name in self.numeric else "first" for name in self.columns}})

    def play(self, scene: Scene) -> None:
        row = {
            name: scene.values[entry.key] if isinstance(entry, Item) else entry for name, entry in self.columns.items()
        }
        scene.tables[self.target].insert(row)


class SetStatus(Action):
    """Change the status of the rows that have another status, or delete them."""

    call = "sqlite.EXECUTE"
    kinds = frozenset({"sqlite"})

    def __init__(self, ctx: Ctx, *, delete: bool, table: str | None = None) -> None:
        self.target = table or ctx.names.table()
        self.delete = delete
        self.old, self.new, self.other = ctx.names.state(), ctx.names.state(), ctx.names.state()
        self.signature = "sql_delete" if delete else "sql_update"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        if self.delete:
            sql = f"DELETE FROM {self.target} WHERE status = '{self.old}'"
        else:
            sql = f"UPDATE {self.target} SET status = '{self.new}' WHERE status = '{self.old}'"
        block.call_verb(self.call, sql, out="res", reuse=True)
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        pool = sql.DELETE if self.delete else sql.UPDATE
        return ctx.phrase(pool, table=self.target, old=self.old, new=self.new)

    def prepare(self, scene: Scene) -> None:
        table = scene.table(self.target, {"id": "INTEGER PRIMARY KEY", "status": "TEXT"})
        if not table.rows:
            for number, state in enumerate((self.old, self.other, self.old), 1):
                table.rows.append({"id": number, "status": state})

    def play(self, scene: Scene) -> None:
        table = scene.tables[self.target]
        hit = [row for row in table.rows if row["status"] == self.old]
        table.changed = True
        if self.delete:
            table.rows = [row for row in table.rows if row not in hit]
        else:
            table.rows = [{**row, "status": self.new} if row in hit else row for row in table.rows]


def bind(block: Block, values: list[Var]) -> Var:
    """Write the parameter list of a SQL statement: every value as JSON, joined to an array, parsed to a list."""
    pieces: list[str | Var] = []
    for number, value in enumerate(values):
        pieces += ["," if number else "[", block.call_verb("core.STRINGIFY", value, out="js")]
    raw = block.call_verb("core.CONCAT", *pieces, "]", out="raw")
    return block.call_verb("core.PARSE", raw, out="args")
