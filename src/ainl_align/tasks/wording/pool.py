"""A pool of phrases with slots, in two sides that never meet: one for training, one for dev and test."""

from string import Formatter
from typing import NamedTuple


class Pool(NamedTuple):
    """Format strings with named slots. ``Ctx.phrase(pool, slot=...)`` draws from the side of the split and fills it."""

    train: tuple[str, ...]
    held: tuple[str, ...]


def skeleton(phrase: str) -> str:
    """A phrase in lower case with every slot as ``_``: what two phrases that differ only in slot names share."""
    pieces = Formatter().parse(phrase)
    text = "".join(literal + ("_" if slot is not None else "") for literal, slot, _, _ in pieces)
    return " ".join(text.lower().split())
