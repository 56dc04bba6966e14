"""Questions about two values, about two questions, and about texts in whatever case; whether a query found rows."""

from collections.abc import Mapping
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.conditions import Branch, Condition, ItemTest, TextTest
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording import compound


class AnyRows(ItemTest):
    """Whether a list or text of rows came out of a query; None when there was no row."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.signature = "any_rows"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return known[self.item.key]

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(compound.ANY_ROWS, x=noun or self.item.noun)

    def negated(self, ctx: Ctx) -> str | None:
        return ctx.phrase(compound.NO_ROWS, x=self.item.noun)

    def holds(self, value: Any) -> bool:
        return value is not None

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{self.item.key: base[self.item.key]}, {self.item.key: None}]

    def cases(self) -> list[Any]:
        return [None]


class Compare(Branch):
    """Two values against each other: numbers by order, or any two by equality."""

    def __init__(self, ctx: Ctx, left: Item, right: Item, operator: str | None = None) -> None:
        self.item, self.right = left, right
        numbers = left.kind == right.kind == "num"
        self.operator = operator or ctx.pick(("GT", "GTE", "LT") if numbers else ("EQ", "NEQ"))
        self.signature = f"compare_{self.operator}_{left.kind}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb(f"core.{self.operator}", known[self.item.key], known[self.right.key], out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(compound.COMPARE[self.operator], x=noun or self.item.noun, y=self.right.noun)

    def test(self, values: Mapping[str, Any]) -> bool:
        left, right = values[self.item.key], values[self.right.key]
        if self.operator in ("EQ", "NEQ"):
            return bool((left == right) == (self.operator == "EQ"))
        return bool({"GT": left > right, "GTE": left >= right, "LT": left < right}[self.operator])

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        right = base[self.right.key]
        lefts = [right, right + 1, right - 1] if isinstance(right, int) else [right, f"{right} two"]
        return [{self.item.key: left, self.right.key: right} for left in lefts]


class _Two(Condition):
    """Two questions; the second is only asked when the first does not settle it."""

    settles: bool

    def __init__(self, one: Branch, two: Branch) -> None:
        self.item, self.one, self.two = one.item, one, two
        self.signature = f"{type(self).__name__.lower()}_{one.signature}_{two.signature}"

    def fork(self, block: Block, known: dict[str, Var]) -> tuple[Block, Block]:
        answer = self.one.emit(block, known)
        end, more = block.child("yes" if self.settles else "no"), block.child("more")
        block.branch(answer, *((end, more) if self.settles else (more, end)))
        other = more.child("no" if self.settles else "yes")
        second = self.two.emit(more, dict(known))
        more.branch(second, *((end, other) if self.settles else (other, end)))
        return (end, other) if self.settles else (other, end)

    def test(self, values: Mapping[str, Any]) -> bool:
        first = self.one.test(values)
        return first if first == self.settles else self.two.test(values)

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        asked = next(world for world in self.one.worlds(base) if self.one.test({**base, **world}) != self.settles)
        other = next(world for world in self.two.worlds(base) if self.two.test({**base, **world}) != self.settles)
        return [asked | world for world in self.two.worlds(base)] + [
            world | other for world in self.one.worlds(base) if world != asked
        ]


class Both(_Two):
    """Both answers must be yes."""

    settles = False

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(compound.BOTH, x=self.one.clause(ctx), y=self.two.clause(ctx))


class Either(_Two):
    """One yes is enough."""

    settles = True

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(compound.EITHER, x=self.one.clause(ctx), y=self.two.clause(ctx))


class CleanTest(TextTest):
    """A text test that ignores case (``lower``), blanks around the text (``strip``), or both (``clean``)."""

    def __init__(self, ctx: Ctx, item: Item, how: str | None = None) -> None:
        self.how = how or ctx.pick(("lower", "lower", "strip", "clean"))
        super().__init__(ctx, item, None if self.how == "lower" else "equals")
        self.signature = f"{self.how}_{self.mode}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        text = known[self.item.key]
        if self.how != "lower":
            text = block.call_verb("core.STRIP", text, out="text")
        if self.how != "strip":
            text = block.call_verb("core.LOWER", text, out="text")
        return block.call_verb(self._verbs[self.mode], text, self.word, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        pools = {"strip": compound.TRIMMED, "clean": compound.CLEANED}
        pool = compound.FOLDED[self.mode] if self.how == "lower" else pools[self.how]
        return ctx.phrase(pool, x=noun or self.item.noun, w=self.word)

    def negated(self, ctx: Ctx) -> str | None:
        return None

    def holds(self, value: Any) -> bool:
        text = str(value) if self.how == "lower" else str(value).strip()
        return super().holds(text if self.how == "strip" else text.lower())

    def cases(self) -> list[Any]:
        word = self.word
        if self.how == "lower":
            found = super().cases()
            return [found[0].upper(), found[1], word.capitalize(), found[2].capitalize()]
        if self.how == "strip":
            return [f"  {word} ", f" {word.upper()}", f"one {word}", f"{word} one", word]
        return [f"  {word.upper()} ", f"one {word}", f"{word} one", word.capitalize()]
