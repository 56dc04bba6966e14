"""Steps that make one value from others."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Step, unguarded
from ainl_align.tasks.program import Block, Operand, Var
from ainl_align.tasks.wording import nouns, text


class Arithmetic(Step):
    """A number changed by a constant, or two numbers combined."""

    _verbs: ClassVar = {"add": "core.ADD", "sub": "core.SUB", "mul": "core.MUL"}

    def __init__(self, ctx: Ctx, operator: str, left: Item, right: Item | int) -> None:
        self.operator, self.left, self.right = operator, left, right
        self.gives = (Item("result", ctx.phrase(nouns.ARITHMETIC[operator]), "num"),)
        self.signature = f"{operator}_{'item' if isinstance(right, Item) else 'const'}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        right: Operand = known[self.right.key] if isinstance(self.right, Item) else self.right
        known["result"] = block.call_verb(self._verbs[self.operator], known[self.left.key], right, out="num")

    def clause(self, ctx: Ctx) -> str:
        right = self.right.noun if isinstance(self.right, Item) else self.right
        return ctx.phrase(text.ARITHMETIC[self.operator], noun=self.left.noun, n=right)

    def apply(self, left: Any, right: Any) -> Any:
        """The result as Python computes it."""
        return {"add": left + right, "sub": left - right, "mul": left * right}[self.operator]

    def invert(self, result: int) -> int:
        """The left value that gives ``result`` with a constant on the right."""
        assert isinstance(self.right, int), self.signature
        if self.operator == "mul":
            assert result % self.right == 0, (result, self.right)
            return result // self.right
        return result - self.right if self.operator == "add" else result + self.right

    def solve(self, key: str, value: Any, base: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(self.right, Item):
            shift = base[self.right.key]
            return {self.left.key: value - shift if self.operator == "add" else value + shift}
        return {self.left.key: self.invert(value)}

    def play(self, scene: Scene) -> None:
        right = scene.values[self.right.key] if isinstance(self.right, Item) else self.right
        scene.values["result"] = self.apply(scene.values[self.left.key], right)


class Recase(Step):
    """A text in another form: upper case, lower case, blanks stripped, one word replaced."""

    def __init__(self, ctx: Ctx, item: Item, mode: str | None = None) -> None:
        self.item = item
        self.mode = mode or ctx.pick(("upper", "lower", "strip", "replace"))
        self.gives = (Item("shaped", ctx.phrase(nouns.SHAPED[self.mode]), "text"),)
        self.old, self.new = ctx.names.needle(), ctx.names.needle()
        self.signature = f"shape_{self.mode}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        extra = (self.old, self.new) if self.mode == "replace" else ()
        known["shaped"] = block.call_verb(f"core.{self.mode.upper()}", known[self.item.key], *extra, out="text")

    def clause(self, ctx: Ctx) -> str:
        pool = {"strip": text.STRIP, "replace": text.REPLACE}.get(self.mode, text.RECASE)
        return ctx.phrase(pool, noun=self.item.noun, mode=self.mode, old=self.old, new=self.new)

    def play(self, scene: Scene) -> None:
        given = str(scene.values[self.item.key])
        scene.values["shaped"] = {
            "upper": given.upper(),
            "lower": given.lower(),
            "strip": given.strip(),
            "replace": given.replace(self.old, self.new),
        }[self.mode]

    def example(self) -> str:
        """A text that every mode changes."""
        return f"  Notice: {self.old} at Dock 4, {self.old} again "


class Measure(Step):
    """The number of entries of a list."""

    def __init__(self, ctx: Ctx, item: Item) -> None:
        self.item = item
        self.gives = (Item("size", ctx.phrase(nouns.SIZE), "num"),)
        self.signature = "len"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["size"] = block.call_verb("core.LEN", known[self.item.key], out="num")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(text.COUNT_ENTRIES, noun=self.item.noun)

    def play(self, scene: Scene) -> None:
        scene.values["size"] = len(scene.values[self.item.key])


class JoinList(Step):
    """The entries of a list as one text."""

    def __init__(self, ctx: Ctx, item: Item) -> None:
        self.item = item
        self.mark = ctx.pick((", ", "; ", " | ", " - "))
        self.gives = (Item("joined", ctx.phrase(nouns.JOINED), "text"),)
        self.signature = "join"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        known["joined"] = block.call_verb("core.JOIN", self.mark, known[self.item.key], out="text")

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(text.JOIN, noun=self.item.noun, mark=self.mark)

    def play(self, scene: Scene) -> None:
        scene.values["joined"] = self.mark.join(str(entry) for entry in scene.values[self.item.key])
