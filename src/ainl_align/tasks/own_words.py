"""Requests in people's own words: whole texts written by hand over train tasks, with names that are drawn anew.

A request stands in ``own_words.jsonl`` beside this module with the program that it asks for and its slots: the names
and numbers in both that may be others. ``instance`` draws others for them, so that one text gives as many rows as are
wanted. No torch.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any, TypeVar

from ainl_align.tasks import store_names
from ainl_align.tasks.compose import compose, held_out
from ainl_align.tasks.entities import Entities
from ainl_align.tasks.families import FAMILIES, TRAIN_ONLY
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.task_model import Task

T = TypeVar("T")

_KINDS = (
    "url number_field text_field flag_field group list_field table state queue file address path word notice needle "
    "value"
).split()
"""Methods of ``Entities`` that give one name and take nothing."""
_SAID = ("word", "value", "state", "needle")
"""Kinds whose values are words of the language too: where one stands in quotes, only that is renamed."""
_POOLS = "entities paths parts does things flags acts tools kinds ids".split()
"""Pools of ``store_names``."""
ALL_FAMILIES = FAMILIES | TRAIN_ONLY
_TRIES = 20
_OPERAND = re.compile(r'"(?:[^"\\]|\\.)*"|(?<= )/[^ "]+|(?<= )-?\d[\d.]*(?= |$)', re.MULTILINE)
"""What of a program may be renamed: quoted texts, paths of endpoints, numbers."""
_FIXED = re.compile(r"^ *(?:Retry |Err |S |Cr |L_\w+:).*$", re.MULTILINE)
"""Lines that keep their numbers."""


@dataclass(frozen=True)
class Slot:
    """One name or number of a request that may be another: what it is here, and how another one is drawn."""

    value: str
    kind: str
    """A method of ``Entities``, a pool of ``store_names``, ``space`` or ``key`` of the cache, or ``number``."""
    bounds: tuple[int, int] | None = None
    """Least and greatest value of a number."""


@dataclass(frozen=True)
class Request:
    """A text with the program that it asks for."""

    family: str
    prompt: str
    gold: str
    slots: tuple[Slot, ...]


class Recorder(Entities):
    """Entities that remember what they gave out, as slots; no word is made up."""

    coined = 0.0

    def __init__(self, rng: random.Random, split: str) -> None:
        super().__init__(rng, split)
        self.slots: list[Slot] = []
        for kind in _KINDS:
            setattr(self, kind, self._recorded(kind, getattr(self, kind)))

    def _recorded(self, kind: str, draw: Callable[..., str]) -> Callable[..., str]:
        def drawn(**options: Any) -> str:
            value = draw(**options)
            self.slots.append(Slot(value, kind))
            return value

        return drawn

    def cache_slot(self) -> tuple[str, str]:
        """As in ``Entities``."""
        space, key = super().cache_slot()
        self.slots += [Slot(space, "space"), Slot(key, "key")]
        return space, key

    def number(self, low: int, high: int) -> int:
        """As in ``Entities``."""
        value = super().number(low, high)
        self.slots.append(Slot(str(value), "number", (low, high)))
        return value

    def fresh(self, pool: Sequence[str]) -> str:
        """As in ``Entities``."""
        return self._pooled(pool, super().fresh(pool))

    def one_of(self, pool: Sequence[T]) -> T:
        """As in ``Entities``."""
        return self._pooled(pool, super().one_of(pool))

    def _pooled(self, pool: Sequence[T], value: T) -> T:
        for name in _POOLS:
            if getattr(store_names, f"_{name.upper()}") is pool:
                self.slots.append(Slot(str(value), name))
        return value


def draw(family: str, rng: random.Random, split: str = "train") -> tuple[Task, list[Slot]]:
    """A task of the family as ``Family.sample`` gives it, with the names and numbers that were drawn for it."""
    ctx = Ctx(rng, split)
    ctx.names = Recorder(rng, split)
    drawn = ALL_FAMILIES[family].recipe(ctx)
    task = compose(ctx, family, ALL_FAMILIES[family].tier, *(drawn if isinstance(drawn, list) else [drawn]))
    assert isinstance(ctx.names, Recorder)
    return task, ctx.names.slots


def draws(
    split: str, count: int, rng: random.Random, families: Sequence[str] = tuple(FAMILIES)
) -> list[tuple[Task, list[Slot]]]:
    """``count`` tasks in turns over the families, few of one composition; for training none of a held-out one."""
    found: list[tuple[Task, list[Slot]]] = []
    taken: Counter[str] = Counter()
    while len(found) < count:
        for name in rng.sample(families, len(families)):
            options = [draw(name, rng, split) for _ in range(12)]
            fit = [one for one in options if split != "train" or not held_out(one[0].cluster)]
            if fit:
                found.append(min(fit, key=lambda one: taken[one[0].cluster]))
                taken[found[-1][0].cluster] += 1
    return found[:count]


def _pattern(value: str) -> str:
    inside = "A-Za-z0-9_" + ("." if value.isdigit() else "")
    return rf"(?<![{inside}]){re.escape(value)}(?!\.?[A-Za-z0-9_])"


def open_slots(slots: Iterable[Slot], prompt: str, gold: str) -> tuple[Slot, ...]:
    """The slots whose value can be another: it stands in the request and, as an operand, in the program, and no other
    slot has it. A word of the language has to stand in quotes or only once: elsewhere it may be just that, a word."""
    found = tuple(dict.fromkeys(slots))
    operands = "\n".join(_OPERAND.findall(_FIXED.sub("", gold)))
    fixed = "\n".join(_FIXED.findall(gold))

    def can_change(slot: Slot) -> bool:
        pattern = _pattern(slot.value)
        return (
            [other.value for other in found].count(slot.value) == 1
            and not (slot.kind == "number" and (int(slot.value) < 2 or re.search(pattern, fixed)))
            and re.search(pattern, prompt) is not None
            and (slot.kind not in _SAID or _in_quotes(slot.value, prompt) or _occurs(slot.value, prompt) == 1)
            and re.search(pattern, operands) is not None
        )

    return tuple(slot for slot in found if can_change(slot))


@cache
def requests() -> dict[str, tuple[Request, ...]]:
    """All requests by family, in the order of the file."""
    text = files("ainl_align.tasks").joinpath("own_words.jsonl").read_text(encoding="utf-8")
    found: dict[str, list[Request]] = {name: [] for name in ALL_FAMILIES}
    for fields in map(json.loads, text.splitlines()):
        slots = tuple(Slot(value, kind, tuple(bounds) or None) for kind, value, *bounds in fields["slots"])
        found[fields["family"]].append(Request(fields["family"], fields["prompt"], fields["gold"], slots))
    return {name: tuple(rows) for name, rows in found.items()}


def instance(request: Request, rng: random.Random) -> tuple[str, str]:
    """The request and its program with other names and numbers in their slots."""
    names = Entities(rng, "train")
    new = {slot.value: _drawn(slot, names) for slot in request.slots if slot.bounds is None}
    new |= _numbers([slot for slot in request.slots if slot.bounds is not None], names)
    if not new:
        return request.prompt, request.gold
    quoted = {slot.value for slot in request.slots if slot.kind in _SAID and _in_quotes(slot.value, request.prompt)}
    longest_first = sorted(new, key=len, reverse=True)
    parts = [
        rf"(?<=[\"'`]){re.escape(value)}(?=[\"'`])" if value in quoted else _pattern(value) for value in longest_first
    ]
    prompt = re.sub("|".join(parts), lambda match: new[match[0]], request.prompt)
    anywhere = re.compile("|".join(map(_pattern, longest_first)))

    def renamed(line: str) -> str:
        if _FIXED.fullmatch(line):
            return line
        return _OPERAND.sub(lambda operand: anywhere.sub(lambda match: new[match[0]], operand[0]), line)

    return prompt, "".join(f"{renamed(line)}\n" for line in request.gold.splitlines())


def _occurs(value: str, prompt: str) -> int:
    return len(re.findall(_pattern(value), prompt, re.IGNORECASE))


def _in_quotes(value: str, prompt: str) -> bool:
    return re.search(rf"[\"'`]{re.escape(value)}[\"'`]", prompt) is not None


def _drawn(slot: Slot, names: Entities) -> str:
    if slot.kind in ("space", "key"):
        return names.cache_slot()[slot.kind == "key"]
    if slot.kind in _POOLS:
        return names.fresh(getattr(store_names, f"_{slot.kind.upper()}"))
    drawn: str = getattr(names, slot.kind)()
    return drawn


def _numbers(slots: Sequence[Slot], names: Entities) -> dict[str, str]:
    """Other numbers in the same order of size: what lay between two bounds still does."""
    old = [int(slot.value) for slot in slots]
    for _ in range(_TRIES):
        new = [names.number(*slot.bounds) for slot in slots if slot.bounds is not None]
        if all((a < b) == (x < y) for (a, x), (b, y) in combinations(zip(old, new, strict=True), 2)):
            return {slot.value: str(number) for slot, number in zip(slots, new, strict=True)}
    return {}
