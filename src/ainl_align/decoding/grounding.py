"""Grounding: what must be copied from the request (addresses, names of resources and fields) is held to its words.

What that is is known by its place: the first operand of ``http.*`` is a URL, of ``fs.*`` a file path, of
``queue.PUT`` a queue, the word after FROM in SQL a table, a part of the path of ``core.GET`` a field. Fields, names
in JSON and columns may also be words of the conventions (``body``, ``exit_code``, SQL's own). Of any other text (what
is returned, sent, stored or compared with) each word is one of the request's, in any order; values in SQL are free. The
tokens that go on copying from the request are found by looking up its text; they are preferred (a bonus on their
scores) or required (all others barred, unless none of them is legal). Where required, a retry waits as long as a span
of time in the request says. No torch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ainl_align.decoding.constraint import Constraint
from ainl_align.decoding.durations import durations

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
_FIELD_VERB: Final = "core.GET"
_JSON_VERBS: Final = ("core.PARSE", "core.CONCAT")
_IDIOMS: Final = {
    "field": "body n payload csv exit_code data record stdout stderr list items found pruned id 0 1 2 3 4 5 6 7 8 9",
    "name": "",
    "text": "true false null",
    "column": "n status list csv line value key id rowid json_each json_extract group_concat char date datetime time "
    "strftime julianday now length lower upper trim replace substr instr round abs coalesce ifnull nullif count sum "
    "avg min max total select from where and or not null is in like between as distinct order group by having limit "
    "offset asc desc join left inner on union all case when then else end insert into ignore values update set delete "
    "exists cast integer text real",
}
"""Words beside the request's that fields, names in JSON, words of texts and columns may be: those of the conventions,
JSON's and SQL's."""
_TEXT_LINES: Final = ("R", "J", "Set")
_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^ "]+')
_BEFORE = r"(?i)\b(?:from|into|(?<!do )update|join)"
_TABLE = re.compile(rf"{_BEFORE}(?P<blank> ?)(?P<name>[A-Za-z_]\w*)?$")
_TABLES = re.compile(rf"{_BEFORE} +([A-Za-z_]\w*)")
_MAIL: Final = "mailto:"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_ELSEWHERE = re.compile(rf"{_ADDRESS.pattern}|https?://\S+")
"""What no file, queue, key or part of memory is named after."""
_JSON_NAME = re.compile(r'[{,] ?\\"(?P<name>[A-Za-z_]\w*)?$')
_WORD = re.compile(r"[A-Za-z0-9_]+")
_ESCAPE = re.compile(r"\\.")
_LAST_WORD = re.compile(r"(?<!\\)[A-Za-z0-9_]+$")
_COLUMN = re.compile(r"(?<![\w.$'])[a-z_]\w*$")
_NEW_WORDS = {
    "column": re.compile(rb"[^\w'\"]*([a-z_]\w*)"),
    "text": re.compile(rb"[^\w\"\\]*(\w+)"),
}
"""Tokens that end in a word in lower case, in SQL; or in any word, in a text."""
_START = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_/]")
_WHOLE = frozenset({"file", "queue", "key", "memory"})
"""Kinds of which no copy begins inside a name that dots and hyphens join, an address or a URL."""
_WHOLE_START = re.compile(rf"(?<![A-Za-z0-9_])(?<![A-Za-z0-9_][.@-])(?<!{_MAIL})[A-Za-z0-9_/]")
_ENDS: Final = {"": re.compile(r"(?!-?[A-Za-z0-9_])"), "url": re.compile(r"(?![-/@%&=?.#:~+]*[A-Za-z0-9_])")}
_ENDS.update(dict.fromkeys(_IDIOMS, re.compile(r"(?=e?s(?![A-Za-z0-9_]))|(?!-?[A-Za-z0-9_])")))
"""Where a copied word may end, by kind; what is not listed ends like ``""``. A name may be the singular of a word."""
_ENDS.update(dict.fromkeys(("file", "route", "address"), _ENDS["url"]))
_ENDS["text"] = re.compile(r"(?![A-Za-z0-9_])")
_SHAPES: Final = {
    "url": re.compile(r"https?://"),
    "route": re.compile("/"),
    "address": re.compile(_MAIL),
}
"""How a word has to begin to be copied as a kind; as the kinds that are not listed any word may be."""
_TABLE_FUNCTION: Final = " json_each"
"""Stands after FROM in SQL, though no request names it."""
_LONGEST: Final = 24
_WAIT = re.compile(rb"\s*Retry @n\d+ \d+ (?P<wait>\d*)(?P<end>\D?)")
"""A retry's wait, as far as it is written."""


@dataclass(frozen=True)
class Span:
    """A literal of a copied kind that is being written: what of it must stand in the request, so far, and the blank
    that the next token has to begin with."""

    kind: str
    text: str
    blank: bool = False


def words_of(line: bytes) -> list[str]:
    """The words of an unfinished line; a literal is one word."""
    return _WORDS.findall(line.decode("utf-8", errors="ignore"))


def open_span(words: Sequence[str]) -> Span | None:
    """The copied literal that an unfinished line of these words ends in, or None."""
    if len(words) < 2 or not _is_open(words[-1]):
        return None
    kind = _kind(words, len(words) - 3)
    text = words[-1][1:]
    if kind == "sql":
        return _sql_span(text)
    if kind == "field":
        return Span(kind, text.rpartition(".")[2])
    if kind is not None:
        return Span(_addressed(kind, text), text)
    named = _JSON_NAME.search(text) if words[1] in _JSON_VERBS and text.rfind("[") <= text.rfind("{") else None
    if named is not None:
        return Span("name", named["name"] or "")
    word = _LAST_WORD.search(_ESCAPE.sub(" ", text)) if _is_text(words, kind) else None
    return None if word is None else Span("text", word[0])


def _sql_span(text: str) -> Span | None:
    """The table or column that an unfinished text of SQL ends in; words in quotes are values."""
    table = _TABLE.search(text)
    if table is not None:
        return Span("table", table["name"] or "", blank=not table["blank"])
    column = None if text.count("'") % 2 else _COLUMN.search(text)
    return None if column is None else Span("column", column[0])


def _addressed(kind: str, text: str) -> str:
    """The kind of a literal, which for a queue depends on its text: it may stand for a mailbox."""
    return "address" if kind == "queue" and text.startswith(_MAIL) else kind


def _kind(words: Sequence[str], place: int) -> str | None:
    """Kind of the operand at a ``place`` of an R line, or None where nothing has to be copied."""
    if len(words) < 2 or words[0] != "R":
        return None
    if words[1] == _FIELD_VERB:
        return "field" if place == 1 else None
    kinds = _OPERANDS.get(words[1].partition(".")[0], ())
    return kinds[place] if 0 <= place < len(kinds) else None


def _is_text(words: Sequence[str], kind: str | None) -> bool:
    """Whether a literal of a line that begins so is a text: none of a copied kind."""
    return kind is None and words[0] in _TEXT_LINES


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
            elif kind == "field":
                yield from ((kind, part) for part in text.split("."))
            else:
                yield _addressed(kind, text), text


def copying_errors(program: str, request: str) -> list[tuple[str, str]]:
    """The literals of a copied kind that do not stand in the request as whole words."""
    ground = Ground(request)
    return [(kind, text) for kind, text in copied_literals(program) if not ground.holds(kind, text)]


class Ground:
    """A request's text, as literals spell it but on one line, with the places where a copy may start and end.

    A queue may also be the mailbox of any address in the request; those follow the text.
    """

    def __init__(self, request: str) -> None:
        self._request = re.sub(r"\s", " ", request.replace("\\", "\\\\").replace('"', '\\"'))
        self._texts: dict[str, tuple[str, list[int]]] = {}
        self._beginnings: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
        self._openers: NDArray[np.int64] | None = None

    def _source(self, kind: str) -> tuple[str, list[int]]:
        """The text that a kind is copied from, and where a copy may start."""
        key = kind if kind in _IDIOMS else "whole" if kind in _WHOLE else ""
        if key not in self._texts:
            if key in _IDIOMS:
                text = f"{self._request} {self._request.lower()} {_IDIOMS[key]}"
            else:
                mailboxes = "".join(f" {_MAIL}{address}" for address in _ADDRESS.findall(self._request))
                request = _ELSEWHERE.sub(" ", self._request) if key == "whole" else self._request
                text = request + _TABLE_FUNCTION + mailboxes
            starts = _WHOLE_START if key == "whole" else _START
            self._texts[key] = text, [found.start() for found in starts.finditer(text)]
        return self._texts[key]

    def holds(self, kind: str, literal: str) -> bool:
        """Whether a literal of a kind stands in the request as whole words."""
        text = self._source(kind)[0]
        return any(_may_end(text, kind, start + len(literal)) for start in self._places(kind, literal))

    def _places(self, kind: str, begun: str) -> list[int]:
        shape = _SHAPES.get(kind)
        text, starts = self._source(kind)
        return [
            start for start in starts if text.startswith(begun, start) and (shape is None or shape.match(text, start))
        ]

    def tokens(self, span: Span, vocabulary: "Vocabulary") -> list[int]:
        """Tokens that go on copying, or end the literal where a word of the request ends."""
        lead = " " if span.blank else ""
        closers = vocabulary.enders if span.kind == "table" or span.kind in _IDIOMS else vocabulary.closers
        text = self._source(span.kind)[0]
        found: set[int] = set()
        for start in self._places(span.kind, span.text):
            here = start + len(span.text)
            rest = text[here : here + _LONGEST]
            for length in range(len(rest) + 1):
                piece = (lead + rest[:length]).encode()
                if length and (token := vocabulary.tokens.get(piece)) is not None:
                    found.add(token)
                if (span.text or length) and piece in closers and _may_end(text, span.kind, here + length):
                    found.update(closers[piece])
        if span.kind == "table" and not span.text:
            found.update(vocabulary.nested)
        return sorted(found)

    def begins(self, kind: str, text: str) -> bool:
        """Whether a word of the request that may be copied as a kind begins so."""
        if kind != "field":
            return bool(self._places(kind, text))
        *done, last = text.split(".")
        return all(self.holds(kind, part) for part in done) and bool(self._places(kind, last))

    def beginnings(self, kind: str, vocabulary: "Vocabulary", *, within: bool) -> NDArray[np.bool_]:
        """One flag for each token: false for those that begin a word of a column or a text as no word of the request
        begins; ``within`` a word only for those that end it first."""
        if kind not in self._beginnings:
            anywhere, after = (~flags for flags in vocabulary.fresh[kind])
            for text in self._begun(kind):
                for token, bare in vocabulary.words[kind].get(text, ()):
                    anywhere[token] = True
                    after[token] |= not bare
            self._beginnings[kind] = anywhere, after
        return self._beginnings[kind][within]

    def stray_openers(self, vocabulary: "Vocabulary") -> NDArray[np.int64]:
        """Tokens that open a text with a word as no word of the request begins."""
        if self._openers is None:
            begun = self._begun("text")
            found = [token for token, text in vocabulary.openers if not begun.issuperset(_WORD.findall(text))]
            self._openers = np.array(found, dtype=np.int64)
        return self._openers

    def _begun(self, kind: str) -> set[str]:
        """All beginnings of the words that a kind may be."""
        words = set(_WORD.findall(self._source(kind)[0]))
        return {word[:length] for word in words for length in range(1, len(word) + 1)}


def _may_end(text: str, kind: str, place: int) -> bool:
    return _ENDS.get(kind, _ENDS[""]).match(text, place) is not None


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
        self.words: dict[str, dict[str, list[tuple[int, bool]]]] = {kind: {} for kind in _NEW_WORDS}
        """By kind tokens that end in a word of it, by that word, and whether they are no more; no quote is in them."""
        self.fresh = {kind: np.zeros((2, constraint.vocabulary), dtype=bool) for kind in _NEW_WORDS}
        """By kind, one flag for each token: whether it is one of those, and whether it is one that is more."""
        for token in range(constraint.vocabulary):
            text = constraint.text(token)
            self.tokens.setdefault(text, token)
            if b'"' in text:
                self.closers.setdefault(text.partition(b'"')[0], []).append(token)
            if text.startswith(b' "') and text[2:] not in (b"", b'"'):
                self.openers.append((token, text[2:].decode("utf-8", errors="replace")))
            for kind, pattern in _NEW_WORDS.items():
                word = pattern.fullmatch(text)
                if word is not None:
                    self.words[kind].setdefault(word[1].decode(), []).append((token, word[1] == text))
                    self.fresh[kind][0][token] = True
                    self.fresh[kind][1][token] = word[1] != text
            if re.match(rb" ?\(", text):
                self.nested.append(token)
            for ended in (re.match(rb"\w*", text), re.match(rb" \w+", text)):
                if ended is not None and ended.end() < len(text):
                    self.enders.setdefault(ended[0], []).append(token)


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
        self._waits = {str(span).encode() for span in durations(request)}
        self._text = constraint.text
        self.choices = self.lost = 0

    def copies(self, line: bytes, allowed: NDArray[np.bool_]) -> list[int]:
        """The legal tokens that copy; empty where nothing has to be copied or nothing can. ``allowed``: one flag for
        each token of the vocabulary."""
        return self._copies(words_of(line), allowed)

    def _copies(self, words: Sequence[str], allowed: NDArray[np.bool_]) -> list[int]:
        span = open_span(words)
        if span is None:
            return []
        self.choices += 1
        found = [token for token in self._ground.tokens(span, self._vocabulary) if allowed[token]]
        self.lost += not found
        return found

    def hold(self, line: bytes, allowed: NDArray[np.bool_]) -> None:
        """Take from the ``allowed`` tokens those that do not copy where something has to be copied."""
        if self._waits and line.lstrip().startswith(b"Retry "):
            self._hold_wait(line, allowed)
            return
        words = words_of(line)
        if not words:
            return
        if not _is_open(words[-1]):
            kind = _kind(words, len(words) - 2)
            if kind is not None and kind != "sql" and self._ground.begins(kind, ""):
                strays = [token for token, text in self._vocabulary.openers if not self._ground.begins(kind, text)]
                allowed[strays] = False
            elif _is_text(words, kind):
                allowed[self._ground.stray_openers(self._vocabulary)] = False
            return
        text, kind = words[-1], _kind(words, len(words) - 3)
        if (kind == "sql" and not text.count("'") % 2) or _is_text(words, kind):
            within = re.search(r"\w$", _ESCAPE.sub(" ", text)) is not None
            may_come = self._ground.beginnings("column" if kind else "text", self._vocabulary, within=within)
            allowed[: len(may_come)] &= may_come  # a mask has whole words of 32 flags
        found = self._copies(words, allowed)
        if found:
            allowed[:] = False
            allowed[found] = True

    def _hold_wait(self, line: bytes, allowed: NDArray[np.bool_]) -> None:
        """Take the tokens that lead a retry to a wait that the request does not name, unless all do."""
        legal = np.flatnonzero(allowed)
        barred = [token for token in legal.tolist() if not self._may_wait(line + self._text(token))]
        if len(barred) < len(legal):
            allowed[barred] = False

    def _may_wait(self, line: bytes) -> bool:
        begun = _WAIT.match(line)
        if begun is None:
            return True
        wait = begun["wait"]
        return wait in self._waits if begun["end"] else any(span.startswith(wait) for span in self._waits)
