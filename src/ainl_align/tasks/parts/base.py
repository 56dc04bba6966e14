"""What parts share: the sampling context, values that flow through a task, and a scenario under construction."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ainl_align.language.world_model import Command, Fault, HttpRoute, MemoryRecord, Reply, World
from ainl_align.tasks.entities import Entities
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec, Expect, Scenario
from ainl_align.tasks.wording import Pool

if TYPE_CHECKING:
    from ainl_align.tasks.parts.flow import Flow

T = TypeVar("T")
Guard = Callable[[int], None]
Kind = Literal["num", "text", "flag", "list", "any"]


class Ctx:
    """Randomness, resource names and wording pools of one task."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self.rng = rng
        self.split = split
        self.names = Entities(rng, split)

    def pick(self, options: Sequence[T]) -> T:
        """One of ``options``, whatever the split (for things that are no wording)."""
        return self.rng.choice(options)

    def say(self, train: Sequence[T], held: Sequence[T]) -> T:
        """One wording: training draws from the first pool, dev and test from the second."""
        return self.rng.choice(train if self.split == "train" else held)

    def phrase(self, pool: Pool, **slots: object) -> str:
        """A phrase of the pool's side for this split, with its slots filled."""
        return self.say(*pool).format(**slots)


@dataclass(frozen=True)
class Item:
    """A value that flows through a task: its key, how the prompt names it, and its kind."""

    key: str
    noun: str
    kind: Kind


@dataclass
class Table:
    """A SQL table of one scenario: columns with their SQL types, and rows as they change."""

    name: str
    columns: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    changed: bool = False

    def script(self) -> tuple[str, ...]:
        """SQL that creates the table with its present rows."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        lines = [f"CREATE TABLE {self.name} ({columns});"]
        for row in self.rows:
            names = ", ".join(row)
            values = ", ".join(sql_literal(value) for value in row.values())
            lines.append(f"INSERT INTO {self.name} ({names}) VALUES ({values});")
        return tuple(lines)

    def insert(self, row: dict[str, Any]) -> None:
        """Append a row; ``id`` counts on where the table has one, and other absent columns are None."""
        full = {name: row.get(name) for name in self.columns}
        if "id" in full and full["id"] is None:
            full["id"] = max((existing["id"] for existing in self.rows), default=0) + 1
        self.rows.append(full)
        self.changed = True


def sql_literal(value: Any) -> str:
    """A value as SQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


class Failed(Exception):
    """A call of the program fails in this scenario, in the model of what should happen."""


class Scene:
    """A scenario under construction. Steps first prepare its world, then play what should happen in it."""

    def __init__(self, name: str, given: dict[str, Any], failing: "Step | None" = None, failures: int = 0) -> None:
        self.name = name
        self.given = given
        """What the world holds for each source item."""
        self.failing, self.failures = failing, failures
        """The step whose call fails first, and how many times."""
        self.path: list[bool] = []
        """The answers of the conditions on the way, in order."""
        self.visited: list[Step] = []
        """The steps that were played."""
        self.values: dict[str, Any] = {}
        """What the program knows while it is played."""
        self.http: dict[tuple[str, str], list[Reply]] = {}
        self.tables: dict[str, Table] = {}
        self.files: dict[str, str] = {}
        self.cache: dict[str, dict[str, Any]] = {}
        self.db: dict[str, list[dict[str, Any]]] = {}
        self.api: dict[str, Any] = {}
        self.commands: list[Command] = []
        self.memory: list[MemoryRecord] = []
        self.faults: list[Fault] = []
        self.body: Any = None
        self.query: Any = None
        self.writes: list[CallSpec] = []
        self.reads: list[CallSpec] = []
        self.returned: Any = "any"
        self.check_returned = False
        self.error = False
        self.delays: tuple[float, ...] | None = None
        self.now: str | None = None
        """What the clock shows, when that matters."""
        self._world: dict[str, Any] | None = None

    def table(self, name: str, columns: dict[str, str]) -> Table:
        """The table of that name, created empty on first use."""
        return self.tables.setdefault(name, Table(name, columns))

    def seal_world(self) -> None:
        """Fix the world as it is before the program runs."""
        self._world = {
            "http": tuple(
                HttpRoute(method=method, url=url, replies=tuple(replies))
                for (method, url), replies in self.http.items()
            ),
            "sql": tuple(line for table in self.tables.values() for line in table.script()),
            "files": dict(self.files),
            "cache": {namespace: dict(entries) for namespace, entries in self.cache.items()},
            "db": {entity: [dict(row) for row in rows] for entity, rows in self.db.items()},
            "api": dict(self.api),
            "commands": tuple(self.commands),
            "memory": tuple(self.memory),
            "faults": tuple(self.faults),
        }
        if self.now is not None:
            self._world["now"] = self.now

    def scenario(self) -> Scenario:
        """The finished scenario; the world must have been sealed."""
        assert self._world is not None, self.name
        return Scenario(
            name=self.name,
            world=World(**self._world),
            body=self.body,
            query=self.query,
            expect=Expect(
                returned=self.returned,
                check_returned=self.check_returned,
                error=self.error,
                writes=tuple(self.writes),
                reads=tuple(self.reads),
                tables={table.name: table.rows for table in self.tables.values() if table.changed},
                delays_ms=self.delays,
            ),
        )


def unguarded(at: int) -> None:
    """The guard of a step that may simply fail."""
    return None


class Step(ABC):
    """One action of a task: it writes AINL, says itself in words, prepares a world, and plays its effect."""

    kinds: frozenset[str] = frozenset({"compute"})
    """Effect kinds of the AINL that ``emit`` writes (an error handler may only use those of its caller)."""
    signature: str
    """Names the composition: what the step is, without its resource names."""
    gives: tuple[Item, ...] = ()
    """Values that the steps after it can use."""
    examples: Mapping[str, Any] = MappingProxyType({})
    """World values that a family wants instead of drawn ones."""
    inner: "Flow | None" = None
    """The flow that a step runs as a whole, for a step that has one."""
    input: str = ""
    """The input of the endpoint that the step reads: ``query`` or nothing (``body`` is set for POST and PUT anyway)."""

    @abstractmethod
    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        """Write the step and add what it gives to ``known``; ``guard`` gets the number K of its adapter call."""

    @abstractmethod
    def clause(self, ctx: Ctx) -> str:
        """The step as a clause in the bare infinitive, lower case, without a full stop."""

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        """World values of one scenario, by item key; nothing for steps that read nothing."""
        return {}

    def solve(self, key: str, value: Any, base: Mapping[str, Any]) -> dict[str, Any]:
        """Values of earlier items, or world values, with which item ``key`` comes out as ``value``."""
        return {key: value}

    def edges(self) -> list[tuple[str, dict[str, Any]]]:
        """(name, world values) of further scenarios that this step needs, such as a missing entry."""
        return []

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Item values that lead the step to each of its own ends, for a step that branches inside."""
        return []

    def prepare(self, scene: Scene) -> None:
        """Put what the step meets into the world of ``scene``."""
        return None

    @abstractmethod
    def play(self, scene: Scene) -> None:
        """What a right program does here: expected effects, and the values it learns."""


def read_value(scene: Scene, key: str) -> Any:
    """A value that the program knows at this point; KeyError is a bug of the recipe."""
    return scene.values[key]
