"""What is done with the values of a task whose parts are joined at random."""

from collections.abc import Callable

from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import CacheStore, Delete, Insert, Post, RemoveFile, SetStatus
from ainl_align.tasks.parts.base import Ctx, Item, Step
from ainl_align.tasks.parts.changes import ChangeByKey, FilteredChange, InsertList, ObjectList
from ainl_align.tasks.parts.db import DbDelete, DbUpdate
from ainl_align.tasks.parts.ext import RunCommand
from ainl_align.tasks.parts.filters import ByNumber
from ainl_align.tasks.parts.lookups import InOrder, LinkedCall, QueryField
from ainl_align.tasks.parts.memory import MemoryDelete, MemoryPrune, MemoryPut, Slot
from ainl_align.tasks.parts.payloads import JsonObject, Payload, Value
from ainl_align.tasks.parts.sources import BodyFields
from ainl_align.tasks.parts.stock import Known, Stock
from ainl_align.tasks.parts.stores import store_sink, time_to_live


class Effects:
    """Draws effects and payloads over the values of ``stock``."""

    def __init__(self, ctx: Ctx, stock: Stock) -> None:
        self.ctx, self.roll, self.stock = ctx, ctx.rng.random, stock

    def payload(self, known: Known, most: int = 3, *, text: bool = False) -> Payload:
        """A fixed sentence, or values: those that nothing has used yet come first; with ``text`` never an object."""
        ctx = self.ctx
        fresh = [item for item in known.fresh if item.kind in ("num", "text")]
        if not fresh and self.roll() < 0.6:
            return choose.notice(ctx)
        chosen = fresh[:most]
        rest = [item for item in known.of("num", "text") if item not in chosen]
        if not chosen or (len(chosen) < most and self.roll() < 0.2):
            chosen += ctx.rng.sample(rest, min(len(rest), 1))
        if not chosen:
            return choose.notice(ctx)
        self.stock.spend(known, *chosen)
        if not text and self.roll() < 0.25:
            return JsonObject(**{self._name(item): item for item in chosen})
        return choose.report(ctx, *chosen)

    def _name(self, item: Item) -> str:
        return self.ctx.names.number_field() if item.kind == "num" else self.ctx.names.text_field()

    def sink(self, known: Known) -> Step:
        """Something done to the outside, with values where it takes any."""
        ctx = self.ctx
        whole = [item for item in known.fresh if item.kind in ("any", "list")]
        if whole:
            self.stock.spend(known, whole[0])
            maker = self.stock.makers[whole[0].key]
            if isinstance(maker, ObjectList):
                return InsertList(ctx, maker, ctx.pick(("ignore", "replace")))
            value = Value(whole[0])
            return Post(ctx, value) if self.roll() < 0.5 else CacheStore(ctx, value)
        shape = self.roll()
        if shape < 0.17:
            return self._bare(known)
        if shape < 0.29 and (columns := [item for item in known.fresh if item.kind in ("num", "text")][:2]):
            return self._insert(known, columns)
        payload = self.payload(known)
        if isinstance(payload, JsonObject) or shape > 0.8:
            kinds = ("db", "api", "put", "append") if self.roll() < 0.5 or isinstance(payload, JsonObject) else None
            if self.roll() < 0.35:
                return Post(ctx, choose.as_json(ctx, payload), ctx.pick(("POST", "PUT")))
            return store_sink(ctx, payload, kinds) if kinds else store_sink(ctx, payload)
        if shape > 0.75:
            return InOrder(ctx, ctx.pick(("queue", "mail")), payload, choose.notice(ctx))
        return choose.sink(ctx, payload)

    def _insert(self, known: Known, items: list[Item]) -> Step:
        columns: dict[str, Item | str] = {self._name(item): item for item in items}
        numeric = frozenset(name for name, item in zip(columns, items, strict=True) if item.kind == "num")
        if len(columns) == 1 and self.roll() < 0.3:
            columns["status"] = self.ctx.names.state()
        self.stock.spend(known, *items)
        return Insert(self.ctx, columns, numeric)

    def _bare(self, known: Known) -> Step:
        """An effect that needs no value, or only a key."""
        ctx = self.ctx
        key = self.stock.key(known)
        if key and self.roll() < 0.6:
            return self._keyed(known, key)
        makers: list[Callable[[], Step]] = [
            lambda: SetStatus(ctx, delete=self.roll() < 0.4),
            lambda: FilteredChange(ctx, ByNumber(ctx), delete=self.roll() < 0.5),
            lambda: RemoveFile(ctx),
            lambda: Delete(ctx),
            lambda: RunCommand(ctx),
            lambda: DbUpdate(ctx, JsonObject(**{ctx.names.text_field(): ctx.names.value()})),
            lambda: DbDelete(ctx),
            lambda: MemoryDelete(ctx),
            lambda: MemoryPrune(ctx),
        ]
        return ctx.pick(makers)()

    def _keyed(self, known: Known, key: Item) -> Step:
        """An effect on what a value names."""
        ctx, maker, numbers = self.ctx, self.stock.makers[key.key], known.of("num")
        way = ctx.pick(("put", "call", "row"))
        self.stock.use_key(key, known)
        if way == "put" and numbers:
            self.stock.spend(known, numbers[0])
            body = JsonObject(**{ctx.names.number_field(): numbers[0]})
            return MemoryPut(ctx, body, Slot(ctx, key), time_to_live(ctx) if self.roll() < 0.3 else None)
        if way == "row" and isinstance(maker, QueryField | BodyFields):
            name = maker.name if isinstance(maker, QueryField) else key.key.removeprefix("body.")
            if not numbers:
                return ChangeByKey(ctx, key, name)
            self.stock.spend(known, numbers[0])
            return ChangeByKey(ctx, key, name, ctx.names.number_field(), numbers[0])
        return LinkedCall(ctx, key)

    def sinks(self, known: Known, count: int) -> list[Step]:
        """So many effects, one after the other."""
        return [self.sink(known) for _ in range(count)]

    def ending(self, known: Known) -> Payload:
        """What is returned."""
        if self.roll() < 0.35 or not known.of("num", "text"):
            return choose.word(self.ctx)
        if self.roll() < 0.3:
            return self.payload(known, 2)
        return self._value(known)

    def _value(self, known: Known) -> Payload:
        fresh = [item for item in known.fresh if item.kind in ("num", "text")]
        item = self.ctx.pick(fresh or known.of("num", "text"))
        self.stock.spend(known, item)
        return Value(item)
