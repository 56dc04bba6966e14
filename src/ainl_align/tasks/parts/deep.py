"""A value deep inside a JSON reply: objects in objects, and entries of lists by position."""

from typing import Any

from ainl_align.language.world_model import Reply
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, unguarded
from ainl_align.tasks.parts.sources import DOWN, Source, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import deep, http

ORDINALS = ("first", "second", "third", "fourth")
# What stands around the field, from the outside in: o an object, n a list of which one entry is taken.
SHAPES = {
    "oo": deep.GROUPS2,
    "ooo": deep.GROUPS3,
    "n": deep.ENTRY,
    "on": deep.GROUP_ENTRY,
    "no": deep.ENTRY_GROUP,
    "top": deep.TOP,
    "plain": deep.PLAIN,
}


class DeepField(Source):
    """One value of the JSON that a GET returns, two or more levels down."""

    kinds = frozenset({"http", "compute"})
    call = "http.GET"

    def __init__(self, ctx: Ctx, kind: Kind, shape: str | None = None) -> None:
        self.target = ctx.names.url()
        self.shape = shape or ctx.pick(tuple(SHAPES))
        self.index = ctx.rng.randint(0, 3)
        self.field = ctx.names.number_field() if kind == "num" else ctx.names.text_field()
        around = {"top": "n", "plain": "n"}.get(self.shape, self.shape)
        self.names = [ctx.names.group() if sign == "o" else ctx.names.list_field() for sign in around]
        segments: list[str] = []
        for sign, name in zip(around, self.names, strict=True):
            segments += [name] if self.shape != "top" else []
            segments += [str(self.index)] if sign == "n" else []
        self.segments = segments if self.shape == "plain" else [*segments, self.field]
        noun = ctx.phrase(deep.PLAIN_NOUN) if self.shape == "plain" else ctx.phrase(deep.NOUN, f=self.field)
        self.gives = (Item(".".join(self.segments), noun, kind),)
        self.signature = f"deep_{self.shape}_{kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("http.GET", self.target, out="resp")
        guard(block.last)
        path = ".".join(["body", *self.segments])
        known[self.gives[0].key] = block.call_verb("core.GET", resp, path, out="val")

    def clause(self, ctx: Ctx) -> str:
        around = dict(zip("abc", self.names, strict=False))
        what = ctx.phrase(SHAPES[self.shape], f=self.field, nth=ORDINALS[self.index], i=self.index, **around)
        return ctx.phrase(http.FIELDS, url=self.target, what=what, s="")

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {self.gives[0].key: random_value(ctx, self.gives[0].kind)}

    def prepare(self, scene: Scene) -> None:
        value = scene.given[self.gives[0].key]
        other: Any = -7 if self.gives[0].kind == "num" else "zz"
        right, wrong = value, other
        for segment in reversed(self.segments):
            if segment.isdigit():
                right = [right if n == self.index else wrong for n in range(self.index + 2)]
                wrong = [wrong, wrong]
            else:
                missing = value is None and segment == self.field
                right = {"note": "x1"} if missing else {segment: right, "note": "x1"}
                wrong = {segment: wrong}
        if isinstance(right, dict) and self.shape != "plain":
            right.setdefault(self.field, other)
        scene.http.setdefault(("GET", self.target), []).append(Reply(body=right))

    def fault(self, scene: Scene, times: int) -> None:
        scene.http[("GET", self.target)] = [DOWN] * times + scene.http[("GET", self.target)]
