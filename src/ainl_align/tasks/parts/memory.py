"""The memory store: records by namespace, kind and id."""

from collections.abc import Mapping
from typing import Any

from ainl_align.language.world_model import MemoryRecord
from ainl_align.tasks import store_names
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, unguarded
from ainl_align.tasks.parts.db import field_name, other_value
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import Source, join_words, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import memory


class Slot:
    """A place in memory. The id is fixed, or the text of an item."""

    def __init__(self, ctx: Ctx, ident: Item | None = None) -> None:
        self.space: str = ctx.pick(store_names.MEMORY_SPACES)
        self.kind = store_names.memory_kind(ctx.names)
        self.id: str | Item = ident or store_names.memory_id(ctx.names, numbered=ctx.rng.random() < 0.4)

    def words(self) -> dict[str, str]:
        """The slots of a phrase."""
        ident = self.id.noun if isinstance(self.id, Item) else self.id
        return {"space": self.space, "kind": self.kind, "id": ident}

    def operands(self, known: Mapping[str, Var]) -> tuple[str | Var, ...]:
        """The first three operands."""
        return (self.space, self.kind, known[self.id.key] if isinstance(self.id, Item) else self.id)

    def values(self, scene: Scene) -> tuple[str, ...]:
        """The first three arguments in this scenario."""
        return (self.space, self.kind, scene.values[self.id.key] if isinstance(self.id, Item) else self.id)

    def record(self, payload: dict[str, Any], ident: str | None = None) -> MemoryRecord:
        """A record here, or beside it under another id."""
        own = "own" if isinstance(self.id, Item) else self.id
        return MemoryRecord.model_validate(
            {"namespace": self.space, "kind": self.kind, "id": ident or own, "payload": payload}
        )


class MemoryFields(Source):
    """Fields of one record, and (``found``) whether there is one."""

    kinds = frozenset({"memory_read", "compute"})
    call = "memory.GET"

    def __init__(
        self, ctx: Ctx, kinds: tuple[Kind, ...], *, found: bool = False, names: list[str] | None = None
    ) -> None:
        self.slot = Slot(ctx)
        self.target = self.slot.space
        self.names = names or [field_name(ctx, kind) for kind in kinds]
        pool = memory.REMEMBERED if names else memory.FIELD  # fields of that name come from elsewhere, too
        self.fields = tuple(
            Item(f"memory.{name}", ctx.phrase(pool, name=name), kind)
            for name, kind in zip(self.names, kinds, strict=True)
        )
        self.found = Item("memory.found", ctx.phrase(memory.FOUND), "any") if found else None
        self.gives = (*((self.found,) if self.found else ()), *self.fields)
        self.signature = f"memory_record_{'_'.join((*kinds, *(('found',) if found else ())))}"

    def spec(self, times: int | None = None) -> CallSpec:
        return CallSpec(name="memory.GET", args=self.slot.operands({}), times=times)

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("memory.GET", *self.slot.operands(known), out="resp")
        guard(block.last)
        if self.found:
            known[self.found.key] = block.call_verb("core.GET", resp, "found", out="hit")
        for item, name in zip(self.fields, self.names, strict=True):
            known[item.key] = block.call_verb("core.GET", resp, f"record.payload.{name}", out="val")

    def clause(self, ctx: Ctx) -> str:
        if self.found:
            return ctx.phrase(memory.RECORD, **self.slot.words())
        return ctx.phrase(memory.FIELDS, what=join_words(self.names), **self.slot.words())

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {item.key: random_value(ctx, item.kind) for item in self.gives}

    def prepare(self, scene: Scene) -> None:
        others = {name: other_value(item.kind) for name, item in zip(self.names, self.fields, strict=True)}
        scene.memory.append(self.slot.record(others, "elsewhere"))
        if self._exists(scene):
            given = {name: scene.given[item.key] for name, item in zip(self.names, self.fields, strict=True)}
            payload = {name: value for name, value in given.items() if value is not None}
            scene.memory.append(self.slot.record(payload))

    def _exists(self, scene: Scene) -> bool:
        return self.found is None or scene.given[self.found.key] is not None

    def play(self, scene: Scene) -> None:
        super().play(scene)
        if not self._exists(scene):
            scene.values |= {item.key: None for item in self.gives}


class MemoryCount(Source):
    """How many records of one kind a namespace has."""

    kinds = frozenset({"memory_read", "compute"})
    call = "memory.LIST"

    def __init__(self, ctx: Ctx) -> None:
        self.slot = Slot(ctx)
        self.target = self.slot.space
        self.gives = (Item("memory.count", ctx.phrase(memory.NUMBER), "num"),)
        self.signature = "memory_count"

    def spec(self, times: int | None = None) -> CallSpec:
        return CallSpec(name="memory.LIST", args=(self.slot.space, self.slot.kind), times=times)

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("memory.LIST", self.slot.space, self.slot.kind, out="resp")
        guard(block.last)
        rows = block.call_verb("core.GET", resp, "items", out="rows")
        known["memory.count"] = block.call_verb("core.LEN", rows, out="num")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(memory.COUNT, space=self.slot.space, kind=self.slot.kind)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"memory.count": ctx.rng.randint(1, 6)}

    def prepare(self, scene: Scene) -> None:
        for number in range(scene.given["memory.count"]):
            scene.memory.append(self.slot.record({"n": number}, f"r{number}"))
        other = {"namespace": self.slot.space, "kind": "zz", "id": "r0", "payload": {}}
        scene.memory.append(MemoryRecord.model_validate(other))


class MemoryPut(Action):
    """A record written, sometimes with a time to live; into the ``slot`` that was read before, or a new one."""

    call = "memory.PUT"

    def __init__(self, ctx: Ctx, payload: Payload, slot: Slot | None = None, ttl: int | None = None) -> None:
        self.slot, self.payload, self.ttl = slot or Slot(ctx), payload, ttl
        self.target = self.slot.space
        self._again = slot is not None and not isinstance(slot.id, Item)
        self._sign("memory_put" + ("_ttl" if ttl else "") + ("_again" if self._again else ""), "memory_write")

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        assert self.payload is not None, self.signature
        operand = self.payload.emit(block, known)
        extra = (self.ttl,) if self.ttl else ()
        block.call_verb(self.call, *self.slot.operands(known), operand, *extra, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        assert self.payload is not None, self.signature
        return (*self.slot.values(scene), self.payload.value(scene), *((self.ttl,) if self.ttl else ()))

    def clause(self, ctx: Ctx) -> str:
        if self._again:
            return ctx.phrase(memory.PUT_THERE, what=self.what(ctx))
        text = ctx.phrase(memory.PUT, what=self.what(ctx), **self.slot.words())
        return text + (ctx.phrase(memory.TTL, n=self.ttl) if self.ttl else "")


class MemoryAppend(Action):
    """An entry added to the entries of a record, which is made when it is not there."""

    call = "memory.APPEND"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.slot, self.payload = Slot(ctx), payload
        self.target = self.slot.space
        self._sign("memory_append", "memory_write")

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        assert self.payload is not None, self.signature
        operand = self.payload.emit(block, known)
        block.call_verb(self.call, *self.slot.operands(known), operand, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        assert self.payload is not None, self.signature
        return (*self.slot.values(scene), self.payload.value(scene))

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(memory.APPEND, what=self.what(ctx), **self.slot.words())

    def prepare(self, scene: Scene) -> None:
        scene.memory.append(self.slot.record({"entries": [{"first": "x1"}]}))


class MemoryDelete(Action):
    """One record deleted; the one of ``slot``, when it was read before."""

    call = "memory.DELETE"
    kinds = frozenset({"memory_write"})

    def __init__(self, ctx: Ctx, slot: Slot | None = None) -> None:
        self.slot, self._again = slot or Slot(ctx), slot is not None
        self.target = self.slot.space
        self.signature = "memory_delete_it" if self._again else "memory_delete"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        block.call_verb(self.call, *self.slot.operands(known), out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return self.slot.values(scene)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(memory.DELETE_IT) if self._again else ctx.phrase(memory.DELETE, **self.slot.words())

    def prepare(self, scene: Scene) -> None:
        if not self._again:
            scene.memory.append(self.slot.record({"n": 1}))


class MemoryPrune(Action):
    """The expired records of one namespace removed; with ``counted``, how many there were."""

    call = "memory.PRUNE"

    def __init__(self, ctx: Ctx, *, counted: bool = False) -> None:
        self.target: str = ctx.pick(store_names.MEMORY_SPACES)
        self.kinds = frozenset({"memory_write", "compute"} if counted else {"memory_write"})
        if counted:
            self.gives = (Item("memory.pruned", ctx.phrase(memory.PRUNED), "num"),)
        self.signature = "memory_prune_counted" if counted else "memory_prune"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        block.call_verb(self.call, self.target, out="res", reuse=True)
        guard(block.last)
        if self.gives:
            known["memory.pruned"] = block.call_verb("core.GET", Var("res"), "pruned", out="num")

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return (self.target,)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(memory.PRUNE, space=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"memory.pruned": ctx.rng.randint(1, 5)}

    def prepare(self, scene: Scene) -> None:
        shared = {"kind": "x1", "payload": {}, "ttl_s": 60}
        records = [{"id": f"old{n}", "age_s": 61 + n} for n in range(scene.given["memory.pruned"])]
        for record in [*records, {"id": "young", "age_s": 5}]:
            scene.memory.append(MemoryRecord.model_validate({"namespace": self.target, **shared, **record}))

    def play(self, scene: Scene) -> None:
        super().play(scene)
        scene.values["memory.pruned"] = scene.given["memory.pruned"]
