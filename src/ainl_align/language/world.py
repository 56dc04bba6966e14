"""Run a program in a simulated world, on the reference runtime (``RuntimeEngine``, graph mode).

The engine installs real adapters by itself for names that a program mentions; here its registry refuses them, so a
program sees the world and nothing else. Memory and a hanging compiler are bounded by ``language.sandbox``.
"""

import copy
from typing import Any, Final

from runtime.adapters.base import AdapterError, AdapterRegistry
from runtime.engine import RuntimeEngine

from ainl_align.language.adapters import (
    WORLD_VERBS,
    Budget,
    Cache,
    Core,
    Files,
    Http,
    LimitReached,
    Queue,
)
from ainl_align.language.canonical import STEPS
from ainl_align.language.compiler import compile_program
from ainl_align.language.cron import same_schedule
from ainl_align.language.world_model import (
    Call,
    Command,
    Fault,
    Frozen,
    HttpRoute,
    Limits,
    MemoryRecord,
    Reply,
    Trace,
    Trigger,
    World,
)
from ainl_align.language.world_sqlite import Sqlite, touches
from ainl_align.language.world_stores import Api, Db, Ext, Memory

__all__ = [
    "WORLD_VERBS",
    "Call",
    "Command",
    "Fault",
    "Frozen",
    "HttpRoute",
    "Limits",
    "MemoryRecord",
    "Reply",
    "Trace",
    "Trigger",
    "World",
    "declared_triggers",
    "describe",
    "matches",
    "run_program",
]

_METHODS: Final = {"G": "GET", "P": "POST", "U": "PUT", "D": "DELETE"}
_NAMESPACES: Final = frozenset(verb.split(".")[0] for verb in WORLD_VERBS)
_DEFAULT_LIMITS: Final = Limits()


def run_program(
    source: str,
    world: World,
    *,
    trigger: Trigger,
    body: Any = None,
    query: Any = None,
    limits: Limits = _DEFAULT_LIMITS,
) -> Trace:
    """Run the entry that ``trigger`` names; ``body`` and ``query`` are in the frame of an endpoint.

    Never raises for what a program does: a program that does not compile, lacks the trigger, fails or goes over a
    limit has ``Trace.error``. Raises ValueError for a world whose SQL fails.

    Only our seven steps are run: the engine's other ones (X, While, Memory...) reach the host's clock and environment
    by themselves, and loop without a limit.
    """
    compiled = compile_program(source, strict=True)
    if not compiled.ok or compiled.ir is None:
        return Trace(error=f"does not compile: {compiled.errors[0]}")
    foreign = _foreign_steps(compiled.ir)
    if foreign:
        return Trace(error=f"has steps that are not run: {', '.join(foreign)}")
    entries = _entries(compiled.ir)
    triggers = tuple(declared for declared, _ in entries) or (Trigger(),)
    label = next((label for declared, label in entries if matches(declared, trigger)), None)
    if trigger.kind != "plain" and label is None:
        return Trace(error=f"has no {describe(trigger)}", triggers=triggers)
    frame = {"body": copy.deepcopy(body), "query": copy.deepcopy(query)} if trigger.kind == "endpoint" else {}
    budget = Budget(limits)
    services = _Services(world, budget)
    delays_ms: list[float] = []
    returned, error = None, None
    try:
        engine = _Engine(compiled.ir, services, budget, delays_ms)
        returned = engine.run_entry(label or engine.default_entry_label(), frame)
    except LimitReached as reached:
        error = f"limit: {reached}"
    except Exception as failure:  # the boundary: the engine raises more than its own error type
        error = _explain(failure)
    try:
        return services.trace(returned, error, delays_ms, triggers)
    except LimitReached as reached:
        return Trace(error=f"limit: {reached}", triggers=triggers)
    finally:
        services.sqlite.close()


def _foreign_steps(ir: dict[str, Any]) -> list[str]:
    found = set()
    for label in ir["labels"].values():
        found |= {str(node.get("op")) for node in label.get("nodes") or ()}
        found |= {str(step.get("op")) for step in (label.get("legacy") or {}).get("steps") or ()}
    return sorted(found - STEPS)


def declared_triggers(source: str) -> tuple[Trigger, ...]:
    """What may start a program: its endpoints, then its schedules; one plain trigger when it declares neither."""
    compiled = compile_program(source, strict=True)
    return tuple(declared for declared, _ in _entries(compiled.ir or {})) or (Trigger(),)


def matches(declared: Trigger, wanted: Trigger) -> bool:
    """Whether two triggers start at the same moments or requests."""
    if declared.kind == wanted.kind == "cron":
        return same_schedule(str(declared.cron), str(wanted.cron))
    return declared == wanted


def describe(trigger: Trigger) -> str:
    """A trigger in words, for reasons."""
    if trigger.kind == "cron":
        return f'schedule "{trigger.cron}"'
    return f"endpoint {trigger.method} {trigger.path}" if trigger.kind == "endpoint" else "plain entry"


def _entries(ir: dict[str, Any]) -> list[tuple[Trigger, str]]:
    """What the program declares to start it, each with its label."""
    found = []
    endpoints: dict[str, dict[str, Any]] = ir.get("services", {}).get("core", {}).get("eps") or {}
    for path, methods in endpoints.items():
        for letter, endpoint in methods.items():
            method = _METHODS.get(letter.upper(), letter.upper())
            found.append((Trigger(kind="endpoint", path=path, method=method), str(endpoint["label_id"])))
    for schedule in ir.get("crons") or ():
        expression = " ".join(str(schedule["expr"]).split())
        found.append((Trigger(kind="cron", cron=expression), str(schedule["label"])))
    return found


def _explain(failure: Exception) -> str:
    data = getattr(failure, "data", None)
    cause = data.get("cause_message") if isinstance(data, dict) else None
    if cause is None:
        return f"{type(failure).__name__}: {failure}"[:500]
    where = f"line {data['lineno']}: " if data and data.get("lineno") else ""
    return f"{where}{cause}"[:500]


class _Services(AdapterRegistry):  # type: ignore[misc]  # the reference package is untyped
    """Everything that a program can call, recorded; the engine's wish to add real adapters is refused."""

    def __init__(self, world: World, budget: Budget) -> None:
        super().__init__(allowed=[])
        self._budget = budget
        self._faults = list(world.faults)
        self._faults_left = [fault.times for fault in world.faults]
        self._calls: list[Call] = []
        self._core = Core(world, budget)
        self._files = Files(world.files)
        self._cache = Cache(world.cache)
        self._queue = Queue()
        self._db = Db(world.db)
        self._memory = Memory(world, budget)
        self.sqlite = Sqlite(world, budget)
        self._answering: dict[str, Any] = {
            "http": Http(world.http),
            "sqlite": self.sqlite,
            "fs": self._files,
            "cache": self._cache,
            "queue": self._queue,
            "db": self._db,
            "api": Api(world.api),
            "ext": Ext(world),
            "memory": self._memory,
        }

    def __contains__(self, name: object) -> bool:
        return True  # "registered already": the engine adds real adapters for names that are not

    def register(self, name: str, adapter: Any) -> None:
        """Refuse: a world answers every call by itself."""

    def _require(self, name: str) -> Any:
        raise AdapterError(f"{name} is only reached through R")

    def call(self, adapter_name: str, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        try:
            return self._call(adapter_name, target, args, context)
        except MemoryError:  # of the sandbox; no handler of the program may catch it
            raise LimitReached("more memory than a run may use") from None

    def _call(self, adapter_name: str, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        if adapter_name == "core":
            return self._core.call(target, args, context)
        self._budget.call()
        self._budget.value(args)
        name = f"{adapter_name}.{target.upper()}"
        given = tuple(copy.deepcopy(args))
        try:
            self._fail_on_purpose(name, args)
            adapter = self._answering.get(adapter_name)
            if adapter is None:
                raise AdapterError(f"there is no {adapter_name} in this world")
            result = adapter.call(target, args, context)
            self._budget.value(result)
        except MemoryError:
            raise
        except Exception as failure:  # recorded, then left to the program's handlers
            self._calls.append(Call(name=name, args=given, ok=False, error=str(failure)[:500]))
            raise
        self._calls.append(Call(name=name, args=given, ok=True, result=copy.deepcopy(result)))
        return result

    def _fail_on_purpose(self, name: str, args: list[Any]) -> None:
        for place, fault in enumerate(self._faults):
            if self._faults_left[place] > 0 and fault.call.upper() == name.upper() and _hits(fault, args):
                self._faults_left[place] -= 1
                raise AdapterError(fault.message)

    def trace(self, returned: Any, error: str | None, delays_ms: list[float], triggers: tuple[Trigger, ...]) -> Trace:
        return Trace(
            returned=returned,
            error=error,
            calls=tuple(self._calls),
            delays_ms=tuple(delays_ms),
            slept_ms=tuple(self._core.slept_ms),
            triggers=triggers,
            tables={} if (error or "").startswith("limit: ") else self.sqlite.tables(),
            files=self._files.files,
            cache=self._cache.entries,
            queue=tuple(self._queue.entries),
            db=self._db.records,
            memory=self._memory.payloads(),
        )


def _hits(fault: Fault, args: list[Any]) -> bool:
    if fault.target is None:
        return True
    first = args[0] if args else ""
    return touches(first, fault.target) if fault.call.startswith("sqlite.") else str(first) == fault.target


class _Silent:
    """Stands where the engine keeps its process-wide metrics."""

    enabled = False

    def emit(self, name: str, value: Any, *, labels: dict[str, Any] | None = None) -> None:
        """Count nothing."""

    def close(self) -> None:
        """Hold nothing."""


class _Engine(RuntimeEngine):  # type: ignore[misc]  # the reference package is untyped
    """The reference engine with our limits, which Retry and Err cannot catch, and with backoffs noted, not slept."""

    def __init__(self, ir: dict[str, Any], services: _Services, budget: Budget, delays_ms: list[float]) -> None:
        super().__init__(
            ir, adapters=services, host_adapter_allowlist=sorted(_NAMESPACES | {"core"}), host_adapter_denylist=[]
        )
        self.runtime_async = False  # whatever the environment says: the asynchronous engine ignores Err and Retry
        self.observability = _Silent()
        self._budget = budget
        self._delays_ms = delays_ms

    def run_entry(self, label: str, frame: dict[str, Any]) -> Any:
        """Run a label; RuntimeError when it does not exist, where the engine itself would return None."""
        if self._resolve_label_key(label, []) not in self.labels:
            raise RuntimeError(f"there is no label {label} to run")
        return self.run_label(label, frame)

    def _guard_tick(self, lid: str, idx: int, op: str, stack: list[str], frame: dict[str, Any]) -> None:
        self._budget.step()

    def _guard_depth(self, stack: list[str]) -> None:
        self._budget.depth(len(stack))

    def _compute_retry_delay_ms(self, cfg: dict[str, Any], attempt: int) -> float:
        self._delays_ms.append(RuntimeEngine._compute_retry_delay_ms(cfg, attempt))
        return 0.0
