"""What a simulated world holds, what may start a program in it, and what a run leaves behind.

Every model is frozen and survives a JSON round trip, so worlds can be stored with tasks and sent to worker processes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Frozen(BaseModel):
    """Immutable model that refuses unknown fields: a misspelt expectation must not pass silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reply(Frozen):
    """One answer of an HTTP route; a status outside 200..299 or an ``error`` makes the program's call fail."""

    status: int = Field(200, ge=100, le=599)
    body: Any = None
    """A JSON value, or text. Text stays text unless a ``content-type: application/json`` header says otherwise."""
    headers: dict[str, str] = {}
    error: str | None = None
    """Transport failure, such as a timeout: the request got no reply at all."""


class HttpRoute(Frozen):
    """Replies of one method and one exact URL, used up in order; the last one repeats."""

    method: str
    url: str
    replies: tuple[Reply, ...] = Field(min_length=1)


class Command(Frozen):
    """A program that ``ext.EXEC`` can start, by its exact words."""

    argv: tuple[str, ...] = Field(min_length=1)
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""


class MemoryRecord(Frozen):
    """An entry of the memory store; past its time to live it cannot be read, and PRUNE removes it."""

    namespace: Literal["session", "long_term", "daily_log", "workflow", "ops"]
    kind: str
    id: str
    payload: dict[str, Any]
    ttl_s: int | None = None
    age_s: int = 0


class Fault(Frozen):
    """The first ``times`` matching calls raise ``message`` and have no effect."""

    call: str
    """``ns.VERB``, such as ``sqlite.EXECUTE``."""
    target: str | None = None
    """The first argument (URL, path, queue, namespace, entity, program), or a table that the SQL names; None: every
    call."""
    times: int = Field(ge=1)
    message: str = "failed"


class World(Frozen):
    """Everything that a program can see or change. Nothing in it is on the host."""

    http: tuple[HttpRoute, ...] = ()
    sql: tuple[str, ...] = ()
    """SQL scripts that prepare a fresh in-memory SQLite database."""
    files: dict[str, str] = {}
    """Relative path to text."""
    cache: dict[str, dict[str, Any]] = {}
    """Namespace to key to value."""
    db: dict[str, list[dict[str, Any]]] = {}
    """Entity to records, each with a number ``id``."""
    api: dict[str, Any] = {}
    """Path to the data that ``api.G`` finds there; elsewhere it finds an empty list."""
    commands: tuple[Command, ...] = ()
    memory: tuple[MemoryRecord, ...] = ()
    faults: tuple[Fault, ...] = ()
    now: str = "2026-01-15T09:00:00+00:00"
    """What the clock shows during the whole run (ISO 8601; UTC unless it says otherwise)."""
    env: dict[str, str] = {}

    @field_validator("now")
    @classmethod
    def _is_time(cls, value: str) -> str:
        datetime.fromisoformat(value)
        return value

    @property
    def clock(self) -> datetime:
        """``now`` as an aware time."""
        time = datetime.fromisoformat(self.now)
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class Trigger(Frozen):
    """What starts a program: nothing in particular, a schedule, or a request to an endpoint."""

    kind: Literal["plain", "cron", "endpoint"] = "plain"
    cron: str | None = None
    path: str | None = None
    method: str | None = None
    """``GET``, ``POST``, ``PUT`` or ``DELETE``."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {name for name in ("cron", "path", "method") if getattr(self, name) is not None}
        wanted = {"plain": set(), "cron": {"cron"}, "endpoint": {"path", "method"}}[self.kind]
        if given != wanted:
            raise ValueError(f"a {self.kind} trigger has the fields {sorted(wanted)}, not {sorted(given)}")
        return self


class Call(Frozen):
    """One adapter call as the program made it; ``core.*`` is not recorded."""

    name: str
    args: tuple[Any, ...]
    ok: bool
    result: Any = None
    error: str | None = None


class Trace(Frozen):
    """What a run did."""

    returned: Any = None
    error: str | None = None
    """Why the run did not end with a value; None when it did."""
    calls: tuple[Call, ...] = ()
    """Every adapter call except ``core.*``, in order, failed ones included."""
    delays_ms: tuple[float, ...] = ()
    """Retry backoffs, recorded instead of slept."""
    slept_ms: tuple[float, ...] = ()
    """``core.SLEEP`` calls, recorded instead of slept."""
    triggers: tuple[Trigger, ...] = ()
    """What the program declares; one plain trigger when it declares neither schedule nor endpoint."""
    tables: dict[str, list[dict[str, Any]]] = {}
    files: dict[str, str] = {}
    cache: dict[str, dict[str, Any]] = {}
    queue: tuple[tuple[str, Any], ...] = ()
    """(queue, payload) of every successful ``queue.PUT``, in order."""
    db: dict[str, list[dict[str, Any]]] = {}
    memory: dict[str, Any] = {}
    """``namespace/kind/id`` to payload."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run. Reaching one ends the run with an error that no handler of the program can catch."""

    steps: int = 2000
    depth: int = 40
    """Nested labels: calls, branches and handlers."""
    calls: int = 200
    """Adapter calls other than ``core.*``."""
    wall_s: float = 2.0
    """Measured on the CPU clock of the thread, so that a busy machine changes no verdict. Nothing in a run waits."""
    output_chars: int = 100_000
    """Size of any one value; all values that a run makes may add up to twenty times that."""
