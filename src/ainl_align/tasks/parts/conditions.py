"""Yes-or-no questions about one value, with their wording and the values at their boundary."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.program import Block, Var


class Condition(ABC):
    """A question about ``item``."""

    item: Item
    signature: str

    @abstractmethod
    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        """Write the test; returns the variable to branch on."""

    def fork(self, block: Block, known: dict[str, Var]) -> tuple[Block, Block]:
        """Write the test and the branch that ends the label; returns the labels for yes and no."""
        answer = self.emit(block, known)
        yes, no = block.child("yes"), block.child("no")
        block.branch(answer, yes, no)
        return yes, no

    def test(self, values: Mapping[str, Any]) -> bool:
        """The answer for item values."""
        return self.holds(values[self.item.key])

    def worlds(self, base: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Item values for ``cases``."""
        return [{self.item.key: value} for value in self.cases()]

    @abstractmethod
    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        """``<noun> is at least 80``; without ``noun`` the item's own."""

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """The answer for ``value``."""

    @abstractmethod
    def cases(self) -> list[Any]:
        """Two or three values: both answers, the boundary among them."""


_BOUNDS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "GT": (
        "core.GT",
        ("is more than {n}", "is above {n}", "is over {n}", "is greater than {n}", "is strictly above {n}"),
        ("exceeds {n}", "is higher than {n}", "goes beyond {n}"),
    ),
    "GTE": (
        "core.GTE",
        ("is at least {n}", "is {n} or more", "is no less than {n}", "is no fewer than {n}", "reaches {n}"),
        ("is {n} or higher", "is {n} or above", "is not below {n}"),
    ),
    "LT": (
        "core.LT",
        ("is less than {n}", "is below {n}", "is under {n}", "is strictly below {n}"),
        ("is lower than {n}", "is smaller than {n}", "falls short of {n}"),
    ),
    "LTE": (
        "core.LTE",
        ("is at most {n}", "is {n} or less", "is no more than {n}", "is up to {n}", "does not exceed {n}"),
        ("is {n} or lower", "is {n} or below", "is not above {n}"),
    ),
}


class Bound(Condition):
    """A number against a threshold; ``step`` is the distance between possible values."""

    def __init__(self, ctx: Ctx, item: Item, threshold: int, operator: str | None = None, step: int = 1) -> None:
        self.item, self.threshold, self.step = item, threshold, step
        self.operator = operator or ctx.pick(tuple(_BOUNDS))
        self.signature = f"bound_{self.operator}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb(_BOUNDS[self.operator][0], known[self.item.key], self.threshold, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return f"{noun or self.item.noun} {ctx.say(*_BOUNDS[self.operator][1:]).format(n=self.threshold)}"

    def holds(self, value: Any) -> bool:
        difference = value - self.threshold
        return bool(
            {"GT": difference > 0, "GTE": difference >= 0, "LT": difference < 0, "LTE": difference <= 0}[self.operator]
        )

    def cases(self) -> list[Any]:
        return [self.threshold, self.threshold + self.step, self.threshold - self.step]


class TextTest(Condition):
    """A text that equals, contains, starts or ends with a word; ``equals`` distinguishes upper and lower case."""

    _verbs: ClassVar = {
        "equals": "core.EQ",
        "contains": "core.CONTAINS",
        "starts": "core.STARTSWITH",
        "ends": "core.ENDSWITH",
    }
    _words: ClassVar = {
        "equals": (('is "{w}"', 'equals "{w}"', 'is exactly "{w}"'), ('reads "{w}"', 'is the text "{w}"')),
        "contains": (('contains "{w}"', 'has "{w}" in it', 'mentions "{w}"'), ('includes "{w}"',)),
        "starts": (('starts with "{w}"', 'begins with "{w}"'), ('has "{w}" at its start',)),
        "ends": (('ends with "{w}"', 'ends in "{w}"'), ('has "{w}" at its end',)),
    }

    def __init__(self, ctx: Ctx, item: Item, mode: str | None = None) -> None:
        self.item = item
        self.mode = mode or ctx.pick(tuple(self._verbs))
        self.word = ctx.names.value() if self.mode == "equals" else ctx.names.needle()
        self.signature = f"text_{self.mode}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return block.call_verb(self._verbs[self.mode], known[self.item.key], self.word, out="hit")

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        return f"{noun or self.item.noun} {ctx.say(*self._words[self.mode]).format(w=self.word)}"

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


class Present(Condition):
    """Whether there is a value: not missing, not empty, not zero, not false."""

    def __init__(self, ctx: Ctx, item: Item) -> None:
        self.item = item
        self.signature = f"present_{item.kind}"

    def emit(self, block: Block, known: dict[str, Var]) -> Var:
        return known[self.item.key]

    def clause(self, ctx: Ctx, noun: str | None = None) -> str:
        noun = noun or self.item.noun
        if self.item.kind == "flag":
            return noun + ctx.say((" is true",), (" is set to true",))
        if self.item.kind == "list":
            return noun + ctx.say((" is not empty", " has any entries"), (" holds at least one entry",))
        return noun + ctx.say((" is there", " exists", " is present"), (" can be found",))

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
