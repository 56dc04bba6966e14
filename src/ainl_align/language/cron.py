"""Five-field cron expressions, compared by the moments that they name."""

from functools import lru_cache
from typing import Final

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS))


@lru_cache(maxsize=1024)
def cron_moments(expression: str) -> tuple[frozenset[int], ...] | None:
    """The values of the five fields, or None when it is no valid expression.

    A sixth set says which of day-of-month and day-of-week (2, 4) are restricted: cron joins two restrictions by "or".
    """
    fields = expression.split()
    if len(fields) != 5:
        return None
    sets = [_values(field.lower(), *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    if any(not values for values in sets):
        return None
    sets[4] = frozenset(0 if day == 7 else day for day in sets[4])
    restricted = frozenset(place for place in (2, 4) if not fields[place].startswith("*"))
    return (*sets, restricted)


def same_schedule(first: str, second: str) -> bool:
    """Whether two expressions fire at the same moments; equal text decides when one of them is invalid."""
    left, right = cron_moments(first), cron_moments(second)
    if left is None or right is None:
        return first.split() == second.split()
    return left == right


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    """Values of one field; empty when any part of it is invalid."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        first_text, dash, last_text = span.partition("-")
        step = _number(step_text, ()) if slash else 1
        if span == "*":
            first, last = low, 6 if names is _DAYS else high
        else:
            first = _number(first_text, names, low)
            last = _number(last_text, names, low) if dash else (high if slash else first)
        if step < 1 or not low <= first <= last <= high:
            return frozenset()
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], low: int = 0) -> int:
    """A number or a name of the field; -1 when it is neither."""
    if text in names:
        return names.index(text) + (low if names is _MONTHS else 0)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
