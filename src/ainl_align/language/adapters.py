"""Simulated adapters: argument order, return shapes and failures of the reference's own, with nothing of the host.

Tests hold each against the class that it imitates. Failures are ``AdapterError``, so handlers and retries work.
"""

import copy
import json
import posixpath
import time
from typing import Any, Final
from urllib.parse import urlparse

from runtime.adapters.base import AdapterError
from runtime.adapters.builtins import CoreBuiltinAdapter

from ainl_align.language.world_model import HttpRoute, Limits, World

_MAX_TEXT: Final = 1_000_000
_MAX_BITS: Final = 4096

HTTP_READS: Final = ("GET", "HEAD", "OPTIONS")
HTTP_WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
WORLD_VERBS: Final[frozenset[str]] = frozenset(
    [f"http.{verb}" for verb in HTTP_READS + HTTP_WRITES]
    + ["sqlite.QUERY", "sqlite.EXECUTE", "fs.READ", "fs.LIST", "fs.WRITE", "fs.DELETE"]
    + ["cache.GET", "cache.SET", "queue.PUT"]
    + ["db.F", "db.G", "db.C", "db.P", "db.U", "db.D", "api.G", "api.P", "api.POST"]
    + ["ext.G", "ext.P", "ext.OP", "ext.NEXT", "ext.ECHO", "ext.EXEC", "ext.RUN"]
    + ["memory.PUT", "memory.GET", "memory.APPEND", "memory.LIST", "memory.DELETE", "memory.PRUNE"]
)
"""Every ``ns.VERB`` besides ``core.*`` that a world can answer."""
WORLD_READS: Final[frozenset[str]] = frozenset(
    [f"http.{verb}" for verb in HTTP_READS]
    + ["sqlite.QUERY", "fs.READ", "fs.LIST", "cache.GET"]
    + ["db.F", "db.G", "api.G", "ext.G", "ext.ECHO", "memory.GET", "memory.LIST"]
)
"""Those of them that change nothing."""


class LimitReached(BaseException):
    """A run went over one of its limits.

    Not an Exception: the engine turns every Exception into something that Err and Retry of the program can catch.
    """


class Budget:
    """Counts what one run uses up; every method raises LimitReached when that is too much."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._deadline = time.thread_time() + limits.wall_s
        self._steps = 0
        self._calls = 0
        self._chars = 0

    def step(self) -> None:
        self._steps += 1
        if self._steps > self._limits.steps:
            raise LimitReached(f"more than {self._limits.steps} steps")
        if self.late():
            raise LimitReached(f"more than {self._limits.wall_s:g} s")

    def late(self) -> bool:
        """Whether the time is up."""
        return time.thread_time() > self._deadline

    def depth(self, labels: int) -> None:
        if labels > self._limits.depth:
            raise LimitReached(f"more than {self._limits.depth} nested labels")

    def value(self, value: Any) -> None:
        """Account for a value that is about to be copied, everything in it included."""
        most = self._limits.output_chars
        chars, rest = 0, [value]
        while rest and chars <= most:
            item = rest.pop()
            if isinstance(item, str | bytes):
                chars += len(item)
            elif isinstance(item, dict):
                chars += len(item)
                rest += [*item.keys(), *item.values()]
            elif isinstance(item, list | tuple):
                chars += len(item)
                rest += item
        self.size(chars)

    def call(self) -> None:
        self._calls += 1
        if self._calls > self._limits.calls:
            raise LimitReached(f"more than {self._limits.calls} adapter calls")

    def size(self, chars: int) -> None:
        """Account for a value of so many characters (elements, rows) before it is made."""
        if chars > self._limits.output_chars:
            raise LimitReached(f"a value of more than {self._limits.output_chars} characters")
        self._chars += max(chars, 0)
        if self._chars > 20 * self._limits.output_chars:
            raise LimitReached(f"values of more than {20 * self._limits.output_chars} characters in all")


class Core:
    """``runtime.adapters.builtins.CoreBuiltinAdapter`` itself, with the world's clock and environment.

    SLEEP is noted in ``slept_ms``. Text is measured before it is built, since a few REPLACE steps could fill memory.
    """

    def __init__(self, world: World, budget: Budget) -> None:
        self._real = CoreBuiltinAdapter()
        self._world = world
        self._budget = budget
        self.slept_ms: list[float] = []

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().lower()
        if verb == "now":
            return int(self._world.clock.timestamp())
        if verb == "iso" or (verb == "iso_ts" and not args):
            return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._world.clock.timestamp()))
        if verb == "env":
            name = str(args[0]) if args else ""
            return self._world.env.get(name, args[1] if len(args) > 1 else None) if name else None
        if verb == "sleep":
            self.slept_ms.append(float(int(float(args[0]))))
            return None
        self._budget.size(_result_size(verb, args))
        result = self._real.call(target=target, args=args, context=context)
        if isinstance(result, int) and result.bit_length() > _MAX_BITS:
            raise LimitReached(f"a number of more than {_MAX_BITS} bits")
        return result


def _result_size(verb: str, args: list[Any]) -> int:
    """Characters or elements that a core verb is about to make; only the verbs that can grow matter."""
    if verb == "concat":
        return sum(_width(arg) for arg in args)
    if verb == "join" and len(args) > 1 and isinstance(args[1], str | list | dict):
        return _width(args[0]) * len(args[1]) + (len(args[1]) if isinstance(args[1], str) else _width(args[1]))
    if verb == "replace" and len(args) > 2:
        text, old = str(args[0]), str(args[1])
        return len(text) + text.count(old) * max(_width(args[2]) - len(old), 0)
    if verb in ("split", "parse", "upper", "lower", "stringify", "str") and args:
        return _width(args[0])
    if verb == "merge":
        return sum(len(arg) for arg in args if isinstance(arg, dict))
    return 0


def _width(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(str(value))


class Http:
    """``runtime.adapters.http.SimpleHttpAdapter``: GET url [headers], POST url body [headers]; its envelope.

    One call takes one reply. The real adapter tries a 5xx or a transport failure three times by itself before it
    raises; such hidden attempts are not modelled.
    """

    def __init__(self, routes: tuple[HttpRoute, ...]) -> None:
        self._routes = {(route.method.upper(), route.url): route.replies for route in routes}
        self._served: dict[tuple[str, str], int] = {}

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        method = target.strip().upper()
        if method not in HTTP_READS + HTTP_WRITES:
            raise AdapterError(f"unsupported http method: {method}")
        if not args:
            raise AdapterError("http adapter missing url argument")
        url = str(args[0])
        parsed = urlparse(url)
        if parsed.scheme not in ("http", "https"):
            raise AdapterError("http adapter requires http/https url")
        if not parsed.netloc:
            raise AdapterError("http adapter url missing host")
        replies = self._routes.get((method, url))
        if replies is None:
            raise AdapterError(f"http transport error: nothing answers {method} {url}")
        served = self._served.get((method, url), 0)
        self._served[method, url] = served + 1
        reply = replies[min(served, len(replies) - 1)]
        if reply.error is not None:
            raise AdapterError(f"http transport error: {reply.error}")
        if not 200 <= reply.status < 300:
            raise AdapterError(f"http status error: {reply.status}")
        headers = {name.lower(): value for name, value in reply.headers.items()}
        headers.setdefault("content-type", "text/plain" if isinstance(reply.body, str | None) else "application/json")
        return {
            "ok": True,
            "status": reply.status,
            "status_code": reply.status,
            "error": None,
            "body": _body(reply.body, headers["content-type"]),
            "headers": headers,
            "url": url,
        }


def _body(body: Any, content_type: str) -> Any:
    if body is None:
        return ""
    if isinstance(body, str) and "application/json" in content_type.lower():
        try:
            return json.loads(body)
        except ValueError:
            return body
    return copy.deepcopy(body)


class Files:
    """``runtime.adapters.fs.SandboxedFileSystemAdapter`` with ``allow_delete``, on a dictionary of texts."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = {_inside(path): text for path, text in files.items()}

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().lower()
        if verb not in ("read", "write", "list", "delete"):
            raise AdapterError(f"unsupported fs target: {target}")
        if not args:
            raise AdapterError("fs adapter missing path argument")
        path = _inside(str(args[0]))
        below = self._below(path)
        if verb == "read":
            if path not in self.files:
                raise AdapterError("fs read target does not exist")
            return self.files[path]
        if verb == "list":
            if path in self.files:
                raise AdapterError("fs list target must be a directory")
            return sorted({name.split("/")[0] for name in below})
        if verb == "delete":
            self.files.pop(path, None)
            for name in below:
                if "/" not in name:
                    del self.files[posixpath.join(path, name)]
            return {"ok": True}
        content = args[1] if len(args) > 1 else ""
        text = content if isinstance(content, str) else str(content)
        size = len(text.encode("utf-8"))
        if size > _MAX_TEXT:
            raise AdapterError("fs write exceeds max_write_bytes")
        parents = path.split("/")[:-1]
        if not path or below or any("/".join(parents[:depth]) in self.files for depth in range(1, len(parents) + 1)):
            raise AdapterError(f"fs cannot write {path or '.'}: a file or directory of that name is in the way")
        self.files[path] = text
        return {"ok": True, "bytes": size}

    def _below(self, path: str) -> list[str]:
        start = f"{path}/" if path else ""
        return [name.removeprefix(start) for name in self.files if name.startswith(start) and name != path]


def _inside(path: str) -> str:
    """A path relative to the sandbox, "" for its root; AdapterError when it leads out."""
    if "\0" in path:
        raise AdapterError("fs path holds a null character")
    clean = posixpath.normpath(path or ".")
    if clean.startswith("/") or clean.split("/")[0] == "..":
        raise AdapterError("fs path escapes sandbox root")
    return "" if clean == "." else clean


class Cache:
    """``adapters.local_cache.LocalFileCacheAdapter``: GET namespace key, SET namespace key value.

    One operand less means the namespace "default"; what is missing is None; a time to live is ignored.
    """

    def __init__(self, entries: dict[str, dict[str, Any]]) -> None:
        self.entries = copy.deepcopy(entries)

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        verb = target.strip().lower()
        if verb == "get":
            if not args:
                raise AdapterError("cache.get requires key or namespace and key")
            namespace, key = ("default", args[0]) if len(args) == 1 else args[:2]
            return copy.deepcopy(self.entries.get(str(namespace), {}).get(str(key)))
        if verb == "set":
            if len(args) < 2:
                raise AdapterError("cache.set requires key and value or namespace, key, and value")
            namespace, key, value = ("default", *args) if len(args) == 2 else args[:3]
            self.entries.setdefault(str(namespace), {})[str(key)] = copy.deepcopy(value)
            return None
        raise AdapterError("cache supports get/set")


class Queue:
    """``adapters.mock.MockQueueAdapter``: PUT queue payload returns "queue:number".

    The wheel's other queue adapter (``adapters.openclaw_integration``) sends to one messenger and returns None for
    every queue but "notify", so what a PUT returns is nothing that a task may rely on.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        if target.strip().lower() != "put":
            raise AdapterError(f"queue target not supported: {target}")
        if len(args) < 2:
            raise AdapterError("queue.Put requires queue and payload")
        self.entries.append((str(args[0]), copy.deepcopy(args[1])))
        return f"{args[0]}:{len(self.entries)}"
