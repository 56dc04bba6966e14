"""Whether the names of a task's values tell them apart, for tasks whose parts are joined at random."""

import re
from collections.abc import Sequence

from ainl_align.tasks.parts.base import Item, Step
from ainl_align.tasks.parts.figures import Figure

_PALE = frozenset(
    "the that this those these its a an it is in of from to for what how many there we got you get said value values "
    "number figure text texts result resulting field list whole record records entry entries item items data found "
    "read returned fetched retrieved received given one such all them every each content says back comes came was "
    "were fits new which by on and has had as complete entire full".split()
)
"""Words that tell no value from another."""
_SAME = {
    "sum": ("total", "summed"),
    "maximum": ("max", "highest", "largest", "greatest", "biggest", "top"),
    "minimum": ("min", "lowest", "smallest", "least"),
    "reply": ("json", "response"),
}
_ALIKE = {word: name for name, words in _SAME.items() for word in words}
_COUNTING = ("count", "db.count", "memory.count", "size")
_JOINED = ("names", "row_list", "joined")


def _content(noun: str) -> frozenset[str]:
    words = frozenset(re.findall(r"[\w.-]+", noun.replace("'s", "").lower())) - _PALE
    return frozenset(_ALIKE.get(word, word) for word in words)


def class_of(item: Item, step: Step) -> str:
    """What a value is, where words for one of a kind would fit another as well; else nothing."""
    if item.key in _COUNTING or (isinstance(step, Figure) and step.shape in ("count", "distinct")):
        return "a count"
    return "a joined text" if item.key in _JOINED else ""


def told_apart(seen: Sequence[Item], new: Sequence[Item]) -> bool:
    """Whether every name has a word of its own, and none is but a shorter way to say another."""
    words = [_content(item.noun) for item in (*seen, *new)]
    return all(words) and not any(
        one <= other for n, one in enumerate(words) for m, other in enumerate(words) if n != m
    )
