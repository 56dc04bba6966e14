"""The api: data by path, and objects posted to a path."""

from typing import Any

from ainl_align.tasks import store_names
from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, unguarded
from ainl_align.tasks.parts.db import field_name
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import Source, join_words, random_value
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import api, http


class ApiFields(Source):
    """Fields of the data of one path; ``nested`` ones stand in an object inside."""

    kinds = frozenset({"http", "compute"})
    call = "api.G"

    def __init__(self, ctx: Ctx, kinds: tuple[Kind, ...], *, nested: bool = False) -> None:
        self.target = store_names.api_path(ctx.names)
        self.holder = ctx.names.group() if nested else None
        self.names = [field_name(ctx, kind) for kind in kinds]
        self.gives = tuple(
            Item(f"api.{name}", ctx.phrase(api.FIELD, name=name), kind)
            for name, kind in zip(self.names, kinds, strict=True)
        )
        self.signature = f"api_{'group' if nested else 'flat'}_{'_'.join(kinds)}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("api.G", self.target, out="resp")
        guard(block.last)
        prefix = f"data.{self.holder}." if self.holder else "data."
        for item, name in zip(self.gives, self.names, strict=True):
            known[item.key] = block.call_verb("core.GET", resp, prefix + name, out="val")

    def clause(self, ctx: Ctx) -> str:
        what = join_words(self.names)
        if self.holder:
            what = ctx.phrase(http.IN_OBJECT, what=what, holder=self.holder)
        return ctx.phrase(api.FIELDS, path=self.target, what=what, s="s" if len(self.names) > 1 else "")

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {item.key: random_value(ctx, item.kind) for item in self.gives}

    def prepare(self, scene: Scene) -> None:
        values = {
            name: scene.given[item.key]
            for name, item in zip(self.names, self.gives, strict=True)
            if scene.given[item.key] is not None
        }
        scene.api[self.target] = {"note": "x1", **({self.holder: values} if self.holder else values)}


class ApiData(Source):
    """The whole data of one path."""

    kinds = frozenset({"http", "compute"})
    call = "api.G"

    def __init__(self, ctx: Ctx, kind: Kind = "any") -> None:
        self.target = store_names.api_path(ctx.names)
        self.gives = (Item("api.data", ctx.phrase(api.NOUN), kind),)
        self.signature = f"api_data_{kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("api.G", self.target, out="resp")
        guard(block.last)
        known["api.data"] = block.call_verb("core.GET", resp, "data", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(api.DATA, path=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        if self.gives[0].kind == "list":
            return {"api.data": random_value(ctx, "list")}
        return {"api.data": {"id": ctx.rng.randint(1, 99), "label": "Rowan"}}

    def prepare(self, scene: Scene) -> None:
        scene.api[self.target] = scene.given["api.data"]


class ApiSend(Action):
    """An object posted to a path of the api."""

    call = "api.P"

    def __init__(self, ctx: Ctx, payload: Payload) -> None:
        self.target, self.payload = store_names.api_path(ctx.names), payload
        self._sign("api_send", "http")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(api.SEND, path=self.target, what=self.what(ctx))
