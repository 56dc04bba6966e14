"""A task carries its meaning: a prompt, a gold program, and scenarios in which any right program behaves alike."""

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from ainl_align.language.world_model import Frozen, Trigger, World

ANY: Final = "any"
"""Marker of ``Expect.returned``: the returned value does not matter."""


class CallSpec(Frozen):
    """An adapter call that must have happened.

    ``args`` are compared as values: JSON text equals the value it spells, 3 equals 3.0, other text is exact. Failed
    attempts count. For a read they are the leading arguments, and for sqlite they name a table that the SQL touches.
    """

    name: str
    args: tuple[Any, ...] = ()
    times: int | None = Field(None, ge=1)
    """Exactly so many attempts; None: exactly one write, at least one read."""


class Expect(Frozen):
    """What must be observed in one scenario. Writes that are not listed here are forbidden; reads are free."""

    returned: Any = ANY
    check_returned: bool = False
    """Whether ``returned`` is compared; unless given, true when ``returned`` is not ``"any"``."""
    error: bool = False
    """The run must end in an error (True) or with a value (False)."""
    writes: tuple[CallSpec, ...] = ()
    """In order within one sink (same namespace and target); across sinks only when ``ordered``.

    ``sqlite.EXECUTE`` is judged by ``tables``; listing it as well demands that many attempts on the named table.
    """
    ordered: bool = False
    reads: tuple[CallSpec, ...] = ()
    tables: dict[str, list[dict[str, Any]]] = Field({})
    """Final rows of the tables that change, in any order; every other table must end as it began."""
    delays_ms: tuple[float, ...] | None = None
    """Retry backoffs in order; None: they do not matter."""

    @model_validator(mode="before")
    @classmethod
    def _default_check(cls, data: Any) -> Any:
        if isinstance(data, dict) and "check_returned" not in data:
            return {**data, "check_returned": data.get("returned", ANY) != ANY}
        return data


class Scenario(Frozen):
    """One world in which the program is run once."""

    name: str
    world: World = World()
    trigger: Trigger | None = None
    """What starts this run; None: the task's trigger. A task with several triggers names the others here."""
    body: Any = None
    query: Any = None
    expect: Expect


class Task(Frozen):
    """A request with its meaning. A program must declare exactly the triggers of the task and its scenarios."""

    id: str
    prompt: str
    family: str
    tier: Literal["T1", "T2", "T3", "T4", "T5"]
    cluster: str
    split: Literal["train", "dev", "test", "regression", "handwritten"]
    trigger: Trigger
    gold: str
    scenarios: tuple[Scenario, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [scenario.name for scenario in self.scenarios]
        if len(set(names)) != len(names):
            raise ValueError(f"scenario names repeat: {names}")
        return self
