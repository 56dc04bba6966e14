"""Any parts that fit each other, joined at random: what follows what is drawn, not fixed. For training only.

A task reads one to three things, computes up to two more, asks at most two questions one inside the other, and does
something with every value. Each value has a name in the request that fits no other.
"""

from collections.abc import Iterable

from ainl_align.tasks.compose import Job
from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.apart import class_of
from ainl_align.tasks.parts.base import Ctx, Item, Step
from ainl_align.tasks.parts.catalogue import FIELDS, GATES, SETTABLE
from ainl_align.tasks.parts.compound import AnyRows, Both, CleanTest, Compare, Either
from ainl_align.tasks.parts.conditions import Bound, Condition, ItemTest, Present, TextTest
from ainl_align.tasks.parts.db import DbDelete, DbRecord
from ainl_align.tasks.parts.effects import Effects
from ainl_align.tasks.parts.ext import Succeeded
from ainl_align.tasks.parts.figures import RowLines, RowList
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.fork import Fork
from ainl_align.tasks.parts.lookups import InOrder, LinkedCall, LinkedGet, QueryField, RowByKey
from ainl_align.tasks.parts.memory import MemoryDelete, MemoryFields
from ainl_align.tasks.parts.rows import MarkRow, OldestRow
from ainl_align.tasks.parts.sources import BodyFields, FileText, Source
from ainl_align.tasks.parts.sql import SqlCell
from ainl_align.tasks.parts.stock import Again, Known, Stock
from ainl_align.tasks.parts.triggers import Start, endpoint, plain, schedule

_TRIES = 200
_MOST_STEPS = (2, 3, 3, 4, 4, 5, 6, 8)
"""What a task is drawn for: so many steps at most, on all its ways together."""
_FEW = 4
"""Up to so many steps a task reads one thing or two and does one thing on each way."""
_TRIGGERS = ("plain", "cron", "endpoint")
_NO_QUESTION = ("names", "size", "joined", "shaped", "clock", "objects", "db.all", "db.record", "ext.output")
"""Values of which a scenario cannot give any that a question may need, or of which none would be asked."""
_UNSOLVED = ("mul_", "formula_line", "formula_bracket", "formula_parts", "default_")
"""Values that cannot be set to any number, by how their step is signed."""


class _Questions:
    """Draws questions about the values of ``stock``."""

    def __init__(self, ctx: Ctx, stock: Stock) -> None:
        self.ctx, self.roll, self.stock = ctx, ctx.rng.random, stock

    def question(self, known: Known) -> tuple[Condition, list[Item]] | None:
        """A question, and the values that a no leaves without meaning."""
        ctx = self.ctx
        open_items = [item for item in known.items if self.askable(item)]
        ctx.rng.shuffle(open_items)
        if not open_items:
            return None
        item = open_items[0]
        shape = self.roll()
        for other in open_items[1:]:
            if self.stock.roots[item.key] & self.stock.roots[other.key] or self.row_text(item) or self.row_text(other):
                continue
            same = item.kind == other.kind and item.kind in ("num", "text")
            if same and shape < 0.3 and self.stock.free(item) and self.stock.free(other):
                self.settle(item, other)
                return Compare(ctx, item, other), []
            if shape < 0.6 and {item.kind, other.kind} <= {"num", "text"}:
                self.settle(item, other)
                return (Both if self.roll() < 0.5 else Either)(self.simple(item), self.simple(other)), []
        unused = item.key not in self.stock.used
        self.settle(item)
        if self.row_text(item):
            return AnyRows(item), [item]
        maker = self.stock.makers[item.key]
        missing = isinstance(maker, RowByKey) or (isinstance(maker, SETTABLE) and not isinstance(maker, SqlCell))
        if item.kind in ("flag", "list") or (missing and unused and shape > 0.8):
            return Present(ctx, item), [item]
        return self.simple(item), []

    def row_text(self, item: Item) -> bool:
        """Whether the value is a text of rows, of which there may be none."""
        return isinstance(self.stock.makers[item.key], RowList | RowLines)

    def settle(self, *items: Item) -> None:
        """No other question can be asked about these values, nor about what they come from."""
        for item in items:
            self.stock.used.add(item.key)
            self.stock.bound |= self.stock.roots[item.key]

    def askable(self, item: Item) -> bool:
        """Whether a question about the value can get both answers."""
        if item.kind == "any" or item.key in _NO_QUESTION or self.stock.roots[item.key] & self.stock.bound:
            return False
        if self.row_text(item) and item.key in self.stock.used:
            return False
        return not self.stock.makers[item.key].signature.startswith(_UNSOLVED)

    def rung(self, above: Condition) -> Bound | None:
        """A second threshold for the number of a question, for when the answer is no; None where there is none."""
        if not isinstance(above, Bound) or above.threshold < 15 or above.operator not in ("GT", "GTE"):
            return None
        below = self.ctx.names.number(above.threshold // 3, above.threshold - 8)
        return Bound(self.ctx, above.item, below, above.operator)

    def simple(self, item: Item) -> ItemTest:
        """A question about a number or a text."""
        ctx, maker = self.ctx, self.stock.makers[item.key]
        if item.key == "ext.code":
            return Succeeded(item)
        if item.kind == "text":
            return TextTest(ctx, item) if self.roll() < 0.8 else CleanTest(ctx, item)
        counts = class_of(item, maker) == "a count"
        return Bound(ctx, item, ctx.names.number(2, 9) if counts else ctx.names.number(15, 300))


def _calls(steps: Iterable[Step]) -> list[str]:
    """The calls of steps, each one's in its place; empty texts for steps that call nothing."""
    return [str(getattr(step, "call", "")) for step in steps]


def _service(call: str) -> str:
    """What a failure is told of by: "the memory read" may be any verb of memory."""
    return call.partition(".")[0]


class _Medley:
    """One task under construction."""

    def __init__(self, ctx: Ctx, triggers: tuple[str, ...] = _TRIGGERS, *, small: bool = False) -> None:
        self.ctx, self.roll = ctx, ctx.rng.random
        self.trigger = ctx.pick(triggers)
        self.method = ctx.pick(("POST", "POST", "PUT", "GET", "GET", "DELETE"))
        self.returns = self.trigger == "endpoint" or (self.trigger == "plain" and self.roll() < 0.5)
        self.asks, self.gated = self.roll() < 0.6, self.roll() < 0.12
        self.most = max(_MOST_STEPS) if small else ctx.pick(_MOST_STEPS)
        self.few = small or self.most <= _FEW
        self.sources = 1 if small else ctx.pick((1, 1, 1, 2) if self.few else (1, 1, 2, 2, 2, 3))
        self.derived = 0 if small else ctx.pick((0, 0, 1) if self.few else (0, 0, 0, 1, 1, 2))
        lone = self.sources == 1 and not self.derived and not self.gated
        self.stock = Stock(ctx, endpoint=self.trigger == "endpoint", lone=lone)
        self.effects, self.questions = Effects(ctx, self.stock), _Questions(ctx, self.stock)

    def guard(self, flow: Flow, known: Known, outer: frozenset[str] = frozenset()) -> None:
        """Watch one step of the flow, or all from one on: further attempts, an outcome on failure, or both."""
        ctx = self.ctx
        steps = [step.step if isinstance(step, Fork) else step for step in flow.steps]
        calls = [_service(call) for call in (*outer, *_calls(steps))]
        fit = [
            n
            for n, step in enumerate(flow.steps)
            if isinstance(step, Source | Action)
            and not isinstance(step, InOrder | LinkedCall | LinkedGet)
            and step.call
            and calls.count(_service(step.call)) == 1
        ]
        if not fit:
            return
        flow.guarded = ctx.pick(fit)
        inside = {item.key for step in flow.steps[flow.guarded :] for item in step.gives}
        before = Known([item for item in known.items if item.key not in inside])
        shape = 1.0 if isinstance(flow.steps[flow.guarded], FileText) else self.roll()
        handler = Flow(ret=choose.word(ctx) if self.returns else None)
        if not self.returns or self.roll() < 0.5:
            payload = self.effects.payload(before, text=True) if self.roll() < 0.3 else choose.notice(ctx)
            handler.steps = [choose.sink(ctx, payload, ("queue", "mail", "write", "post"))]
        if shape < 0.35:
            flow.guard = choose.retries(ctx)
        elif shape < 0.6:
            flow.guard = choose.retries(ctx, handler)
        else:
            flow.guard = Guard(handler=handler)
            last = flow.guarded
            # "Any of these calls" are all that were told of before.
            alone = not any(_calls(flow.steps[: flow.guarded]))
            while alone and last + 1 in fit and self.roll() < 0.4:
                last += 1
            flow.through = last if last > flow.guarded else None

    def side(self, known: Known, depth: int, *, may_stop: bool) -> Flow:
        """What one answer leads to: effects, now and then another read or another question first."""
        if may_stop and self.roll() < 0.45:
            return Flow(ret=choose.word(self.ctx) if self.returns else None)
        steps: list[Step] = []
        if depth == 1 and self.sources < 3 and self.roll() < 0.2:
            self.sources += 1
            steps += self.stock.source(known)
        if depth == 1 and self.roll() < 0.3:
            flow = Flow(steps + (self.effects.sinks(known, 1) if self.roll() < 0.3 else []))
            if self.ask(flow, known, depth + 1):
                return flow
            steps = flow.steps
        count = 1 if self.few else self.ctx.pick((1, 1, 1, 1, 2, 2, 3))
        if self.returns and not steps and self.roll() < 0.3:
            count = 0
        flow = Flow(steps + self.effects.sinks(known, count))
        flow.ret = self.effects.ending(known) if self.returns else None
        if self.roll() < 0.08:
            self.guard(flow, known, known.calls)
        return flow

    def ask(self, flow: Flow, known: Known, depth: int) -> bool:
        """End the flow in a question, if there is one to ask."""
        asked = self.questions.question(known)
        if asked is None:
            return False
        condition, lost = asked
        if isinstance(condition, Both | Either | Compare):
            used = [item for item in known.fresh if self.stock.roots[item.key] & self.stock.bound]
            known.fresh = [item for item in known.fresh if item not in used]
        else:
            known.fresh = [item for item in known.fresh if item != condition.item or self.roll() < 0.5]
        known.fresh = [item for item in known.fresh if item.kind != "flag"]
        known.calls |= frozenset(_calls(flow.steps))
        yes, no = known.below(), known.below(lost)
        first = self.side(yes, depth, may_stop=False)
        rung = self.questions.rung(condition) if depth == 1 and self.roll() < 0.25 else None
        if rung:
            middle = self.side(no.below(), depth + 1, may_stop=False)
            second = Flow(check=Check(rung, middle, self.side(no.below(), depth + 1, may_stop=True)))
        else:
            second = self.side(no, depth, may_stop=True)
        flow.check = Check(condition, first, second)
        if not lost and not rung and self.roll() < 0.15:
            flow.check = Check(condition, second, first)
        return True

    def gate(self, flow: Flow, known: Known) -> None:
        """End the flow in a read that may find nothing, and the question whether it has."""
        ctx = self.ctx
        name = ctx.pick([name for name in GATES if name not in self.stock.taken])
        self.stock.taken.add(name)
        source = GATES[name](ctx)
        found, *fields = source.gives
        if not self.stock.named(fields):
            raise Again
        flow.steps.append(source)
        self.stock.keep(source, fields)
        for item in source.gives:
            self.stock.makers[item.key], self.stock.roots[item.key] = source, frozenset({item.key, found.key})
        self.stock.bound.add(found.key)
        known.calls |= frozenset(_calls(flow.steps))
        yes, no = known.below(), known.below()
        yes.add(*fields)
        first = self.side(yes, 2, may_stop=False)
        if isinstance(source, OldestRow):
            first.steps.append(MarkRow(source, source.done))
        elif isinstance(source, DbRecord) and self.roll() < 0.2:
            first.steps.append(DbDelete(ctx, source))
        elif isinstance(source, MemoryFields) and self.roll() < 0.2:
            first.steps.append(MemoryDelete(ctx, source.slot))
        flow.check = Check(Present(ctx, found), first, self.side(no, 2, may_stop=True))

    def start(self) -> Start:
        """What starts the program."""
        if self.trigger == "endpoint":
            return endpoint(self.ctx, self.method)
        return schedule(self.ctx) if self.trigger == "cron" else plain()

    def inputs(self, known: Known) -> list[Step]:
        """What an endpoint takes out of its request."""
        ctx = self.ctx
        posted = self.method in ("POST", "PUT")
        if self.trigger != "endpoint" or (not posted and self.roll() < 0.4):
            return []
        kinds = ctx.pick((*FIELDS, ("num", "text")))
        step = self.stock.apart(lambda: BodyFields(ctx, kinds) if posted else QueryField(ctx))
        known.add(*step.gives)
        self.sources = max(0, self.sources - 1)
        return [step]

    def draw(self) -> Job:
        """The trigger and the flow; raises ``Again`` where the parts do not fit."""
        known = Known()
        steps = self.inputs(known)
        derived = self.derived
        for number in range(self.sources):
            steps += self.stock.source(known)
            if number + 1 < self.sources and self.roll() < 0.2:
                steps += self.effects.sinks(known, 1)
            if derived and self.roll() < 0.5:
                steps += self.stock.derive(known)
                derived -= 1
        for _ in range(derived):
            steps += self.stock.derive(known)
        flow = Flow(steps)
        if self.roll() < 0.12 and (fork := self._fork(known)):
            flow.steps.append(fork)
        if self.asks and self.roll() < 0.25:
            flow.steps += self.effects.sinks(known, 1)
        here = Known(list(known.items))
        if self.gated:
            self.gate(flow, known)
        elif not (self.asks and self.ask(flow, known, 1)):
            wanted = self.ctx.pick((1, 1, 2) if self.few else (1, 1, 2, 2, 3))
            count = max(0, wanted - (1 if self.returns and self.roll() < 0.5 else 0))
            flow.steps += self.effects.sinks(known, count)
            here = Known(list(known.items))
            flow.ret = self.effects.ending(known) if self.returns else None
            if known.fresh and not flow.ret:
                flow.steps += self.effects.sinks(known, 1)
        if self.roll() < 0.3:
            self.guard(flow, here)
        if not self.stock.wanted <= self.stock.used or len(list(flow.every_step())) > self.most:
            raise Again
        return self.start(), flow

    def _fork(self, known: Known) -> Step | None:
        items = [
            item
            for item in known.items
            if item.kind in ("num", "text") and self.questions.askable(item) and not self.questions.row_text(item)
        ]
        if not items:
            return None
        item = self.ctx.pick(items)
        self.questions.settle(item)
        return Fork(self.questions.simple(item), choose.sink(self.ctx, self.effects.payload(known.below(), text=True)))


def _two(ctx: Ctx) -> list[Job]:
    """Two small tasks in one program."""
    triggers = (ctx.pick(_TRIGGERS[1:]),)
    jobs = [_Medley(ctx, triggers, small=True).draw() for _ in range(2)]
    if jobs[0][0].trigger == jobs[1][0].trigger:
        raise Again
    return jobs


def _recipe(ctx: Ctx) -> Job | list[Job]:
    two = ctx.rng.random() < 0.06
    for _ in range(_TRIES):
        try:
            return _two(ctx) if two else _Medley(ctx).draw()
        except Again:
            ctx.names = type(ctx.names)(ctx.rng, ctx.split)
    raise Again(f"no parts fit each other in {_TRIES} draws")


FAMILY = Family("medley", "T5", _recipe)
