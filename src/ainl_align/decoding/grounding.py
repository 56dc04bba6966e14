"""Grounding: literals that must be copied from the request (addresses, names of resources) are held to its words.

Which literals these are is known by their place: the first operand of ``http.*`` is a URL, of ``fs.*`` a file path, of
``queue.PUT`` a queue, the word after FROM in SQL a table. Inside such a literal the tokens that go on copying from the
request are found by looking up its text; they are preferred (a bonus on their scores) or required (all others barred,
unless none of them is legal). No torch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ainl_align.decoding.constraint import Constraint

BONUS: Final = 2.0
"""What ``prefer`` adds to the scores (natural logarithms) of tokens that go on copying."""

_OPERANDS: Final[dict[str, tuple[str, ...]]] = {
    "http": ("url",),
    "queue": ("queue",),
    "fs": ("file",),
    "cache": ("key", "key"),
    "db": ("entity",),
    "api": ("route",),
    "ext": ("command",),
    "memory": ("memory", "memory", "memory"),
    "sqlite": ("sql",),
}
"""Kind of each leading operand, by namespace."""
_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^ "]+')
_BEFORE = r"(?i)\b(?:from|into|(?<!do )update|join)"
_TABLE = re.compile(rf"{_BEFORE}(?P<blank> ?)(?P<name>[A-Za-z_]\w*)?$")
_TABLES = re.compile(rf"{_BEFORE} +([A-Za-z_]\w*)")
_MAIL: Final = "mailto:"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_START = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_/]")
_ENDS: Final = {"": re.compile(r"(?!-?[A-Za-z0-9_])"), "url": re.compile(r"(?![-/@%&=?.#:~+]*[A-Za-z0-9_])")}
"""Where a copied word may end, by kind; what is not listed ends like ``""``."""
_ENDS.update(dict.fromkeys(("file", "route", "address"), _ENDS["url"]))
_SHAPES: Final = {
    "url": re.compile(r"https?://"),
    "route": re.compile("/"),
    "address": re.compile(_MAIL),
}
"""How a word has to begin to be copied as a kind; as the kinds that are not listed any word may be."""
_TABLE_FUNCTION: Final = " json_each"
"""Stands after FROM in SQL, though no request names it."""
_LONGEST: Final = 24


@dataclass(frozen=True)
class Span:
    """A literal of a copied kind that is being written: what of it must stand in the request, so far, and the blank
    that the next token has to begin with."""

    kind: str
    text: str
    blank: bool = False


def open_span(line: str) -> Span | None:
    """The copied literal that an unfinished ``line`` ends in, or None."""
    words = _WORDS.findall(line)
    if len(words) < 3 or not _is_open(words[-1]):
        return None
    kind = _kind(words, len(words) - 3)
    text = words[-1][1:]
    if kind == "sql":
        found = _TABLE.search(text)
        return None if found is None else Span("table", found["name"] or "", blank=not found["blank"])
    return None if kind is None else Span(_addressed(kind, text), text)


def _addressed(kind: str, text: str) -> str:
    """The kind of a literal, which for a queue depends on its text: it may stand for a mailbox."""
    return "address" if kind == "queue" and text.startswith(_MAIL) else kind


def _kind(words: Sequence[str], place: int) -> str | None:
    """Kind of the operand at a ``place`` of an R line, or None where nothing has to be copied."""
    kinds = _OPERANDS.get(words[1].partition(".")[0], ()) if len(words) > 1 and words[0] == "R" else ()
    return kinds[place] if 0 <= place < len(kinds) else None


def _is_open(word: str) -> bool:
    return word.startswith('"') and (len(word) == 1 or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', word))


def copied_literals(program: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every literal of a copied kind, texts as they are written (escapes kept)."""
    for line in program.splitlines():
        words = _WORDS.findall(line)
        for place, word in enumerate(words[2:]):
            kind = _kind(words, place)
            if kind is None or not word.startswith('"'):
                continue
            text = word[1:-1]
            if kind == "sql":
                yield from (("table", name) for name in _TABLES.findall(text))
            else:
                yield _addressed(kind, text), text


def copying_errors(program: str, request: str) -> list[tuple[str, str]]:
    """The literals of a copied kind that do not stand in the request as whole words."""
    ground = Ground(request)
    return [(kind, text) for kind, text in copied_literals(program) if not ground.holds(kind, text)]


class Ground:
    """A request's text, as literals spell it, with the places where a copy may start and end.

    A queue may also be the mailbox of any address in the request; those follow the text.
    """

    def __init__(self, request: str) -> None:
        text = request.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        mailboxes = "".join(f" {_MAIL}{address}" for address in _ADDRESS.findall(text))
        self._text = text + _TABLE_FUNCTION + mailboxes
        self._starts = [found.start() for found in _START.finditer(self._text)]

    def holds(self, kind: str, literal: str) -> bool:
        """Whether a literal of a kind stands in the request as whole words."""
        return any(self._may_end(kind, start + len(literal)) for start in self._places(kind, literal))

    def _may_end(self, kind: str, place: int) -> bool:
        return _ENDS.get(kind, _ENDS[""]).match(self._text, place) is not None

    def _places(self, kind: str, begun: str) -> list[int]:
        shape = _SHAPES.get(kind)
        return [
            start
            for start in self._starts
            if self._text.startswith(begun, start) and (shape is None or shape.match(self._text, start))
        ]

    def tokens(self, span: Span, vocabulary: "Vocabulary") -> list[int]:
        """Tokens that go on copying, or end the literal where a word of the request ends."""
        lead = " " if span.blank else ""
        found: set[int] = set()
        for start in self._places(span.kind, span.text):
            here = start + len(span.text)
            rest = self._text[here : here + _LONGEST]
            for length in range(len(rest) + 1):
                piece = (lead + rest[:length]).encode()
                if length and (token := vocabulary.tokens.get(piece)) is not None:
                    found.add(token)
                if span.text or length:
                    closers = vocabulary.closers if span.kind != "table" else vocabulary.enders
                    if piece in closers and self._may_end(span.kind, here + length):
                        found.update(closers[piece])
        if span.kind == "table" and not span.text:
            found.update(vocabulary.nested)
        return sorted(found)

    def begins(self, kind: str, text: str) -> bool:
        """Whether a word of the request that may be copied as a kind begins so."""
        return bool(self._places(kind, text))


class Vocabulary:
    """A tokenizer's tokens by what they say."""

    def __init__(self, constraint: Constraint) -> None:
        self.tokens: dict[bytes, int] = {}
        """A token of each text."""
        self.closers: dict[bytes, list[int]] = {}
        """Tokens that end a literal, by what they say before its quote."""
        self.enders: dict[bytes, list[int]] = {}
        """Tokens that end a word, by what of the word they say."""
        self.openers: list[tuple[int, str]] = []
        """Tokens that begin a literal, with what they already say of it."""
        self.nested: list[int] = []
        """Tokens that open a bracket, where SQL may name a query instead of a table."""
        for token in range(constraint.vocabulary):
            text = constraint.text(token)
            self.tokens.setdefault(text, token)
            if b'"' in text:
                self.closers.setdefault(text.partition(b'"')[0], []).append(token)
            if text.startswith(b' "') and text[2:] not in (b"", b'"'):
                self.openers.append((token, text[2:].decode("utf-8", errors="replace")))
            if re.match(rb" ?\(", text):
                self.nested.append(token)
            for word in (re.match(rb"\w*", text), re.match(rb" \w+", text)):
                if word is not None and word.end() < len(text):
                    self.enders.setdefault(word[0], []).append(token)


@lru_cache(maxsize=2)
def _vocabulary(constraint: Constraint) -> Vocabulary:
    return Vocabulary(constraint)


class Copier:
    """Holds the copied literals of one program to one request.

    ``choices`` counts the choices inside such literals, ``lost`` those of them at which no word of the request could
    go on: then every legal token stays.
    """

    def __init__(self, request: str, constraint: Constraint) -> None:
        self._ground = Ground(request)
        self._vocabulary = _vocabulary(constraint)
        self.choices = self.lost = 0

    def copies(self, line: bytes, allowed: NDArray[np.bool_]) -> list[int]:
        """The legal tokens that copy; empty where nothing has to be copied or nothing can. ``allowed``: one flag for
        each token of the vocabulary."""
        span = open_span(line.decode("utf-8", errors="ignore"))
        if span is None:
            return []
        self.choices += 1
        found = [token for token in self._ground.tokens(span, self._vocabulary) if allowed[token]]
        self.lost += not found
        return found

    def hold(self, line: bytes, allowed: NDArray[np.bool_]) -> None:
        """Take from the ``allowed`` tokens those that do not copy where something has to be copied."""
        found = self.copies(line, allowed)
        if found:
            allowed[:] = False
            allowed[found] = True
            return
        words = _WORDS.findall(line.decode("utf-8", errors="ignore"))
        kind = _kind(words, len(words) - 2) if words and not _is_open(words[-1]) else None
        if kind is not None and kind != "sql" and self._ground.begins(kind, ""):
            strays = [token for token, text in self._vocabulary.openers if not self._ground.begins(kind, text)]
            allowed[strays] = False
