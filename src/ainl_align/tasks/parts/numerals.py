"""Whole numbers in letters."""

from ainl_align.tasks.parts.base import Ctx

WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()


def number_words(ctx: Ctx, number: int, chance: float = 0.4) -> str:
    """A whole number in digits, or up to twenty now and then in letters."""
    return WORDS[number] if 0 <= number < len(WORDS) and ctx.rng.random() < chance else str(number)
