"""Records of the db: found, counted, created, changed, deleted."""

from typing import Any

from ainl_align.tasks import store_names
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, unguarded
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import Source, join_words, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import db


def field_name(ctx: Ctx, kind: Kind) -> str:
    """A name for a field of that kind."""
    return {"num": ctx.names.number_field, "flag": ctx.names.flag_field}.get(kind, ctx.names.text_field)()


def other_value(kind: Kind) -> Any:
    """What a field holds in a record that nobody asked for."""
    return {"num": -7, "flag": False}.get(kind, "zz")


class DbRecord(Source):
    """One record by its id: some of its fields, and (``found``) whether there is one."""

    kinds = frozenset({"db_read", "compute"})
    call = "db.G"

    def __init__(self, ctx: Ctx, kinds: tuple[Kind, ...], *, found: bool = False) -> None:
        self.target = store_names.entity(ctx.names)
        self.id = ctx.names.number(11, 95)
        self.names = [field_name(ctx, kind) for kind in kinds]
        self.fields = tuple(
            Item(f"db.{name}", ctx.phrase(db.FIELD, name=name), kind)
            for name, kind in zip(self.names, kinds, strict=True)
        )
        self.found = Item("db.found", ctx.phrase(db.FOUND), "any") if found else None
        self.gives = (*((self.found,) if self.found else ()), *self.fields)
        self.signature = f"db_record_{'_'.join((*kinds, *(('found',) if found else ())))}"
        self.kinds = frozenset({"db_read", "compute"} if kinds else {"db_read"})

    def spec(self, times: int | None = None) -> CallSpec:
        return CallSpec(name="db.G", args=(self.target, self.id), times=times)

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        record = block.call_verb("db.G", self.target, self.id, out="rec")
        guard(block.last)
        if self.found:
            known[self.found.key] = record
        for item, name in zip(self.fields, self.names, strict=True):
            known[item.key] = block.call_verb("core.GET", record, name, out="val")

    def clause(self, ctx: Ctx) -> str:
        if self.found:
            return ctx.phrase(db.RECORD, entity=self.target, id=self.id)
        plural = "s" if len(self.names) > 1 else ""
        return ctx.phrase(db.FIELDS, entity=self.target, id=self.id, what=join_words(self.names), s=plural)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {item.key: random_value(ctx, item.kind) for item in self.gives}

    def prepare(self, scene: Scene) -> None:
        others = {name: other_value(item.kind) for name, item in zip(self.names, self.fields, strict=True)}
        rows = [{"id": self.id - 1, **others}, self._record(scene), {"id": self.id + 1, **others}]
        scene.db[self.target] = [row for row in rows if row is not None]

    def _record(self, scene: Scene) -> dict[str, Any] | None:
        if not self._exists(scene):
            return None
        given = {name: scene.given[item.key] for name, item in zip(self.names, self.fields, strict=True)}
        return {"id": self.id, **{name: value for name, value in given.items() if value is not None}}

    def _exists(self, scene: Scene) -> bool:
        return self.found is None or scene.given[self.found.key] is not None

    def play(self, scene: Scene) -> None:
        super().play(scene)
        if not self._exists(scene):
            scene.values |= {item.key: None for item in self.gives}


class DbWhole(Source):
    """One record by its id, as a whole."""

    kinds = frozenset({"db_read"})
    call = "db.G"

    def __init__(self, ctx: Ctx) -> None:
        self.target = store_names.entity(ctx.names)
        self.id = ctx.names.number(11, 95)
        self.gives = (Item("db.record", ctx.phrase(db.WHOLE), "any"),)
        self.signature = "db_whole"

    def spec(self, times: int | None = None) -> CallSpec:
        return CallSpec(name="db.G", args=(self.target, self.id), times=times)

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["db.record"] = block.call_verb("db.G", self.target, self.id, out="rec")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.RECORD, entity=self.target, id=self.id)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"db.record": {"id": self.id, "label": random_value(ctx, "text")}}

    def prepare(self, scene: Scene) -> None:
        others = [{"id": self.id + step, "label": "zz"} for step in (-1, 1)]
        scene.db[self.target] = [others[0], scene.given["db.record"], others[1]]


class DbCount(Source):
    """How many records an entity has."""

    kinds = frozenset({"db_read", "compute"})
    call = "db.F"

    def __init__(self, ctx: Ctx) -> None:
        self.target = store_names.entity(ctx.names)
        self.gives = (Item("db.count", ctx.phrase(db.NUMBER), "num"),)
        self.signature = "db_count"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        rows = block.call_verb("db.F", self.target, out="rows")
        guard(block.last)
        known["db.count"] = block.call_verb("core.LEN", rows, out="num")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.COUNT, entity=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"db.count": ctx.rng.randint(1, 6)}

    def prepare(self, scene: Scene) -> None:
        scene.db[self.target] = [{"id": number + 1} for number in range(scene.given["db.count"])]
        scene.db["Other"] = [{"id": number + 1} for number in range(20)]


class DbAll(Source):
    """All records of an entity, as a list."""

    kinds = frozenset({"db_read"})
    call = "db.F"

    def __init__(self, ctx: Ctx) -> None:
        self.target = store_names.entity(ctx.names)
        self.gives = (Item("db.all", ctx.phrase(db.RECORDS), "list"),)
        self.signature = "db_all"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["db.all"] = block.call_verb("db.F", self.target, out="rows")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.ALL, entity=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"db.all": random_value(ctx, "list")}

    def prepare(self, scene: Scene) -> None:
        scene.db[self.target] = self._records(scene)
        scene.db["Other"] = [{"id": 1, "label": "zz"}]

    def play(self, scene: Scene) -> None:
        super().play(scene)
        scene.values["db.all"] = self._records(scene)

    @staticmethod
    def _records(scene: Scene) -> list[dict[str, Any]]:
        return [{"id": number, "label": entry} for number, entry in enumerate(scene.given["db.all"], 1)]


class DbCreate(Action):
    """A new record; ``gives_id`` makes its id a value."""

    call = "db.C"

    def __init__(self, ctx: Ctx, payload: Payload, *, gives_id: bool = False) -> None:
        self.target, self.payload = store_names.entity(ctx.names), payload
        self._sign("db_create", "db_write")
        if gives_id:
            self.gives = (Item("db.new_id", ctx.phrase(db.NEW_ID), "num"),)
            self.kinds |= {"compute"}

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        super().emit(block, known, guard)
        if self.gives:
            known["db.new_id"] = block.call_verb("core.GET", Var("res"), "id", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.CREATE, entity=self.target, what=self.what(ctx))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"db.new_id": ctx.rng.randint(4, 90)} if self.gives else {}

    def prepare(self, scene: Scene) -> None:
        if self.gives:
            scene.db[self.target] = [{"id": scene.given["db.new_id"] - 1}]

    def play(self, scene: Scene) -> None:
        super().play(scene)
        if self.gives:
            scene.values["db.new_id"] = scene.given["db.new_id"]


class DbUpdate(Action):
    """The first record changed, which is all that the reference's db can change."""

    call = "db.U"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = store_names.entity(ctx.names), payload
        self._sign("db_update", "db_write")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.UPDATE, entity=self.target, what=self.what(ctx))

    def prepare(self, scene: Scene) -> None:
        scene.db[self.target] = [{"id": 1}, {"id": 2}]


class DbDelete(Action):
    """One record deleted by its id; that of ``of``, when it was read before."""

    call = "db.D"
    kinds = frozenset({"db_write"})

    def __init__(self, ctx: Ctx, of: DbRecord | None = None) -> None:
        self.of = of
        self.target = of.target if of else store_names.entity(ctx.names)
        self.id = of.id if of else ctx.names.number(11, 95)
        self.signature = "db_delete_it" if of else "db_delete"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        block.call_verb("db.D", self.target, self.id, out="res", reuse=True)
        guard(block.last)

    def arguments(self, scene: Scene) -> tuple[Any, ...]:
        return (self.target, self.id)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(db.DELETE_IT) if self.of else ctx.phrase(db.DELETE, entity=self.target, id=self.id)

    def prepare(self, scene: Scene) -> None:
        if self.of is None:
            scene.db[self.target] = [{"id": self.id + step} for step in (-1, 0, 1)]
