"""What a task does to the outside: queue, mail, web, file, cache, table."""

from typing import Any

from ainl_align.language.world_model import Fault, Reply
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Step, sql_literal, unguarded
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import DOWN, join_words
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec


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
        what = self.payload.noun(ctx) if self.payload else ""
        return ctx.say(
            (
                f"put {what} on the queue {self.target}",
                f"queue {what} on {self.target}",
                f"push {what} to queue {self.target}",
                f"send {what} to the {self.target} queue",
                f"enqueue {what} on {self.target}",
                f"add {what} to the queue {self.target}",
            ),
            (
                f"place {what} in queue {self.target}",
                f"drop {what} into the {self.target} queue",
                f"hand {what} to the queue {self.target}",
            ),
        )


class Mail(Action):
    """Send a text to an address (a queue named ``mailto:ADDRESS``)."""

    call = "queue.PUT"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.address = ctx.names.address()
        self.target, self.payload = f"mailto:{self.address}", payload
        self._sign("mail", "queue")

    def clause(self, ctx: Ctx) -> str:
        what = self.payload.noun(ctx) if self.payload else ""
        return ctx.say(
            (
                f"email {what} to {self.address}",
                f"send {what} by email to {self.address}",
                f"mail {what} to {self.address}",
                f"write {self.address} an email that says {what}",
                f"notify {self.address} by email with {what}",
            ),
            (f"send an email with {what} to {self.address}", f"have {what} mailed to {self.address}"),
        )


class Post(Action):
    """POST or PUT a payload to a URL."""

    def __init__(self, ctx: Ctx, payload: Payload, method: str = "POST") -> None:
        self.method = method
        self.call = f"http.{method}"
        self.target, self.payload = ctx.names.url(), payload
        self._sign(method.lower(), "http")

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        super().emit(block, known, guard)

    def clause(self, ctx: Ctx) -> str:
        what = self.payload.noun(ctx) if self.payload else ""
        return ctx.say(
            (f"{self.method} {what} to {self.target}", f"send {what} to {self.target} with {self.method}"),
            (
                f"make a {self.method} request with {what} to {self.target}",
                f"do a {self.method} of {what} to {self.target}",
            ),
        )

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
        return ctx.say(
            (f"send a DELETE request to {self.target}", f"DELETE {self.target}"),
            (f"make a DELETE call to {self.target}",),
        )

    def prepare(self, scene: Scene) -> None:
        scene.http.setdefault(("DELETE", self.target), []).append(Reply(status=200, body="gone"))


class WriteFile(Action):
    """Write a text to a file, replacing what it held."""

    call = "fs.WRITE"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = ctx.names.file(), payload
        self._sign("write", "fs")

    def clause(self, ctx: Ctx) -> str:
        what = self.payload.noun(ctx) if self.payload else ""
        return ctx.say(
            (
                f"write {what} to the file {self.target}",
                f"save {what} in {self.target}",
                f"save {what} as {self.target}",
                f"store {what} in file {self.target}",
            ),
            (f"put {what} into the file {self.target}", f"make {what} the content of {self.target}"),
        )


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
        return ctx.say(
            (f"delete the file {self.target}", f"remove {self.target}"), (f"get rid of the file {self.target}",)
        )

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
        what = self.payload.noun(ctx) if self.payload else ""
        if self._again:
            return ctx.say(
                (f"cache {what} there", f"store {what} under that key"), (f"put {what} into that cache entry",)
            )
        return ctx.say(
            (
                f"store {what} in the cache {self.space} under {self.key}",
                f"set {self.key} in cache {self.space} to {what}",
                f"cache {what} as {self.key} in {self.space}",
                f"put {what} in the {self.space} cache under the key {self.key}",
            ),
            (f"keep {what} as the entry {self.key} of the cache {self.space}",),
        )


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
        if all(isinstance(entry, Item) for entry in self.columns.values()):
            what = join_words([entry.noun for entry in self.columns.values() if isinstance(entry, Item)])
            columns = join_words(list(self.columns))
            plural = "s" if len(self.columns) > 1 else ""
            return ctx.say(
                (
                    f"insert {what} into the column{plural} {columns} of table {self.target}",
                    f"add a row to table {self.target} with {what} in column{plural} {columns}",
                ),
                (f"store {what} as column{plural} {columns} of a new row in table {self.target}",),
            )
        parts = [
            f"{name} = {entry.noun}" if isinstance(entry, Item) else f"{name} = '{entry}'"
            for name, entry in self.columns.items()
        ]
        return ctx.say(
            (
                f"insert a row into table {self.target} with {join_words(parts)}",
                f"add a row ({', '.join(parts)}) to table {self.target}",
            ),
            (f"create a row in table {self.target} where {join_words(parts)}",),
        )

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
        if self.delete:
            return ctx.say(
                (
                    f"delete every row of table {self.target} whose status is '{self.old}'",
                    f"remove all rows with status '{self.old}' from table {self.target}",
                ),
                (f"drop the '{self.old}' rows (column status) from table {self.target}",),
            )
        return ctx.say(
            (
                f"set status to '{self.new}' on all rows of table {self.target} whose status is '{self.old}'",
                f"change the status of every '{self.old}' row in table {self.target} to '{self.new}'",
            ),
            (f"mark all rows of table {self.target} that have status '{self.old}' as '{self.new}' in that column",),
        )

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
