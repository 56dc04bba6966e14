"""Resource names, from pools that train, dev and test do not share."""

import random
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from ainl_align.tasks import entity_pools as pools
from ainl_align.tasks.entity_pools import Kind

T = TypeVar("T")

_SHARES = {"train": (0, 1, 2), "dev": (3,), "test": (4,)}

_TAKEN = frozenset(
    "alter begin cross delete inner limit natural order outer plan raise recursive select table values "  # SQL
    "true false null none".split()
)
"""Words that mean something in a program."""


def share(pool: Sequence[T], split: str) -> list[T]:
    """The part of ``pool`` that belongs to ``split``: three fifths train, one fifth dev, one fifth test."""
    return [entry for index, entry in enumerate(pool) if index % 5 in _SHARES[split]]


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """The words of all pools, and those that a program gives a meaning: none of them is made up."""
    kinds = [kind for kind in vars(pools).values() if isinstance(kind, Kind)]
    names = " ".join(name.lower() for kind in kinds for name in kind.words)
    return frozenset(re.findall(r"[a-z]+", names)) | _TAKEN


class Entities:
    """Draws names for one task; no name is given out twice in one task."""

    coined = 0.3
    """Share of the words of training names that are made up: names are there to be copied, not to be known."""

    def __init__(self, rng: random.Random, split: str) -> None:
        self._rng = rng
        self._split = split
        self._used: set[str] = set()

    def _coin(self) -> str:
        """A word of five letters or more that no pool has."""
        while True:
            word = self._rng.choice(pools.HEADS) + self._rng.choice(pools.TAILS)
            if len(word) >= 5 and word not in self._used and word not in known_words():
                self._used.add(word)
                return word

    def _new(self, pool: Sequence[str]) -> str:
        options = [name for name in share(pool, self._split) if name not in self._used]
        name = self._rng.choice(options)
        self._used.add(name)
        return name

    def _make(self, kind: Kind, forms: Sequence[str] | None = None) -> str:
        """A name of a kind: a word that this task does not use yet, bare or in one of the kind's forms."""
        coined = self._split == "train" and self._rng.random() < self.coined
        word = self._coin() if coined else self._new(kind.words)
        if forms is None and self._rng.random() < kind.plain:
            return word
        form = self._rng.choice(forms or kind.forms)
        camel = "".join(part.capitalize() for part in word.split("_"))
        return form.format(w=word, c=camel, n=self._rng.randint(2, 99))

    def _spaced(self, kind: Kind) -> str:
        return self._make(kind).replace("_", " ")

    def _domain(self) -> str:
        return f"{self._make(pools.HOST)}.{self._rng.choice(share(pools.DOMAINS, self._split))}"

    def url(self, *, query: bool = False) -> str:
        """An https URL with a path of one to three parts; with ``query``, now and then one with a query string."""
        asked = query and self._rng.random() < 0.1
        return f"https://{self._domain()}/{self._make(pools.PATH, pools.QUERY_FORMS if asked else None)}"

    def number_field(self) -> str:
        """A field or column that holds a number."""
        return self._make(pools.NUMBER)

    def text_field(self) -> str:
        """A field or column that holds text."""
        return self._make(pools.TEXT)

    def flag_field(self) -> str:
        """A field that holds true or false."""
        return self._make(pools.FLAG)

    def group(self) -> str:
        """An object inside a JSON reply."""
        return self._make(pools.GROUP)

    def list_field(self) -> str:
        """A list inside a JSON reply."""
        return self._make(pools.LIST)

    def table(self) -> str:
        """A SQL table."""
        return self._make(pools.TABLE)

    def state(self) -> str:
        """A value of a status column."""
        return self._make(pools.STATE)

    def queue(self) -> str:
        """A queue."""
        return self._make(pools.QUEUE)

    def cache_slot(self) -> tuple[str, str]:
        """A cache namespace and a key."""
        return self._make(pools.NAMESPACE), self._make(pools.KEY)

    def file(self) -> str:
        """A relative file path."""
        folder = f"{self._make(pools.FOLDER)}/" if self._rng.random() < 0.6 else ""
        return f"{folder}{self._make(pools.STEM)}{self._rng.choice(pools.SUFFIXES)}"

    def address(self) -> str:
        """An e-mail address."""
        return f"{self._make(pools.PERSON)}@{self._domain()}"

    def path(self) -> str:
        """An endpoint path."""
        return self._make(pools.PATH, pools.ENDPOINT_FORMS)

    def word(self) -> str:
        """One or a few short words to return."""
        return self._spaced(pools.WORD)

    def notice(self) -> str:
        """A short sentence to send."""
        return f"{self._spaced(pools.SUBJECT)} {self._new(pools.TROUBLES)}"

    def needle(self) -> str:
        """A word or two to look for in a text."""
        return self._spaced(pools.NEEDLE)

    def value(self) -> str:
        """A text value of a field."""
        return self._make(pools.VALUE)

    def fresh(self, pool: Sequence[str]) -> str:
        """A name of the split's share of ``pool`` that this task does not use yet."""
        return self._new(pool)

    def number(self, low: int, high: int) -> int:
        """A whole number; its last digits tell the split (residue modulo 5)."""
        options = [n for n in range(low, high + 1) if n % 5 in _SHARES[self._split]]
        return self._rng.choice(options)

    def one_of(self, pool: Sequence[T]) -> T:
        """One entry of the split's share of ``pool``."""
        return self._rng.choice(share(pool, self._split))
