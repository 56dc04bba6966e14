"""What is sent, stored or returned: a fixed text, a value, a message, a JSON object."""

from abc import ABC, abstractmethod
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Item, Scene
from ainl_align.tasks.parts.sources import join_words
from ainl_align.tasks.program import Block, Operand, Var
from ainl_align.tasks.wording import payloads as wording


class Payload(ABC):
    """Something to hand over."""

    kinds: frozenset[str] = frozenset()
    signature: str

    @abstractmethod
    def emit(self, block: Block, known: dict[str, Var]) -> Operand:
        """Write what builds it; returns the operand."""

    @abstractmethod
    def noun(self, ctx: Ctx) -> str:
        """The payload as a noun phrase."""

    @abstractmethod
    def value(self, scene: Scene) -> Any:
        """What it is in this scenario."""


class Fixed(Payload):
    """A text that never changes."""

    signature = "fixed"

    def __init__(self, text: str) -> None:
        self.text = text

    def emit(self, block: Block, known: dict[str, Var]) -> Operand:
        return self.text

    def noun(self, ctx: Ctx) -> str:
        return ctx.phrase(wording.FIXED, text=self.text) if ctx.rng.random() < 0.2 else f'"{self.text}"'

    def value(self, scene: Scene) -> Any:
        return self.text


class Value(Payload):
    """A value that the task has read."""

    signature = "value"

    def __init__(self, item: Item) -> None:
        self.item = item

    def emit(self, block: Block, known: dict[str, Var]) -> Operand:
        return known[self.item.key]

    def noun(self, ctx: Ctx) -> str:
        return self.item.noun

    def value(self, scene: Scene) -> Any:
        return scene.values[self.item.key]


class Message(Payload):
    """Texts and values, one after the other."""

    kinds = frozenset({"compute"})

    def __init__(self, *parts: str | Item) -> None:
        self.parts = parts
        self.signature = f"message{sum(isinstance(part, Item) for part in parts)}"

    def emit(self, block: Block, known: dict[str, Var]) -> Operand:
        operands = [known[part.key] if isinstance(part, Item) else part for part in self.parts]
        return block.call_verb("core.CONCAT", *operands, out="msg")

    def noun(self, ctx: Ctx) -> str:
        if ctx.rng.random() < 0.25:
            place = ctx.say(*wording.PLACE)
            filled = [place.format(noun=part.noun) if isinstance(part, Item) else part for part in self.parts]
            return f'"{"".join(filled)}"'
        names = [part.noun if isinstance(part, Item) else f'"{part}"' for part in self.parts]
        if len(names) == 2:
            return ctx.phrase(wording.PAIR, first=names[0], second=names[1])
        return ctx.phrase(wording.SERIES, listed=join_words(names), added=" + ".join(names))

    def value(self, scene: Scene) -> Any:
        return "".join(str(scene.values[part.key]) if isinstance(part, Item) else part for part in self.parts)


class JsonObject(Payload):
    """A JSON object whose fields are values or fixed texts."""

    kinds = frozenset({"compute"})

    def __init__(self, **fields: str | Item) -> None:
        self.fields = fields
        self.signature = f"json{len(fields)}"

    def emit(self, block: Block, known: dict[str, Var]) -> Operand:
        encoded = {
            name: block.call_verb("core.STRINGIFY", known[entry.key], out="js")
            for name, entry in self.fields.items()
            if isinstance(entry, Item)
        }
        pieces: list[Operand] = []
        text = "{"
        for number, (name, entry) in enumerate(self.fields.items()):
            text += f'{"," if number else ""}"{name}":'
            if isinstance(entry, Item):
                pieces += [text, encoded[name]]
                text = ""
            else:
                text += f'"{entry}"'
        if not pieces:
            return block.call_verb("core.PARSE", text + "}", out="obj")
        raw = block.call_verb("core.CONCAT", *pieces, text + "}", out="raw")
        return block.call_verb("core.PARSE", raw, out="obj")

    def noun(self, ctx: Ctx) -> str:
        pair = ctx.say(*wording.JSON_PAIR)
        pairs = [
            pair.format(name=name, value=entry.noun if isinstance(entry, Item) else f'"{entry}"')
            for name, entry in self.fields.items()
        ]
        return ctx.phrase(wording.JSON, listed=join_words(pairs), pairs=", ".join(pairs))

    def value(self, scene: Scene) -> Any:
        return {
            name: scene.values[entry.key] if isinstance(entry, Item) else entry for name, entry in self.fields.items()
        }
