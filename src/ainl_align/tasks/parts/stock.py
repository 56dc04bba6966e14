"""The values of a task whose parts are joined at random: where they come from, and what is done with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ainl_align.tasks.parts.apart import class_of, told_apart
from ainl_align.tasks.parts.api import ApiFields
from ainl_align.tasks.parts.base import Ctx, Item, Kind, Step
from ainl_align.tasks.parts.catalogue import NAMING_BODY, SETTABLE, SOURCES, uses_clock
from ainl_align.tasks.parts.lookups import PLAIN_KEYS, LinkedGet, QueryField, RowByKey
from ainl_align.tasks.parts.sources import BodyFields, CacheEntry, FileText, HttpFields, Source
from ainl_align.tasks.parts.transforms import Arithmetic, JoinList, Measure, Recase
from ainl_align.tasks.parts.values import Caught, Default, one_value, two_values

_NAMES = 8
"""So many times a part is drawn until its values have names of their own."""


class Again(Exception):
    """Nothing fits; the task is drawn anew."""


@dataclass
class Known:
    """What can be used at one place of the program: values for payloads, and those that nothing has used yet."""

    items: list[Item] = field(default_factory=list)
    fresh: list[Item] = field(default_factory=list)
    calls: frozenset[str] = frozenset()
    """Adapter calls on the way here, of which a failure would be told by the same words."""

    def add(self, *items: Item) -> None:
        """New values."""
        self.items += items
        self.fresh += items

    def below(self, without: Sequence[Item] = ()) -> "Known":
        """The same for a branch, ``without`` the values that mean nothing there."""

        def left(items: list[Item]) -> list[Item]:
            return [item for item in items if item not in without]

        return Known(left(self.items), left(self.fresh), self.calls)

    def of(self, *kinds: Kind) -> list[Item]:
        """The values of these kinds."""
        return [item for item in self.items if item.kind in kinds]


class Stock:
    """All values of one task. ``lone`` says that there is one only, which any name fits."""

    def __init__(self, ctx: Ctx, *, endpoint: bool, lone: bool) -> None:
        self.ctx, self.roll = ctx, ctx.rng.random
        self.endpoint, self.lone = endpoint, lone
        self.seen: list[Item] = []
        self.taken: set[str] = set()
        self.makers: dict[str, Step] = {}
        self.roots: dict[str, frozenset[str]] = {}
        """The values of the world that a value comes from."""
        self.wanted: set[str] = set()
        self.used: set[str] = set()
        """Keys of all values, and of those that something is done with; in the end these are the same."""
        self.bound: set[str] = set()
        """Values of the world that a question, or a key that needs plain text, has settled."""

    def apart(self, make: Callable[[], Step]) -> Step:
        """A step whose values have names that fit no other value."""
        for _ in range(_NAMES):
            step = make()
            classes = {class_of(item, step) for item in step.gives} - {""}
            if self.named(step.gives) and not classes & self.taken:
                self.taken |= classes
                self.keep(step, step.gives)
                return step
        raise Again

    def keep(self, step: Step, items: Sequence[Item]) -> None:
        """Take note of values of a step that something must be done with."""
        self.seen += items
        self.wanted.update(item.key for item in items)
        for item in items:
            self.makers[item.key], self.roots[item.key] = step, frozenset({item.key})

    def named(self, new: Sequence[Item]) -> bool:
        """Whether the names of ``new`` fit none of the values so far, nor theirs them."""
        return (self.lone and not self.seen and len(new) == 1) or told_apart(self.seen, new)

    def source(self, known: Known) -> list[Step]:
        """A read, with what makes up for a missing value or a failure now and then."""
        ctx = self.ctx
        linked = self._linked(known) if self.roll() < 0.25 else None
        if linked:
            known.add(*linked.gives)
            return [linked]
        shut = {*self.taken, *(NAMING_BODY if self.endpoint else ())}
        names = [name for name in SOURCES if name not in shut]
        name = ctx.rng.choices(names, [SOURCES[name][0] for name in names])[0]
        self.taken.add(name)
        step = self.apart(lambda: SOURCES[name][1](ctx))
        if uses_clock(step):
            if "the clock" in self.taken:
                raise Again
            self.taken.add("the clock")
        if len(step.gives) > 1 or not isinstance(step, Source):
            known.add(*step.gives)
            return [step]
        return self._made_sure(step, known)

    def _made_sure(self, step: Source, known: Known) -> list[Step]:
        """The read, now and then with a constant for a failure or for a missing value."""
        names, item = self.ctx.names, step.gives[0]
        known.add(item)
        if item.kind not in ("num", "text"):
            return [step]
        default: int | str = names.number(2, 60) if item.kind == "num" else names.value()
        if self.roll() < 0.12 and isinstance(step, HttpFields | FileText | CacheEntry):
            self.bound.add(item.key)
            return [Caught(step, default)]
        if self.roll() < 0.12 and isinstance(step, HttpFields | ApiFields | CacheEntry):
            filled = Default(item, 0 if item.kind == "num" and self.roll() < 0.3 else default)
            self.keep(filled, filled.gives)
            self.seen.remove(item)
            self.bound |= {item.key, filled.gives[0].key}
            self.spend(known, item)
            known.items.remove(item)
            known.add(*filled.gives)
            return [step, filled]
        return [step]

    def key(self, known: Known) -> Item | None:
        """A text that can be plain, to look something up by."""
        for item in known.of("text"):
            plain = isinstance(self.makers[item.key], QueryField | HttpFields | BodyFields | CacheEntry)
            if plain and item.key not in self.bound:
                return item
        return None

    def use_key(self, item: Item, known: Known) -> None:
        """The value is plain text in every scenario."""
        self.bound.add(item.key)
        self.spend(known, item)
        step = self.makers[item.key]
        step.examples = {**step.examples, item.key: self.ctx.pick(PLAIN_KEYS)}

    def _linked(self, known: Known) -> Step | None:
        key = self.key(known)
        if key is None or "linked" in self.taken:
            return None
        self.taken.add("linked")
        kind: Kind = self.ctx.pick(("num", "text"))
        maker = self.makers[key.key]
        name = maker.name if isinstance(maker, QueryField) else ""
        table = isinstance(maker, QueryField) or self.roll() < 0.5
        step = self.apart(lambda: RowByKey(self.ctx, key, kind, name) if table else LinkedGet(self.ctx, key, kind))
        self.use_key(key, known)
        return step

    def derive(self, known: Known) -> list[Step]:
        """A value computed from others; nothing where none fits."""
        ctx = self.ctx
        numbers = [item for item in known.of("num") if self.free(item)]
        texts = [item for item in known.of("text") if isinstance(self.makers[item.key], Source) and self.free(item)]
        lists = [item for item in known.of("list") if item.key not in ("db.all", "objects")]
        ways: list[tuple[str, Callable[[], Step], list[Item]]] = []
        if numbers:
            one = ctx.pick(numbers)
            operator = ctx.pick(("add", "sub", "mul"))
            ways.append(("computed", lambda: Arithmetic(ctx, operator, one, ctx.names.number(2, 12)), [one]))
            ways.append(("computed", lambda: one_value(ctx, one), [one]))
        if len(numbers) > 1:
            pair = ctx.rng.sample(numbers, 2)
            ways += [("computed", lambda: two_values(ctx, *pair), pair)] * 2
            ways.append(("computed", lambda: Arithmetic(ctx, ctx.pick(("add", "sub")), *pair), pair))
        if texts:
            text = ctx.pick(texts)
            ways += [("shaped", lambda: Recase(ctx, text), [text])] * 2
        if lists:
            entries = ctx.pick(lists)
            ways.append(("size", lambda: Measure(ctx, entries), [entries]))
            ways.append(("joined", lambda: JoinList(ctx, entries), [entries]))
        ways = [way for way in ways if way[0] not in self.taken]
        if not ways:
            return []
        name, make, used = ctx.pick(ways)
        step = self.apart(make)
        self.taken.add(name)
        if isinstance(step, Recase):
            maker = self.makers[used[0].key]
            maker.examples = {**maker.examples, used[0].key: step.example()}
            self.bound.add(used[0].key)
        result = step.gives[0]
        self.roots[result.key] = frozenset[str]().union(*(self.roots[item.key] for item in used))
        self.spend(known, *used)
        known.add(result)
        return [step]

    def spend(self, known: Known, *items: Item) -> None:
        """Something is done with these values."""
        self.used.update(item.key for item in items)
        known.fresh = [item for item in known.fresh if item not in items]

    def free(self, item: Item) -> bool:
        """Whether a scenario may still give the value any value."""
        return isinstance(self.makers[item.key], SETTABLE) and not self.roots[item.key] & self.bound
