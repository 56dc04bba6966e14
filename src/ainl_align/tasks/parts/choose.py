"""Random choices that many families make: sinks, payloads, conditions, guards."""

from ainl_align.tasks.parts.actions import Action, CacheStore, Mail, Post, Queue, WriteFile
from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.conditions import Bound, ItemTest, Present, TextTest
from ainl_align.tasks.parts.flow import Flow, Guard
from ainl_align.tasks.parts.payloads import Fixed, JsonObject, Message, Payload, Value

_SINKS = ("queue", "queue", "mail", "mail", "post", "write", "cache")
_WAITS = {
    "train": (
        *(50, 100, 150, 200, 250, 350, 450, 500, 600, 700, 800, 900, 1000, 1000, 1200, 1250, 1800, 2000, 2000, 2500),
        *(3500, 4000, 4500, 6000, 7500, 8000, 10_000, 12_000, 15_000, 20_000),
    ),
    "dev": (300, 750, 3000),
    "test": (400, 1500, 5000),
}


def sink(ctx: Ctx, payload: Payload, allowed: tuple[str, ...] = _SINKS) -> Action:
    """One of the sinks; a POST wraps values and texts in a JSON object."""
    kind = ctx.pick(allowed)
    if kind == "queue":
        return Queue(ctx, payload)
    if kind == "mail":
        return Mail(ctx, payload)
    if kind == "write":
        return WriteFile(ctx, payload)
    if kind == "cache":
        return CacheStore(ctx, payload)
    return Post(ctx, as_json(ctx, payload))


def as_json(ctx: Ctx, payload: Payload) -> Payload:
    """The payload as a JSON object with one or two fields; a message stays its values."""
    if isinstance(payload, Fixed):
        return JsonObject(**{ctx.names.text_field(): payload.text})
    if isinstance(payload, Value):
        return JsonObject(**{ctx.names.text_field(): payload.item})
    if isinstance(payload, Message):
        return JsonObject(**{ctx.names.text_field(): part for part in payload.parts if isinstance(part, Item)})
    return payload


def notice(ctx: Ctx) -> Payload:
    """A fixed sentence."""
    return Fixed(ctx.names.notice())


def report(ctx: Ctx, *items: Item) -> Payload:
    """A message that carries the items, or the single item itself."""
    if len(items) == 1 and ctx.rng.random() < 0.3:
        return Value(items[0])
    if len(items) == 1:
        return Message(ctx.names.one_of(_LEADS), items[0])
    parts: list[str | Item] = [items[0]]
    for item in items[1:]:
        parts += [ctx.pick((": ", " - ", " / ", " has ", " at ", ", ")), item]
    return Message(*parts)


_LEADS = (
    "now at ",
    "found ",
    "new: ",
    "value: ",
    "today: ",
    "result: ",
    "latest: ",
    "got ",
    "seen: ",
    "reading: ",
    "current: ",
    "total so far: ",
    "we have ",
    "check: ",
    "update: ",
    "number: ",
    "FYI: ",
    "alert: ",
    "note: ",
    "info: ",
)


def word(ctx: Ctx) -> Payload:
    """A fixed word to return."""
    return Fixed(ctx.names.word())


def condition(ctx: Ctx, item: Item) -> ItemTest:
    """A question that fits the kind of the item."""
    if item.kind == "num":
        return Bound(ctx, item, ctx.names.number(5, 400))
    if item.kind == "text":
        return TextTest(ctx, item)
    return Present(ctx, item)


def say_word(ctx: Ctx) -> Flow:
    """Only return a word."""
    return Flow(ret=word(ctx))


def retries(ctx: Ctx, handler: Flow | None = None) -> Guard:
    """One to five further attempts with a fixed or a doubling wait."""
    return Guard(
        retries=ctx.rng.randint(1, 5),
        wait_ms=ctx.pick(_WAITS[ctx.split]),
        strategy=ctx.pick(("fixed", "exponential")),
        handler=handler,
    )


def outcome(ctx: Ctx) -> Flow:
    """A fixed text sent, a word returned, or both."""
    shape = ctx.rng.random()
    if shape < 0.4:
        return say_word(ctx)
    return Flow([sink(ctx, notice(ctx))], ret=word(ctx) if shape > 0.8 else None)


def two_outcomes(ctx: Ctx, item: Item) -> tuple[Flow, Flow]:
    """What to do when the answer about ``item`` is yes and when it is no; both return a word or neither does."""
    shape = ctx.rng.random()
    if shape < 0.3:
        return say_word(ctx), say_word(ctx)
    payload = report(ctx, item) if item.kind in ("num", "text") and ctx.rng.random() < 0.5 else notice(ctx)
    yes = Flow([sink(ctx, payload)])
    if shape < 0.5:
        return yes, Flow()
    if shape < 0.75:
        return yes, Flow([sink(ctx, notice(ctx))])
    yes.ret = word(ctx)
    return yes, say_word(ctx)
