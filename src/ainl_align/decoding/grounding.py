"""Grounding: literals that must be copied from the request (addresses, names of resources) are held to its words.

Which literals these are is known by their place: the first operand of ``http.*`` is a URL, of ``fs.*`` a file path, of
``queue.PUT`` a queue, the word after FROM in SQL a table. Inside such a literal the tokens that go on copying from the
request are found by looking up its text; they are preferred (a bonus on their scores) or required (all others barred,
unless none of them is legal). No torch.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from ainl_align.decoding.constraint import Constraint

Grounding = Literal["off", "prefer", "require"]
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
KINDS: Final = ("url", "queue", "file", "key", "entity", "route", "command", "memory", "table")
_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^ "]+')
_TABLE = re.compile(r"(?i)\b(?:from|into|update|join)(?P<blank> ?)(?P<name>[A-Za-z_]\w*)?$")
_TABLES = re.compile(r"(?i)\b(?:from|into|update|join) +([A-Za-z_]\w*)")
_MAIL: Final = "mailto:"
_START = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_/]")
_END = re.compile(r"(?![-/@%&=?.#:~+]*[A-Za-z0-9_])")
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
    if len(words) < 3 or words[0] != "R" or not _is_open(words[-1]):
        return None
    kinds = _OPERANDS.get(words[1].partition(".")[0], ())
    place = len(words) - 3
    if place >= len(kinds):
        return None
    text = words[-1][1:]
    if kinds[place] == "sql":
        found = _TABLE.search(text)
        return None if found is None else Span("table", found["name"] or "", blank=not found["blank"])
    return Span(kinds[place], text.removeprefix(_MAIL) if kinds[place] == "queue" else text)


def _is_open(word: str) -> bool:
    return word.startswith('"') and (len(word) == 1 or not re.fullmatch(r'"(?:[^"\\]|\\.)*"', word))


def copied_literals(program: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of every literal of a copied kind, texts as they are written (escapes kept)."""
    for line in program.splitlines():
        words = _WORDS.findall(line)
        if len(words) < 3 or words[0] != "R":
            continue
        for kind, word in zip(_OPERANDS.get(words[1].partition(".")[0], ()), words[2:], strict=False):
            if not word.startswith('"'):
                continue
            text = word[1:-1]
            if kind == "sql":
                yield from (("table", name) for name in _TABLES.findall(text))
            else:
                yield kind, text.removeprefix(_MAIL) if kind == "queue" else text


def copying_errors(program: str, request: str) -> list[tuple[str, str]]:
    """The literals of a copied kind that do not stand in the request as whole words."""
    ground = Ground(request)
    return [(kind, text) for kind, text in copied_literals(program) if not ground.holds(text)]


class Ground:
    """A request's text, as literals spell it, with the places where a copy may start and end."""

    def __init__(self, request: str) -> None:
        text = request.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        self._text = text
        self._starts = [found.start() for found in _START.finditer(text)]

    def holds(self, literal: str) -> bool:
        """Whether the literal stands in the request as whole words."""
        return any(_END.match(self._text, start + len(literal)) for start in self._places(literal))

    def _places(self, begun: str) -> list[int]:
        return [start for start in self._starts if self._text.startswith(begun, start)]

    def tokens(self, span: Span, vocabulary: "Vocabulary") -> list[int]:
        """Tokens that go on copying, or end the literal where a word of the request ends."""
        lead = " " if span.blank else ""
        found: set[int] = set()
        for start in self._places(span.text):
            here = start + len(span.text)
            rest = self._text[here : here + _LONGEST]
            for length in range(len(rest) + 1):
                piece = (lead + rest[:length]).encode()
                if length and (token := vocabulary.tokens.get(piece)) is not None:
                    found.add(token)
                if span.text or length:
                    closers = vocabulary.closers if span.kind != "table" else vocabulary.enders
                    if piece in closers and _END.match(self._text, here + length):
                        found.update(closers[piece])
        return sorted(found)


class Vocabulary:
    """A tokenizer's tokens by what they say."""

    def __init__(self, constraint: Constraint) -> None:
        self.tokens: dict[bytes, int] = {}
        """A token of each text."""
        self.closers: dict[bytes, list[int]] = {}
        """Tokens that end a literal, by what they say before its quote."""
        self.enders: dict[bytes, list[int]] = {}
        """Tokens that end a word, by what of the word they say."""
        for token in range(constraint.vocabulary):
            text = constraint.text(token)
            self.tokens.setdefault(text, token)
            if b'"' in text:
                self.closers.setdefault(text.partition(b'"')[0], []).append(token)
            for word in (re.match(rb"\w*", text), re.match(rb" \w+", text)):
                if word is not None and word.end() < len(text):
                    self.enders.setdefault(word[0], []).append(token)


@lru_cache(maxsize=2)
def vocabulary_of(constraint: Constraint) -> Vocabulary:
    """The vocabulary of a constraint's tokenizer."""
    return Vocabulary(constraint)
