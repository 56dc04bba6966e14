"""Values that are never missing: defaults, caught errors, and numbers computed from others."""

import operator
from collections.abc import Mapping
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Guard, Item, Scene, Step, unguarded
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.program import Block, Operand, Var
from ainl_align.tasks.wording import values


def shown(value: str | int) -> str:
    """A constant as a request writes it."""
    return f'"{value}"' if isinstance(value, str) else str(value)


class Default(Step):
    """A value, or a constant where it is missing. A missing number that counts as 0 needs no branch."""

    def __init__(self, item: Item, default: str | int) -> None:
        self.item, self.default = item, default
        self.kinds = frozenset({"compute"}) if default == 0 else frozenset({"call"})
        self.gives = (Item(f"{item.key}|default", item.noun, item.kind),)
        self.signature = "default_zero" if default == 0 else f"default_{item.kind}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        value, key = known[self.item.key], self.gives[0].key
        if self.default == 0:
            known[key] = block.call_verb("core.INT", value, out="num")
            return
        pick = block.child("pick")
        there, missing = pick.child("there"), pick.child("missing")
        pick.branch(value, there, missing)
        there.end(value)
        missing.end(self.default)
        known[key] = block.call(pick, block.new_name("val"))

    def clause(self, ctx: Ctx) -> str:
        if self.default == 0:
            return ctx.phrase(values.ZERO)
        return ctx.phrase(values.DEFAULT, x=self.item.noun, d=shown(self.default))

    def solve(self, key: str, value: Any, base: Mapping[str, Any]) -> dict[str, Any]:
        return {self.item.key: value}

    def edges(self) -> list[tuple[str, dict[str, Any]]]:
        return [("missing", {self.item.key: None})]

    def play(self, scene: Scene) -> None:
        value = scene.values[self.item.key]
        scene.values[self.gives[0].key] = self.default if value is None else value


class Caught(Step):
    """A read whose failure becomes a constant."""

    kinds = frozenset({"call"})

    def __init__(self, source: Source, default: str | int) -> None:
        self.source, self.default = source, default
        self.gives = source.gives
        self.fails = f"{source.gives[0].key}|fails"
        self.signature = f"caught_{source.signature}"

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        read = block.child("read")

        def write(at: int) -> None:
            fail = read.child("fail")
            read.on_error(at, fail)
            fail.end(self.default)

        inner = dict(known)
        self.source.emit(read, inner, write)
        key = self.gives[0].key
        read.end(inner[key])
        known[key] = block.call(read, block.new_name("val"))

    def clause(self, ctx: Ctx) -> str:
        return ctx.phrase(values.CAUGHT, step=self.source.clause(ctx), d=shown(self.default))

    def draw(self, ctx: Ctx) -> dict[str, Any]:
        return {**self.source.draw(ctx), self.fails: False}

    def edges(self) -> list[tuple[str, dict[str, Any]]]:
        return [("the read fails", {self.fails: True})]

    def prepare(self, scene: Scene) -> None:
        self.source.prepare(scene)
        if scene.given[self.fails]:
            self.source.fault(scene, 1)

    def play(self, scene: Scene) -> None:
        self.source.play(scene)
        if scene.given[self.fails]:
            scene.values[self.gives[0].key] = self.default


_ITEMS = {"scaled": 2, "scaled_less": 2, "sum_less": 2, "sum": 2, "difference": 2, "three": 3}
"""Shapes that can be solved for any result, and how many values they take."""
_DO = {"MUL": operator.mul, "ADD": operator.add, "SUB": operator.sub, "IDIV": operator.floordiv}
_SINGLE = ("line", "bracket", "parts")


class Formula(Step):
    """A number computed from one to three others in one to three steps."""

    def __init__(self, ctx: Ctx, shape: str, *items: Item) -> None:
        self.shape, self.items = shape, items
        self.factor = ctx.names.number(2, 12)
        self.offset = ctx.names.number(2, 60)
        self.gives = (Item("formula", ctx.phrase(values.FORMULA_NOUN), "num"),)
        self.signature = f"formula_{shape}"

    def _steps(self) -> list[tuple[str, Item | int]]:
        """Verbs with their right operand; the left one is the first value, then each result."""
        x, *rest = self.items
        y = rest[0] if rest else x
        table: dict[str, list[tuple[str, Item | int]]] = {
            "scaled": [("MUL", self.factor), ("ADD", y)],
            "scaled_less": [("MUL", self.factor), ("SUB", y)],
            "sum_less": [("ADD", y), ("SUB", self.offset)],
            "sum": [("ADD", y)],
            "difference": [("SUB", y)],
            "three": [("MUL", self.factor), ("ADD", y), ("SUB", self.items[-1])],
            "line": [("MUL", self.factor), ("ADD", self.offset)],
            "bracket": [("ADD", self.offset), ("MUL", self.factor)],
            "parts": [("IDIV", self.factor)],
        }
        return table[self.shape]

    def emit(self, block: Block, known: dict[str, Var], guard: Guard = unguarded) -> None:
        value: Var = known[self.items[0].key]
        for verb, right in self._steps():
            operand: Operand = known[right.key] if isinstance(right, Item) else right
            value = block.call_verb(f"core.{verb}", value, operand, out="num")
        known["formula"] = value

    def clause(self, ctx: Ctx) -> str:
        nouns = dict(zip("xyz", (item.noun for item in self.items), strict=False))
        return ctx.phrase(values.FORMULA[self.shape], k=self.factor, m=self.offset, **nouns)

    def _apply(self, known: Mapping[str, Any]) -> int:
        value = int(known[self.items[0].key])
        for verb, right in self._steps():
            number = known[right.key] if isinstance(right, Item) else right
            value = _DO[verb](value, number)
        return value

    def solve(self, key: str, value: Any, base: Mapping[str, Any]) -> dict[str, Any]:
        """The second value moves so that the result comes out."""
        assert self.shape in _ITEMS, self.shape
        known = {item.key: base[item.key] for item in self.items}
        if self.shape.startswith(("scaled", "three")):
            known[self.items[0].key] = value // self.factor + (2 if self.shape == "scaled_less" else -1)
        second = self.items[1].key
        known[second] = 0
        gap = value - self._apply(known)
        known[second] = -gap if self.shape in ("scaled_less", "difference") else gap
        return known

    def play(self, scene: Scene) -> None:
        scene.values["formula"] = self._apply(scene.values)


def two_values(ctx: Ctx, *items: Item) -> Formula:
    """A formula of two or three values that a condition can follow."""
    fitting = [shape for shape, count in _ITEMS.items() if count == len(items)]
    return Formula(ctx, ctx.pick(fitting), *items)


def one_value(ctx: Ctx, item: Item) -> Formula:
    """A formula of one value and constants."""
    return Formula(ctx, ctx.pick(_SINGLE), item)


__all__ = ["Caught", "Default", "Formula", "one_value", "shown", "two_values"]
