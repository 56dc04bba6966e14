"""Where values come from: replies, tables, files, the cache, a posted body."""

from typing import Any

from ainl_align.language.world_model import Fault, Reply
from ainl_align.tasks.parts.base import Ctx, Guard, Item, Kind, Scene, Step, unguarded
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec
from ainl_align.tasks.wording import cache, files, http, nouns

DOWN = Reply(status=503, body="service unavailable")


class Source(Step):
    """A step that reads. ``call`` and ``target`` name its adapter call."""

    call: str
    target: str

    def spec(self, times: int | None = None) -> CallSpec:
        """The read that a right program makes."""
        return CallSpec(name=self.call, args=(self.target,), times=times)

    def play(self, scene: Scene) -> None:
        if self.call:
            scene.reads.append(self.spec())
        for item in self.gives:
            scene.values[item.key] = scene.given[item.key]

    def fault(self, scene: Scene, times: int) -> None:
        """Make the first ``times`` calls fail in this world."""
        scene.faults.append(Fault(call=self.call, target=self.target, times=times, message="not reachable"))


def random_value(ctx: Ctx, kind: Kind) -> Any:
    """A plausible value of a kind; texts come from the value pool, lists hold two to four of them."""
    if kind == "num":
        return ctx.rng.randint(3, 950)
    if kind == "flag":
        return True
    if kind == "list":
        return ["ant", "bee", "cat", "doe"][: ctx.rng.randint(2, 4)]
    return ctx.pick(("Maple", "Rowan", "Cedar Point", "Aster", "Lynx", "O'Neil", "Baltic", "Sol 7"))


class HttpFields(Source):
    """Fields of the JSON that one GET returns; ``paths`` are dotted."""

    kinds = frozenset({"http", "compute"})
    call = "http.GET"

    def __init__(self, ctx: Ctx, kinds: tuple[Kind, ...], *, nested: bool = False) -> None:
        self.target = ctx.names.url(query=True)
        self.nested = ctx.pick(("group", "first")) if nested else "flat"
        prefix = {"flat": "", "group": "", "first": ""}[self.nested]
        if self.nested == "group":
            self.holder = ctx.names.group()
            prefix = f"{self.holder}."
        elif self.nested == "first":
            self.holder = ctx.names.list_field()
            prefix = f"{self.holder}.0."
        names = [_field_name(ctx, kind) for kind in kinds]
        self.paths = tuple(prefix + name for name in names)
        alone = {"list": nouns.LIST_FIELD, "flag": nouns.FLAG_FIELD}
        shape = ctx.say(*(alone.get(kinds[0], nouns.FIELD) if len(kinds) == 1 else nouns.FIELD))
        self.gives = tuple(
            Item(path, shape.format(name=name), kind) for path, name, kind in zip(self.paths, names, kinds, strict=True)
        )
        self.names = names
        self.signature = f"http_{self.nested}_{'_'.join(kinds)}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("http.GET", self.target, out="resp")
        guard(block.last)
        for item, path in zip(self.gives, self.paths, strict=True):
            known[item.key] = block.call_verb("core.GET", resp, f"body.{path}", out="val")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(http.FIELDS, url=self.target, what=self._what(ctx), s="s" if len(self.names) > 1 else "")

    def _what(self, ctx: Ctx) -> str:
        """The fields and where they stand in the JSON, sometimes as paths (``data.total``)."""
        if self.nested == "flat":
            return join_words(self.names)
        inside, path = {
            "group": (http.IN_OBJECT, http.OBJECT_PATH),
            "first": (http.IN_FIRST_ENTRY, http.FIRST_ENTRY_PATH),
        }[self.nested]
        if ctx.rng.random() < 0.3:
            written = ctx.say(*path)
            return join_words([written.format(holder=self.holder, name=name) for name in self.names])
        return ctx.phrase(inside, what=join_words(self.names), holder=self.holder)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {item.key: random_value(ctx, item.kind) for item in self.gives}

    def prepare(self, scene: Scene) -> None:
        body: dict[str, Any] = {"note": "x1"}
        inner = body
        if self.nested == "group":
            inner = body.setdefault(self.holder, {})
        elif self.nested == "first":
            inner = {}
            decoy = {
                name: "zz" if item.kind != "num" else -7 for name, item in zip(self.names, self.gives, strict=True)
            }
            body[self.holder] = [inner, decoy]
        for name, item in zip(self.names, self.gives, strict=True):
            if scene.given[item.key] is not None:
                inner[name] = scene.given[item.key]
        scene.http.setdefault(("GET", self.target), []).append(Reply(body=body))

    def fault(self, scene: Scene, times: int) -> None:
        replies = scene.http[("GET", self.target)]
        scene.http[("GET", self.target)] = [DOWN] * times + replies


class HttpBody(Source):
    """The whole reply of one GET: text, or JSON passed on untouched."""

    kinds = frozenset({"http", "compute"})
    call = "http.GET"

    def __init__(self, ctx: Ctx, kind: Kind) -> None:
        self.target = ctx.names.url(query=True)
        self.gives = (Item("reply", ctx.phrase(nouns.REPLY[kind]), kind),)
        self.signature = f"http_body_{kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        resp = block.call_verb("http.GET", self.target, out="resp")
        guard(block.last)
        known["reply"] = block.call_verb("core.GET", resp, "body", out="val")

    def clause(self, ctx: Ctx) -> str:
        what = {"text": "text", "any": "JSON", "list": "JSON list"}[self.gives[0].kind]
        return ctx.phrase(http.REPLY, what=what, url=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        kind = self.gives[0].kind
        if kind == "any":
            return {"reply": {"id": ctx.rng.randint(1, 99), "label": "Rowan"}}
        if kind == "list":
            return {"reply": random_value(ctx, "list")}
        return {"reply": ctx.pick(("all quiet on deck", "Stand by for the 9 o'clock news", "two parcels in transit"))}

    def prepare(self, scene: Scene) -> None:
        scene.http.setdefault(("GET", self.target), []).append(Reply(body=scene.given["reply"]))

    def fault(self, scene: Scene, times: int) -> None:
        scene.http[("GET", self.target)] = [DOWN] * times + scene.http[("GET", self.target)]


class FileText(Source):
    """The text of a file."""

    kinds = frozenset({"fs", "compute"})
    call = "fs.READ"

    def __init__(self, ctx: Ctx) -> None:
        self.target = ctx.names.file()
        self.gives = (Item("file", ctx.phrase(nouns.FILE), "text"),)
        self.signature = "file"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["file"] = block.call_verb("fs.READ", self.target, out="val")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(files.READ, file=self.target)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"file": ctx.pick(("stable release tonight", "Gate 4 opens at noon", "ship the blue crates"))}

    def prepare(self, scene: Scene) -> None:
        if scene.given["file"] is not None:
            scene.files[self.target] = scene.given["file"]

    def fault(self, scene: Scene, times: int) -> None:
        """A file that cannot be read is a file that is not there."""
        scene.files.pop(self.target, None)


class CacheEntry(Source):
    """A cache entry; None when it is missing."""

    kinds = frozenset({"cache_read", "compute"})
    call = "cache.GET"

    def __init__(self, ctx: Ctx, kind: Kind) -> None:
        self.space, self.key = ctx.names.cache_slot()
        self.target = self.space
        self.gives = (Item("cached", ctx.phrase(nouns.CACHED), kind),)
        self.signature = f"cache_{kind}"

    def spec(self, times: int | None = None) -> CallSpec:
        return CallSpec(name="cache.GET", args=(self.space, self.key), times=times)

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["cached"] = block.call_verb("cache.GET", self.space, self.key, out="val")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(cache.READ, space=self.space, key=self.key)

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {"cached": random_value(ctx, self.gives[0].kind)}

    def prepare(self, scene: Scene) -> None:
        scene.cache.setdefault(self.space, {})["unrelated"] = "zz"
        if scene.given["cached"] is not None:
            scene.cache[self.space][self.key] = scene.given["cached"]


class BodyFields(Source):
    """Fields of the JSON that a request posts; the endpoint's first step has put it into ``body``."""

    call = ""
    target = ""

    def __init__(self, ctx: Ctx, kinds: tuple[Kind, ...]) -> None:
        self.names = [_field_name(ctx, kind) for kind in kinds]
        shape = ctx.say(*nouns.POSTED)
        self.gives = tuple(
            Item(f"body.{name}", shape.format(name=name), kind) for name, kind in zip(self.names, kinds, strict=True)
        )
        self.signature = f"body_{'_'.join(kinds)}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        for item, name in zip(self.gives, self.names, strict=True):
            known[item.key] = block.call_verb("core.GET", known["body"], name, out="val")
        guard(block.last)

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(http.POSTED, what=join_words(self.names), s="s" if len(self.names) > 1 else "")

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {item.key: random_value(ctx, item.kind) for item in self.gives}

    def prepare(self, scene: Scene) -> None:
        scene.body = {"extra": "zz"}
        for item, name in zip(self.gives, self.names, strict=True):
            if scene.given[item.key] is not None:
                scene.body[name] = scene.given[item.key]


def _field_name(ctx: Ctx, kind: Kind) -> str:
    if kind == "num":
        return ctx.names.number_field()
    if kind == "flag":
        return ctx.names.flag_field()
    if kind == "list":
        return ctx.names.list_field()
    return ctx.names.text_field()


def join_words(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
