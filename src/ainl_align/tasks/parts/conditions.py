"""Yes-or-no questions about one value, with their wording and the values at their boundary."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.numerals import number_words
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.wording.conditions import POOLS, QUESTION


class Condition(ABC):
    """A question; ``item`` is the value that it names first."""

    item: Item
    signature: str

    @abstractmethod
    def fork(self, block: Block, known: dict[str, Var]) -> tuple[Block, Block]:
        """Write the test and the branch that ends the label; returns the labels for yes and no."""

    @abstractmethod
    def test(self, values: Mapping[str, Any]) -> bool:
        """The answer for item values."""

    @abstractmethod
    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Two or more sets of values for items of ``base``: both answers, the boundary among them."""

    @abstractmethod
    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        """``<noun> is at least 80``; without ``noun`` the item's own."""

    def negated(self, ctx: Ctx) -> str | None:
        """The opposite as a clause of its own (``the list is empty``), where words for it are no other question."""
        return None

    def question(self, ctx: Ctx) -> str:
        """The clause as a question, without the question mark."""
        return ctx.phrase(QUESTION, c=self.clause(ctx))


class Branch(Condition):
    """A question that one variable answers."""

    @abstractmethod
    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        """Write the test; returns the variable to branch on."""

    def fork(self, block: Block, known: dict[str, Var]) -> tuple[Block, Block]:
        """As in ``Condition``."""
        answer = self.emit(block, known)
        yes, no = block.child("yes"), block.child("no")
        block.branch(answer, yes, no)
        return yes, no


class ItemTest(Branch):
    """A question about ``item`` alone."""

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """The answer for ``value``."""

    @abstractmethod
    def cases(self) -> list[Any]:
        """Two or three values: both answers, the boundary among them."""

    def test(self, values: Mapping[str, Any]) -> bool:
        """As in ``Condition``."""
        return self.holds(values[self.item.key])

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        """As in ``Condition``."""
        return [{self.item.key: value} for value in self.cases()]


class _Simple(ItemTest):
    """A question with one verb: ``is <noun> at least 80``."""

    def question(self, ctx: Ctx) -> str:
        clause, noun = self.clause(ctx), self.item.noun
        if clause.startswith(f"{noun} is "):
            return f"is {noun}{clause.removeprefix(f'{noun} is')}"
        return ctx.phrase(QUESTION, c=clause)


_COUNTED = ("count", "size", "lines")
"""Keys of items that count things: one may say ``there are at least 5 of them``."""


class Bound(_Simple):
    """A number against a threshold; ``step`` is the distance between possible values."""

    def __init__(self, ctx: Ctx, item: Item, threshold: int, operator: str | None = None, step: int = 1) -> None:
        self.item, self.threshold, self.step = item, threshold, step
        self.operator = operator or ctx.pick(("GT", "GTE", "LT", "LTE"))
        self.signature = f"bound_{self.operator}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb(f"core.{self.operator}", known[self.item.key], self.threshold, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        counted = noun is None and self.item.key in _COUNTED and ctx.rng.random() < 0.25
        pool = POOLS[f"{'count' if counted else 'bound'}_{self.operator}"]
        phrase = ctx.say(*pool)
        number = (
            str(self.threshold) if any(sign in phrase for sign in "<>=") else number_words(ctx, self.threshold, 0.2)
        )
        return phrase.format(x=noun or self.item.noun, n=number)

    def holds(self, value: Any) -> bool:
        difference = value - self.threshold
        return bool(
            {"GT": difference > 0, "GTE": difference >= 0, "LT": difference < 0, "LTE": difference <= 0}[self.operator]
        )

    def cases(self) -> list[Any]:
        return [self.threshold, self.threshold + self.step, self.threshold - self.step]


class TextTest(_Simple):
    """A text that equals, contains, starts or ends with a word; upper and lower case differ."""

    _verbs: ClassVar = {
        "equals": "core.EQ",
        "contains": "core.CONTAINS",
        "starts": "core.STARTSWITH",
        "ends": "core.ENDSWITH",
    }

    def __init__(self, ctx: Ctx, item: Item, mode: str | None = None) -> None:
        self.item = item
        self.mode = mode or ctx.pick(tuple(self._verbs))
        self.word = ctx.names.value() if self.mode == "equals" else ctx.names.needle()
        self.signature = f"text_{self.mode}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb(self._verbs[self.mode], known[self.item.key], self.word, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        text = ctx.phrase(POOLS[f"text_{self.mode}"], x=noun or self.item.noun, w=self.word)
        return text + (ctx.phrase(POOLS["same_case"]) if ctx.rng.random() < 0.04 else "")

    def negated(self, ctx: Ctx) -> str | None:
        return ctx.phrase(POOLS[f"not_text_{self.mode}"], x=self.item.noun, w=self.word)

    def holds(self, value: Any) -> bool:
        text = str(value)
        return {
            "equals": text == self.word,
            "contains": self.word in text,
            "starts": text.startswith(self.word),
            "ends": text.endswith(self.word),
        }[self.mode]

    def cases(self) -> list[Any]:
        word = self.word
        return {
            "equals": [word, f"{word} plus", f"not {word}"],
            "contains": [f"news: {word} today", "all is calm here", word],
            "starts": [f"{word} seen at noon", f"no {word}", word],
            "ends": [f"last item {word}", f"{word} came first", word],
        }[self.mode]


class Present(_Simple):
    """Whether there is a value: not missing, not empty, not zero, not false."""

    def __init__(self, ctx: Ctx, item: Item) -> None:
        self.item = item
        self.signature = f"present_{item.kind}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return known[self.item.key]

    def _pool(self, ctx: Ctx) -> str:
        if self.item.kind in ("flag", "list"):
            return self.item.kind
        if self.item.noun.startswith(("such ", "any ", "a ", "an ")):
            return "present_some"
        if self.item.key.startswith("body.") and ctx.rng.random() < 0.4:
            return "present_sent"
        return "present"

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return ctx.phrase(POOLS[self._pool(ctx)], x=noun or self.item.noun)

    def negated(self, ctx: Ctx) -> str | None:
        return ctx.phrase(POOLS[f"not_{self._pool(ctx)}"], x=self.item.noun)

    def holds(self, value: Any) -> bool:
        return bool(value)

    def cases(self) -> list[Any]:
        if self.item.kind == "flag":
            return [True, False]
        if self.item.kind == "list":
            return [["ant", "bee"], [], ["cat"]]
        if self.item.kind == "num":
            return [52, None]
        return ["Maple", None]
