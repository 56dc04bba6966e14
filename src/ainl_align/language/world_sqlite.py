"""The SQLite of a simulated world: a real in-memory database that cannot reach a file and cannot run away."""

import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC
from functools import lru_cache, partial
from typing import Any, Final

from runtime.adapters.base import AdapterError

from ainl_align.language.adapters import Budget
from ainl_align.language.world_model import World

_FORBIDDEN: Final = {
    sqlite3.SQLITE_ATTACH,
    sqlite3.SQLITE_DETACH,
    sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_CREATE_VTABLE,
    sqlite3.SQLITE_DROP_VTABLE,
}
# Name of a date function -> which arguments are times; without the first of them it means now.
_DATE_FUNCTIONS: Final = {
    **dict.fromkeys(("date", "time", "datetime", "julianday", "unixepoch"), (0,)),
    "strftime": (1,),
    "timediff": (0, 1),
}
_ZONES: Final = ("localtime", "utc")
"""Modifiers that would read the host's time zone; the world's is UTC."""
_SUBSECOND: Final = ("subsec", "subsecond")
"""Modifiers that SQLite takes without a time since 3.42; the time is now then."""
_LONGEST: Final = 100_000
"""Bytes of one text or blob. Some functions take time by its square, and nothing interrupts a single call."""
_CURRENT: Final = {"current_date": "%Y-%m-%d", "current_time": "%H:%M:%S", "current_timestamp": "%Y-%m-%d %H:%M:%S"}


class Sqlite:
    """``runtime.adapters.sqlite.SimpleSqliteAdapter`` with ``allow_write``: QUERY sql [params], EXECUTE sql [params].

    QUERY takes one statement that starts with SELECT and returns a list of row objects; EXECUTE returns
    {rows_affected, lastrowid}; params are a list. "now" in SQL is the world's clock.
    """

    def __init__(self, world: World, budget: Budget) -> None:
        self._world = world
        self._budget = budget
        self._opened: sqlite3.Connection | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:  # most programs use no database
            self._opened = _open(self._world)
            # So many virtual machine steps take microseconds, so an endless query ends soon after its time.
            self._opened.set_progress_handler(lambda: int(self._budget.late()), 200)
        return self._opened

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().lower()
        if verb not in ("query", "execute"):
            raise AdapterError(f"unsupported sqlite target: {target}")
        if not args:
            raise AdapterError("sqlite adapter missing sql argument")
        sql, params = args[0], args[1] if len(args) > 1 else None
        if params is not None and not isinstance(params, list | tuple):
            raise AdapterError("sqlite params must be list/tuple when provided")
        if not sql or not isinstance(sql, str):
            raise AdapterError("sqlite sql must be a non-empty string")
        if verb == "query" and not sql.strip().lower().startswith("select"):
            raise AdapterError("sqlite query target requires SELECT statement")
        try:
            cursor = self._connection.execute(sql, list(params or []))
            if verb == "query":
                return self._rows(cursor)
            self._connection.commit()
            return {"rows_affected": cursor.rowcount, "lastrowid": cursor.lastrowid}
        except sqlite3.Error as error:
            self._budget.step()  # an interrupted statement is a limit of ours, not a failure of the database
            raise AdapterError(f"sqlite error: {error}") from error

    def _rows(self, cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
        rows = []
        chars = 0
        for row in cursor:
            rows.append(dict(row))
            chars += _chars(row)
            if len(rows) % 1000 == 0:
                self._budget.size(chars)
                chars = 0
        self._budget.size(chars)
        return rows

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of all tables, in the order of their row ids; called once, after the run.

        Raises LimitReached when that is more than a run may make.
        """
        if self._opened is None:
            return initial_tables(self._world.sql, self._world.now)
        self._opened.set_progress_handler(None, 0)
        return _dump(self._opened, self._budget)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


@lru_cache(maxsize=256)
def initial_tables(sql: tuple[str, ...], now: str) -> dict[str, list[dict[str, Any]]]:
    """The tables of a world before anything ran; treat them as read-only."""
    connection = _open(World(sql=sql, now=now))
    try:
        return _dump(connection)
    finally:
        connection.close()


def touches(sql: Any, table: str) -> bool:
    """Whether SQL text names a table (as a word, in any case)."""
    return isinstance(sql, str) and re.search(rf"\b{re.escape(table)}\b", sql, re.IGNORECASE) is not None


def _open(world: World) -> sqlite3.Connection:
    """A fresh database after the world's scripts; ValueError when they are no SQL."""
    connection = sqlite3.connect(":memory:", cached_statements=32)
    connection.row_factory = sqlite3.Row
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    _replace_functions(connection, world)
    try:
        for script in ("PRAGMA temp_store = MEMORY; PRAGMA max_page_count = 4096", *world.sql):
            connection.executescript(script)
    except sqlite3.Error as error:
        raise ValueError(f"the world's SQL fails: {error}") from error
    connection.commit()
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    forbidden = action in _FORBIDDEN or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension")
    return sqlite3.SQLITE_DENY if forbidden else sqlite3.SQLITE_OK


def _replace_functions(connection: sqlite3.Connection, world: World) -> None:
    """Replace date functions, which would read the host's clock, by the world's in UTC; and printf, which can be told
    to count to a billion, by one with a largest width."""
    clock = world.clock.astimezone(UTC)
    now = clock.strftime("%Y-%m-%d %H:%M:%S")
    helper: list[sqlite3.Connection] = []

    def really(name: str, args: Sequence[Any]) -> Any:
        """SQLite's own function, of a second database."""
        if not helper:
            helper.append(sqlite3.connect(":memory:"))
            helper[0].setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        return helper[0].execute(f"SELECT {name}({','.join('?' * len(args))})", args).fetchone()[0]

    def dated(name: str, times: tuple[int, ...], *args: Any) -> Any:
        first = times[0]
        fixed = [*args[:first], *(arg for arg in args[first:] if _word(arg) not in _ZONES)]
        if len(fixed) == first or (len(fixed) > first and _word(fixed[first]) in _SUBSECOND):
            fixed.insert(first, now)
        for place in times:
            if len(fixed) > place and _word(fixed[place]) == "now":
                fixed[place] = now
        return really(name, fixed)

    def formatted(*args: Any) -> Any:
        pattern = str(args[0]) if args else ""
        widths = [*re.findall(r"\d+", pattern), *(args[1:] if "*" in pattern else ())]
        if any(_is_large(width) for width in widths):
            raise ValueError("a width that is too large")
        return really("printf", args)

    for name, times in _DATE_FUNCTIONS.items():
        connection.create_function(name, -1, partial(dated, name, times))
    for name, pattern in _CURRENT.items():
        connection.create_function(name, 0, partial(clock.strftime, pattern))
    for name in ("printf", "format"):
        connection.create_function(name, -1, formatted, deterministic=True)


def _word(arg: Any) -> str | None:
    return arg.strip().lower() if isinstance(arg, str) else None


def _is_large(width: Any) -> bool:
    try:
        return abs(float(width)) > _LONGEST
    except (TypeError, ValueError):  # no number, so no width
        return False


def _dump(connection: sqlite3.Connection, budget: Budget | None = None) -> dict[str, list[dict[str, Any]]]:
    names: Sequence[sqlite3.Row] = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    ).fetchall()
    tables: dict[str, list[dict[str, Any]]] = {}
    for (name,) in names:
        rows = tables[name] = []
        for row in connection.execute(f"SELECT * FROM {_quote(name)}"):
            if budget is not None:
                budget.size(_chars(row))
            rows.append(_plain(row))
    return tables


def _chars(row: sqlite3.Row) -> int:
    return sum(len(value) if isinstance(value, str | bytes) else 8 for value in row) + 8


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in dict(row).items()}


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
