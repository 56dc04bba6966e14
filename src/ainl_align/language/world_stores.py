"""Simulated ``db``, ``api``, ``ext`` and ``memory``: what the reference's bundled adapters do, without their host.

Where the reference has a working backend (memory, the in-memory db, ext commands) tests hold these against it. Its
``api`` answers every path with an empty list; here a world says what the data of a path is.
"""

import copy
import json
from datetime import datetime, timedelta
from typing import Any, Final

from runtime.adapters.base import AdapterError

from ainl_align.language.adapters import Budget
from ainl_align.language.world_model import MemoryRecord, World

_NAMESPACES: Final = frozenset({"session", "long_term", "daily_log", "workflow", "ops"})
_Key = tuple[str, str, str]


class Db:
    """``cli.main._InMemoryDbAdapter``: records of named entities, each a JSON object with a numeric ``id``.

    F entity: all records. G entity id: one of them or None. C (or P) entity payload: a new record with the next id.
    U entity payload: changes the *first* record. D entity id: whether there was one. Filters are ignored.
    """

    def __init__(self, records: dict[str, list[dict[str, Any]]]) -> None:
        self.records = copy.deepcopy(records)
        ids = (row.get("id") for rows in records.values() for row in rows)
        self._last = max((number for number in ids if isinstance(number, int)), default=0)

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().upper()
        entity = str(args[0]) if args else "Entity"
        given = args[1] if len(args) > 1 else None
        rows = self.records.get(entity, [])
        if verb == "F":
            return copy.deepcopy(rows)
        if verb == "G":
            return copy.deepcopy(self._find(rows, given))
        if verb in ("C", "P"):
            self._last += 1
            row = {"id": self._last, **(copy.deepcopy(given) if isinstance(given, dict) else {})}
            self.records.setdefault(entity, []).append(row)
            return dict(row)
        if verb == "U":
            if rows and isinstance(given, dict):
                rows[0].update(copy.deepcopy(given))
            return copy.deepcopy(rows[0]) if rows else None
        if verb == "D":
            found = self._find(rows, given)
            if found is None:
                return False
            rows.remove(found)
            return True
        raise AdapterError(f"db verb not supported: {verb}")

    @staticmethod
    def _find(rows: list[dict[str, Any]], number: Any) -> dict[str, Any] | None:
        if number is None:
            return rows[0] if rows else None
        return next((row for row in rows if row.get("id") == number), None)


class Api:
    """``adapters.mock.MockAPIAdapter``: G path, P (or POST) path body; the envelope that both of them return."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().upper()
        path = str(args[0]) if args else "/"
        if verb == "G":
            return {"ok": True, "path": path, "method": "GET", "data": copy.deepcopy(self._data.get(path, []))}
        if verb in ("P", "POST"):
            body = copy.deepcopy(args[1]) if len(args) > 1 else None
            return {"ok": True, "path": path, "method": "POST", "body": body}
        raise AdapterError(f"api verb not supported: {verb}")


class Ext:
    """``adapters.std_ext.StdExtAdapter``: EXEC (or RUN) program arguments; every other verb gives back its operand.

    A command that the world does not have cannot be started. One that ends with another code than 0 is no failure.
    """

    def __init__(self, world: World) -> None:
        self._commands = {command.argv: command for command in world.commands}

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        if target.strip().lower() not in ("exec", "run"):
            return copy.deepcopy(args[0]) if args else target
        if not args:
            raise AdapterError("ext.EXEC requires argv list")
        command = self._commands.get(tuple(str(arg) for arg in args))
        if command is None:
            raise AdapterError(f"ext.EXEC executable not found: {args[0]}")
        return {"exit_code": command.exit_code, "stdout": command.stdout, "stderr": command.stderr}


class Memory:
    """``runtime.adapters.memory.MemoryAdapter``: JSON objects by namespace, kind and id, with a time to live.

    PUT namespace kind id payload [ttl], GET namespace kind id, APPEND namespace kind id entry [ttl], LIST namespace
    [kind [prefix [since]]], DELETE namespace kind id, PRUNE [namespace]. Metadata and list filters are not modelled.
    """

    def __init__(self, world: World, budget: Budget) -> None:
        self._now = world.clock
        self._budget = budget
        self._records: dict[_Key, dict[str, Any]] = {}
        self._stats = {"operations": 0, "reads": 0, "writes": 0, "pruned": 0}
        for record in world.memory:
            self._load(record)

    def _load(self, record: MemoryRecord) -> None:
        made = (self._now - timedelta(seconds=record.age_s)).isoformat()
        self._records[record.namespace, record.kind, record.id] = {
            "created_at": made,
            "updated_at": made,
            "ttl_seconds": record.ttl_s,
            "payload": copy.deepcopy(record.payload),
        }

    def payloads(self) -> dict[str, Any]:
        """What is stored at the end, by ``namespace/kind/id``."""
        return {"/".join(key): record["payload"] for key, record in sorted(self._records.items())}

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().lower()
        if verb == "list":
            return self._list(args)
        if verb == "prune":
            return self._prune(_namespace(args[0]) if args and args[0] is not None else None)
        if verb not in ("put", "get", "append", "delete"):
            raise AdapterError(f"memory adapter unsupported verb: {target}")
        key = _key(args)
        if verb == "get":
            return self._get(key)
        if verb == "delete":
            gone = self._records.pop(key, None) is not None
            return self._answer({"ok": True, "deleted": gone}, writes=int(gone))
        if len(args) < 4:
            raise AdapterError(f"memory.{verb} requires {'payload' if verb == 'put' else 'entry'} argument")
        if not isinstance(args[3], dict):
            raise AdapterError("memory payload must be a JSON object")
        ttl = args[4] if len(args) > 4 else None
        if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int)):
            raise AdapterError("memory ttl_seconds must be an integer or null")
        if len(args) > 5:
            raise AdapterError("memory metadata is not kept in this world")
        return self._store(key, self._payload(key, args[3], append=verb == "append"), ttl, append=verb == "append")

    def _payload(self, key: _Key, given: dict[str, Any], *, append: bool) -> dict[str, Any]:
        payload = given
        if append and key in self._records:
            entries = self._records[key]["payload"].get("entries")
            if not isinstance(entries, list):
                raise AdapterError("memory.append requires existing payload with 'entries' list")
            payload = {**self._records[key]["payload"], "entries": [*entries, given]}
        elif append:
            payload = {"entries": [given]}
        text = json.dumps(payload)
        self._budget.size(len(text))
        stored: dict[str, Any] = json.loads(text)
        return stored

    def _store(self, key: _Key, payload: dict[str, Any], ttl: int | None, *, append: bool) -> dict[str, Any]:
        now = self._now.isoformat()
        made = self._records.get(key)
        self._records[key] = {
            "created_at": made["created_at"] if made else now,
            "updated_at": now,
            "ttl_seconds": ttl,
            "payload": payload,
        }
        created = {} if append else {"created": made is None}
        return self._answer({"ok": True, **created, "updated_at": now}, writes=1)

    def _get(self, key: _Key) -> dict[str, Any]:
        record = self._records.get(key)
        if record is None or self._expired(record):
            return self._answer({"found": False, "record": None}, reads=1)
        names = dict(zip(("namespace", "record_kind", "record_id"), key, strict=True))
        found = {"found": True, "record": {**names, **copy.deepcopy(record), "metadata": None}}
        return self._answer(found, reads=1)

    def _list(self, args: list[Any]) -> dict[str, Any]:
        if not args:
            raise AdapterError("memory.list requires at least namespace argument")
        namespace = _namespace(args[0])
        if len(args) > 4:
            raise AdapterError("memory.list filters are not kept in this world")
        kind, prefix, since = (*args[1:], None, None, None)[:3]
        for name, value in (("record_kind", kind), ("record_id_prefix", prefix), ("updated_since", since)):
            if value is not None and (not isinstance(value, str) or not value):
                extra = " ISO timestamp" if name == "updated_since" else ""
                raise AdapterError(f"memory.list {name}, when provided, must be a non-empty{extra} string")
        items = [
            {
                "record_kind": key[1],
                "record_id": key[2],
                **{name: record[name] for name in ("created_at", "updated_at", "ttl_seconds")},
            }
            for key, record in sorted(self._records.items())
            if key[0] == namespace
            and kind in (None, key[1])
            and key[2].lower().startswith((prefix or "").lower())
            and record["updated_at"] >= (since or "")
        ]
        return self._answer({"items": items}, reads=len(items))

    def _prune(self, namespace: str | None) -> dict[str, Any]:
        gone = [key for key, record in self._records.items() if namespace in (None, key[0]) and self._expired(record)]
        for key in gone:
            del self._records[key]
        return self._answer({"ok": True, "pruned": len(gone)}, writes=len(gone), pruned=len(gone))

    def _expired(self, record: dict[str, Any]) -> bool:
        ttl = record["ttl_seconds"]
        age = self._now - datetime.fromisoformat(record["created_at"])
        return ttl is not None and age.total_seconds() > ttl

    def _answer(self, body: dict[str, Any], *, reads: int = 0, writes: int = 0, pruned: int = 0) -> dict[str, Any]:
        for name, number in (("operations", 1), ("reads", reads), ("writes", writes), ("pruned", pruned)):
            self._stats[name] += number
        return {**body, "stats": dict(self._stats)}


def _namespace(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise AdapterError("memory namespace must be a non-empty string")
    if value not in _NAMESPACES:
        raise AdapterError(f"memory namespace '{value}' is not allowed in v1")
    return value


def _key(args: list[Any]) -> _Key:
    if len(args) < 3:
        raise AdapterError("memory adapter requires at least namespace, record_kind, record_id arguments")
    namespace = _namespace(args[0])
    for name, value in (("record_kind", args[1]), ("record_id", args[2])):
        if not isinstance(value, str) or not value:
            raise AdapterError(f"memory {name} must be a non-empty string")
    return namespace, args[1], args[2]
