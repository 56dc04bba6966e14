"""Time spans that a request names, as milliseconds: ``250 ms``, ``a second and a half``, ``five-second``. No torch."""

import re
from typing import Final

_UNITS: Final = {"ms": 1, "msec": 1, "msecs": 1, "millis": 1, "milli": 1, "millisecond": 1, "milliseconds": 1}
_UNITS.update(dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000))
_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL: Final = {word: number for number, word in enumerate(_ONES)} | {
    word: 10 * number for number, word in enumerate(_TENS, 2)
}
_NUMERALS: Final = frozenset({*_SMALL, "hundred", "thousand", "and", "a"})
_PARTS: Final = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "tenth": 0.1, "tenths": 0.1, "fifth": 0.2}
_TOKEN: Final = re.compile(r"(?<![\w.])\.\d+|\d+(?:[.,]\d+)?|[a-z]+")
_BARE: Final = 20
"""Least whole number without a unit that may be a wait in milliseconds."""


def durations(text: str) -> frozenset[int]:
    """Every span in milliseconds that ``text`` may name in seconds or milliseconds; empty where it names none.

    Where it names one, whole numbers without a unit are taken as milliseconds too: a list of waits gives its unit once.
    """
    words = _TOKEN.findall(text.lower().replace("½", ".5"))
    found: set[float] = set()
    for place, word in enumerate(words):
        if word in _UNITS and place:
            unit = _UNITS[word]
            for number in _numbers_before(words, place):
                found.add(number * unit)
                if words[place + 1 : place + 4] == ["and", "a", "half"]:
                    found.add((number + 0.5) * unit)
    if not found:
        return frozenset()
    bare = {
        int(word) for word, after in zip(words, [*words[1:], ""], strict=True) if word.isdigit() and after not in _UNITS
    }
    whole = {number for number in bare if number >= _BARE}
    listed = {1000 * number for number in bare | {n for word, n in _SMALL.items() if word in words}}
    return frozenset(round(span) for span in found if span >= 1) | whole | (listed - {0})


def _numbers_before(words: list[str], place: int) -> list[float]:
    """The numbers that end right before ``place``, the shorter readings included."""
    last = words[place - 1]
    if last == "half" and words[max(0, place - 3) : place - 1] == ["and", "a"]:  # two and a half seconds
        return [number + 0.5 for number in _numbers_before(words, place - 3)] if place > 3 else []
    if last in _PARTS:  # half second
        return [_PARTS[last]]
    if last in ("a", "an", "one", "the", "each", "every", "per", "single", "full"):
        before = words[max(0, place - 4) : place - 1]  # half a second, three quarters of a second
        times = [float(_SMALL[word]) for word in before if word in _SMALL]
        return [_PARTS[word] * count for word in before if word in _PARTS for count in (1.0, *times)] + [1.0]
    if last == "of":  # a couple of seconds
        return _numbers_before(words, place - 1) if place > 1 else []
    if last in ("couple", "few"):
        return [2.0, 3.0]
    if last[-1].isdigit():
        return [float(last.replace(",", "."))]
    return _spelt(words, place)


def _spelt(words: list[str], end: int) -> list[float]:
    """Readings of the numeral in words that ends before ``end``: fifteen hundred, two hundred and fifty."""
    start = end
    while start and words[start - 1] in _NUMERALS:
        start -= 1
    found = []
    for first in range(start, end):
        total = current = 0
        for word in words[first:end]:
            if word == "hundred":
                current = max(current, 1) * 100
            elif word == "thousand":
                total, current = total + max(current, 1) * 1000, 0
            else:
                current += _SMALL.get(word, 0)
        if total + current:
            found.append(float(total + current))
    return found
