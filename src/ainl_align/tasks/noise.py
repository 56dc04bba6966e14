"""Slips and manners of people who type: a light, seeded layer over a finished request.

Only plain words of the language are touched. Quoted text, numbers, URLs, paths, addresses, words in capitals and every
word of ``names`` stay as they are, so that what is asked for stays the same.
"""

import random
import re
from collections.abc import Callable, Set
from dataclasses import dataclass

_SHARE = 0.3
"""Share of requests that get any noise."""

_TOKEN = re.compile(r"""\s+|"[^"\n]*"[^\s"]*|(?<!\w)'[^'\n]*'(?!\w)[^\s']*|[^\s"]+|\S""")
_PLAIN = re.compile(r"([A-Z]?[a-z]+|I|A)([.,:;?!]*)")


@dataclass(frozen=True)
class _Table:
    """What one side of the splits does: words and pairs of words to replace, phrases to put around."""

    words: dict[str, str]
    pairs: dict[str, str]
    typos: dict[str, str]
    before: tuple[str, ...]
    after: tuple[str, ...]


_TRAIN = _Table(
    words={
        "please": "pls",
        "otherwise": "else",
        "whether": "if",
        "every": "each",
        "minutes": "mins",
        "seconds": "secs",
        "milliseconds": "millis",
        "database": "DB",
        "message": "msg",
        "request": "req",
        "and": "&",
        "with": "w/",
        "without": "w/o",
        "afterwards": "later on",
        "whenever": "each time",
        "fails": "breaks",
        "finally": "in the end",
        "maximum": "max",
    },
    pairs={
        "does not": "doesn't",
        "is not": "isn't",
        "do not": "don't",
        "has not": "hasn't",
        "it is": "it's",
        "there is": "there's",
        "up to": "at most",
        "in case": "if",
        "at once": "right away",
    },
    typos={
        "the": "teh",
        "and": "adn",
        "with": "wiht",
        "otherwise": "otherwsie",
        "should": "shoud",
        "which": "wich",
        "when": "wehn",
        "this": "tihs",
        "that": "taht",
        "into": "itno",
        "every": "evrey",
        "its": "it's",
        "whose": "who's",
        "after": "aftre",
        "please": "pleas",
    },
    before=("Hey. ", "Hi there. ", "Hello! ", "Morning. ", "Hey there! ", "Hi, quick one. ", "Hi again. ", "OK. "),
    after=("Thanks!", "Thank you.", "Thx", "Cheers", "Much appreciated.", "Let me know.", "No rush.", "Best, M."),
)
_HELD = _Table(
    words={
        "please": "plz",
        "minutes": "min",
        "seconds": "sec",
        "database": "data base",
        "through": "thru",
        "you": "u",
        "failing": "breaking",
        "whenever": "any time",
        "message": "mesg",
        "finish": "wrap up",
        "attempts": "tries",
    },
    pairs={
        "cannot be": "can't be",
        "does not": "doesnt",
        "is not": "isnt",
        "that is": "that's",
        "what is": "what's",
        "we want": "we'd like",
        "should it": "if it should",
        "are not": "aren't",
        "at most": "max.",
    },
    typos={
        "the": "hte",
        "and": "nad",
        "with": "wtih",
        "whenever": "when ever",
        "should": "shuold",
        "which": "whcih",
        "when": "whne",
        "this": "thsi",
        "that": "tht",
        "into": "in to",
        "each": "eahc",
        "there": "ther",
        "whether": "wether",
        "what": "waht",
        "following": "folowing",
    },
    before=(
        "Dear all, ",
        "Greetings. ",
        "Yo. ",
        "Good evening. ",
        "Evening! ",
        "Well, ",
        "Right: ",
        "One more thing. ",
    ),
    after=("Ta!", "Many thanks.", "Kind regards", "That would be great.", "Appreciate it!", "Regards, K.", "TIA"),
)
_SMALL = frozenset("otherwise then so not else next first afterwards instead yes no finally".split())
"""Words after which a comma may go missing without harm."""
_GREETED = ("hi", "hey", "hello", "please", "dear", "good", "sorry", "morning")


def noisy(text: str, names: Set[str], split: str, rng: random.Random) -> str:
    """``text``, now and then with one or two slips or courtesies; ``names`` are the words that must not change."""
    if rng.random() >= _SHARE:
        return text
    table = _TRAIN if split == "train" else _HELD
    for _ in range(1 if rng.random() < 0.7 else 2):
        text = rng.choice(_WAYS)(text, frozenset(names), table, rng)
    return text


def _free(tokens: list[str], names: Set[str]) -> dict[int, tuple[str, str]]:
    """Word and punctuation of the tokens that may change, by position."""
    found = {}
    for index, token in enumerate(tokens):
        match = _PLAIN.fullmatch(token)
        if match and match[1] not in names and match[1].lower() not in names:
            found[index] = (match[1], match[2])
    return found


def _like(old: str, new: str) -> str:
    return new[0].upper() + new[1:] if old[0].isupper() else new


def _reword(text: str, names: Set[str], swaps: dict[str, str], rng: random.Random, most: int) -> str:
    """Replace up to ``most`` of the words or pairs of words that ``swaps`` has."""
    tokens = _TOKEN.findall(text)
    free = _free(tokens, names)
    places = [index for index, (word, _) in free.items() if word.lower() in swaps]
    pairs = [
        index
        for index, (word, mark) in free.items()
        if not mark
        and index + 2 in free
        and tokens[index + 1] == " "
        and f"{word.lower()} {free[index + 2][0].lower()}" in swaps
    ]
    if not places and not pairs:
        return text
    for index in rng.sample(places + pairs, min(most, len(places) + len(pairs))):
        word, mark = free[index]
        if index in pairs and index + 2 in free:
            second, mark = free[index + 2]
            tokens[index : index + 3] = [_like(word, swaps[f"{word.lower()} {second.lower()}"]) + mark, "", ""]
        elif word.lower() in swaps:
            tokens[index] = _like(word, swaps[word.lower()]) + mark
    return "".join(tokens)


def _synonyms(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    return _reword(text, names, table.words, rng, 2)


def _contractions(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    return _reword(text, names, table.pairs, rng, 2)


def _typos(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    return _reword(text, names, table.typos, rng, rng.choice((1, 1, 2)))


def _manners(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    if rng.random() < 0.5 and not text.lower().startswith(_GREETED):
        return rng.choice(table.before) + text
    return text + ("\n" if "\n" in text else " ") + rng.choice(table.after)


def _casing(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    """All sentences in small letters, or one word in capitals."""
    tokens = _TOKEN.findall(text)
    free = _free(tokens, names)
    starts = [index for index, (word, _) in free.items() if word[0].isupper() and word not in _PROPER]
    if starts and rng.random() < 0.7:
        for index in starts:
            tokens[index] = tokens[index].lower()
    else:
        loud = [index for index, (word, _) in free.items() if word.lower() in ("only", "not", "if", "please", "must")]
        for index in loud[:1]:
            tokens[index] = tokens[index].upper()
    return "".join(tokens)


def _punctuation(text: str, names: Set[str], table: _Table, rng: random.Random) -> str:
    way = rng.choice(("no stop", "bang", "doubled", "no comma", "spaced"))
    if way in ("no stop", "bang") and text.endswith("."):
        return text[:-1] + ("" if way == "no stop" else "!")
    tokens = _TOKEN.findall(text)
    marked = [index for index, (_, mark) in _free(tokens, names).items() if mark in (",", ".")]
    small = [index for index in marked if tokens[index].endswith(",") and tokens[index][:-1].lower() in _SMALL]
    if way == "no comma" and small:
        index = rng.choice(small)
        tokens[index] = tokens[index][:-1]
    elif marked:
        index = rng.choice(marked)
        mark = tokens[index][-1]
        tokens[index] = tokens[index] + mark if way == "doubled" else f"{tokens[index][:-1]} {mark}"
    return "".join(tokens)


_PROPER = frozenset(
    "I Monday Tuesday Wednesday Thursday Friday Saturday Sunday January March May July August October December".split()
)
_WAYS: tuple[Callable[[str, Set[str], _Table, random.Random], str], ...] = (
    *(_synonyms, _synonyms, _contractions, _typos, _typos, _manners, _casing, _casing, _punctuation),
)
