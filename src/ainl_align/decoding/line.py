"""What the next line of a program may say, as a grammar that is the same for all programs, and the names at hand.

A marked grammar has ``MARK`` where a word of the program's own comes (a variable in reach, a label that waits, the
number of a step), and takes any new name. What a program adds is which words stand at the mark (``words``) and which
new names, labels and texts are barred (``barred``, ``spelled``). ``settled`` and ``place`` spell a line as the marked
grammar knows it; words after which the same may follow are spelled alike.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from ainl_align.decoding.state import ProgramState
from ainl_align.language import grammar
from ainl_align.language.grammar import MAX_NAME, RESERVED_WORDS, SIGNATURES, WEB_INPUTS, Scope

MARK: Final = "\x01"
TEXT: Final = re.compile(rb' "(?:[^"\\]|\\.)*"', re.S)
"""A whole text and the blank before it."""
_MARK: Final = MARK.encode()
Given = tuple[bytes, tuple[bytes, ...]]
_ALL: Final = tuple(sorted(SIGNATURES))
_SHAPES: Final = {SIGNATURES[verb]: verb for verb in _ALL if not any(v != verb and v.startswith(verb) for v in _ALL)}
_ALIKE: Final = {f"  R {verb}".encode(): f"  R {_SHAPES[SIGNATURES[verb]]}".encode() for verb in _ALL}
"""The verb that stands for all with the same operands; it is not the beginning of another."""
_PARTS_OF_CONSTANTS: Final = frozenset(
    word.encode()[:end] for word in RESERVED_WORDS for end in range(1, len(word) + 1)
)
_VALUES: Final = frozenset({"R", "Set", "J", "If"})
_OUT: Final = frozenset({"R", "Call"})
_NAMES: Final = frozenset({"Set", "Call", "Cr"})
"""Ops whose first operand is a name or label of free choice."""
_TEXT_LINES: Final = {"R": b'  R core.LOWER "', "Set": b'  Set a "', "J": b'  J "'}
"""Places of texts after which the same may follow."""
# Texts that may still become a number, a constant or a name of the runtime; an A makes any text a free one.
_UNDECIDED: Final = re.compile(
    rb"[-+0-9_.eEntr\\ ]*|t(r(ue?)?)?|f(a(l(se?)?)?)?|n(u(ll?)?)?|_[a-z0-9_]*"
)  # fmt: skip
_DIGIT: Final = re.compile(rb"[0-9]")
_DIGITS: Final = re.compile(rb"[0-9]+")
_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\$")
_PART_OF_A_CHARACTER: Final = re.compile(rb"(?:[\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})$")
_LETTERS: Final = (b"a", b"b", b"c", b"d", b"e", b"g", b"h", b"i")
"""No constant begins with these."""
_PATH_CHARACTER: Final = re.compile(rb"[A-Za-z0-9_.~-]")

_label_grammar = lru_cache(maxsize=8)(grammar.label_grammar)
_schedule_grammar = lru_cache(maxsize=8)(grammar.schedule_grammar)
_endpoint_grammar = lru_cache(maxsize=256)(grammar.endpoint_grammar)
_service_grammar = lru_cache(maxsize=1)(grammar.service_grammar)


@lru_cache(maxsize=256)
def _rest_grammar(
    *,
    readable: bool,
    verbs: bool,
    answers: bool = False,
    words: tuple[str, ...] = (),
    labels: tuple[str, ...] = (),
    handlers: tuple[str, ...] = (),
) -> str:
    """A step after its first words; names and labels of ``words``, ``labels`` and ``handlers`` are barred."""
    return grammar.statement_grammar(
        Scope(
            readable=(MARK,) if readable else (),
            taken_words=words,
            forbidden_labels=labels,
            forbidden_handlers=handlers,
            retryable=(MARK,),
            guardable=(MARK,),
            verbs=_ALL if verbs else (),
            returns=MARK if answers else None,
        )
    )


@lru_cache(maxsize=256)
def _first_words(
    readable: bool,
    verbs: tuple[str, ...],
    retryable: bool,
    guardable: bool,
    calls: bool,
    controls: bool,
    branches: bool,
    can_return: bool,
) -> tuple[bytes, ...]:
    marks = {False: (), True: (MARK,)}
    scope = Scope(
        readable=marks[readable],
        verbs=verbs,
        retryable=marks[retryable],
        guardable=marks[guardable],
        calls=calls,
        controls=controls,
        branches=branches,
        can_return=can_return,
    )
    return _encoded(grammar.first_words(scope))


class Line:
    """The next line of an unfinished program; ``state`` must not change while it is in use."""

    __slots__ = (
        "_barred_labels", "_grammars", "_inputs", "_long_words", "_own", "_spelled", "_starts", "_state", "_step",
        "_taken", "_words", "in_label",
    )  # fmt: skip

    def __init__(self, state: ProgramState) -> None:
        self._state = state
        self.in_label = state.current is not None
        """Whether the line is a step."""
        self._grammars: dict[str, str] = {}
        self._words: dict[str, tuple[bytes, ...]] = {}
        self._step = 0
        """The step whose handler an Err line names; 0 before the line says so, and in other lines."""
        self._barred_labels: dict[int, tuple[str, ...]] = {}
        """By such a step, or 0."""
        self._starts = self._find_starts()
        inputs = state.inputs() if self.in_label else ()
        self._inputs = (b" ", tuple([f"{name} ${name}".encode() for name in inputs])) if inputs else None
        self._long_words = _long(state.taken(), 0) if self.in_label else ()
        """Names that leave no room for another character are barred in the grammar: it sees dead ends."""
        self._own: tuple[str, ...] = ()
        self._spelled: frozenset[bytes] | None = None
        self._taken: frozenset[bytes] | None = None

    def with_own(self, name: bytes) -> "Line":
        """This line with a name in it: a text of an R line, which its out variable must differ from, or the variable
        of a Set line, which its text must differ from."""
        twin = self._twin()
        twin._own = (*self._own, name.decode())
        twin._long_words = self._long_words + _long(twin._own[-1:], 0)
        twin._taken = None
        return twin

    def with_step(self, number: int) -> "Line":
        """This Err line with the number of its step in it: which handlers it may name depends on what was set before
        that step."""
        twin = self._twin()
        twin._step = number
        return twin

    def _twin(self) -> "Line":
        """A copy that makes its own grammars."""
        twin = Line.__new__(Line)
        for slot in Line.__slots__:
            setattr(twin, slot, getattr(self, slot))
        twin._grammars = {}
        return twin

    # ---- the grammar

    def place(self, op: str, number: int, done: bytes, part: bytes) -> tuple[str, bytes] | None:
        """The place in a marked grammar where the line stands: Lark text, and the line so far; None: in no grammar.

        ``op``: the line's first word, "" before it is whole; ``number``: whole words so far; ``done``: these words as
        ``settled`` spells them; ``part``: the beginning of the next word, its blank included.
        """
        if not part:
            return self._grammars.get(op) or self._grammar(op), done
        lead = part[:2]
        if lead == b' "' and self.in_label:
            if TEXT.fullmatch(part):
                return self._grammar(op), done + b' "A"'
            return _rest_grammar(readable=True, verbs=bool(self._state.verbs())), _TEXT_LINES[op] + _text(part[2:])
        if lead == b" -" and part[2:3] == b">" and op in _OUT:
            return self._grammar("R"), b"  Call L_a ->" + self._name(part[3:])
        if number and lead[:1] == b" " and lead[1:].isalpha() and op in _VALUES and (op != "Set" or number > 1):
            return (self._grammar(op), done + part) if part[1:] in _PARTS_OF_CONSTANTS else None
        begun = self._begun(op, number, part)
        return (self._grammar(op), done + begun) if begun is not None else None

    def _grammar(self, op: str) -> str:
        found = self._grammars.get(op)
        if found is None:
            found = self._grammars[op] = self._rest(op) if self.in_label else self._declaration(op)
        return found

    def _declaration(self, op: str) -> str:
        state = self._state
        if state.declaring and op[:1] != "L":
            taken = _long(state.entries, 2)
            if state.declaring == "cron":
                return _schedule_grammar(taken)
            return _endpoint_grammar(taken, *((tuple(state.routes), state.result) if op else ()))
        if not state.service:
            return _service_grammar()
        return _label_grammar((MARK,) if state.pending else (), verbs=state.verbs_follow)

    def _rest(self, op: str) -> str:
        state = self._state
        return _rest_grammar(
            readable=bool(self.words("R")),
            verbs=bool(state.verbs()),
            answers=op == "J" and state.answers,
            words=self._long_words,
            labels=_long(self._labels(op), 2) if op in ("Call", "If") else (),
            handlers=_long(self._labels(op), 2) if op == "Err" else (),
        )

    # ---- the names

    def given(self, op: str, number: int) -> Given | None:
        """Words of the program's own that no grammar has a mark for, and what comes before each: how a step begins,
        labels of triggers at the start of a line, and inputs."""
        if number == 0:
            return self._starts
        return self._inputs if number == 1 and op == "Set" else None

    def _find_starts(self) -> Given | None:
        state = self._state
        if not self.in_label:
            return (b"", self.words("")) if state.declaring and state.entries else None
        effects = state.effects
        return b"  ", _first_words(
            bool(self.words("R")),
            state.verbs(),
            bool(state.retryable()),
            bool(state.guardable()),
            effects is None or "call" in effects,
            effects is None or "control" in effects,
            not state.answers,
            state.can_return,
        )

    def words(self, op: str) -> tuple[bytes, ...]:
        """The words that stand at the mark in a line of ``op``."""
        found = self._words.get(op)
        if found is None:
            found = self._words[op] = _encoded(self._find_words(op))
        return found

    def _find_words(self, op: str) -> Iterable[str]:
        state = self._state
        if not self.in_label:
            return state.entries if state.declaring else state.pending
        if op == "Retry":
            return state.retryable()
        if op == "Err":
            return state.guardable()
        if op == "J" and state.answers:
            return [state.result or ""]
        return state.readable()

    def spelled(self, op: str) -> frozenset[bytes]:
        """What no text and no atom of a line of ``op`` may be."""
        if self._spelled is None:
            self._spelled = frozenset(_encoded(self._state.spelled()))
        return self._spelled.union(_encoded(self._own)) if self._own and op == "Set" else self._spelled

    def barred(self, op: str, begun: bytes) -> frozenset[bytes]:
        """New names and labels that a line of ``op`` may not have; those that do not begin with the first letter of
        ``begun`` may be left out."""
        if not self.in_label or begun[:1] == b"L":
            return self._label_set(op)
        if self._taken is None:
            self._taken = frozenset(_encoded((*self._state.taken(), *self._own)))
        return self._taken if begun else self._taken | self._label_set(op)

    def _label_set(self, op: str) -> frozenset[bytes]:
        return frozenset(_encoded(self._labels(op) if self.in_label else self._state.entries))

    def _labels(self, op: str) -> tuple[str, ...]:
        """Labels that a line of ``op`` may not name; an Err line names none before its step."""
        step, state = self._step, self._state
        if op == "Err" and not step:
            return ()
        if step not in self._barred_labels:
            self._barred_labels[step] = state.forbidden_handlers(step) if step else state.forbidden_labels()
        return self._barred_labels[step]

    # ---- words as the marked grammar knows them

    def settled(self, op: str, number: int, word: bytes) -> bytes:
        """How a whole word that is not of the program's own is spelled in the marked grammar."""
        if number == 0:
            if word[:1] == b"L":
                return _MARK if self._state.pending else b"L_a"
            return _ALIKE.get(word, word)
        if word[:2] == b' "':
            return b' "A"'
        if word[:3] == b" ->":
            return b" ->L_a" if word[3:4] == b"L" else b" ->a"
        if word[:1] == b"=":
            return b"=1"
        if number == 1 and op in _NAMES:
            return b" L_a" if op != "Set" else b" a true" if b"$" in word else b" a"
        if op == "E" and word[1:2] == b"/":
            return word if self._state.routes else b" /a"
        return b" 1" if word[1:2] in b"-0123456789" else word

    def _begun(self, op: str, number: int, part: bytes) -> bytes | None:
        if part[:2] == b' "':
            return b' "A"' if op != "Cr" else _schedule(part)
        if number == 0:
            return self._label(op, part) if part[:1] == b"L" else part
        lead = part[: 3 if part[:3] == b" ->" else 1]
        rest = part[len(lead) :]
        if not rest:
            return part
        if b" " in rest:
            return None
        if op == "E" and self._state.routes and rest[:1] != b"L":
            return part  # this line's grammar has the routes and the result of this program
        if lead == b" ->" or (number == 1 and op in _NAMES):
            return lead + (self._label(op, rest) if rest[:1] == b"L" else self._name(rest))
        if lead == b"=":
            return lead + (self._name(rest) if rest[:1].isalpha() else rest)
        if rest[:1] == b"/":
            return b" " + _PATH_CHARACTER.sub(b"a", rest)
        if rest[:1] in b"-123456789":
            return part if rest[:2] == b"-0" else lead + _DIGIT.sub(b"1", rest)
        return part

    def _name(self, name: bytes) -> bytes:
        barred = self._long_words if self.in_label else WEB_INPUTS
        return name if name in _PARTS_OF_CONSTANTS else _alike(name, barred)

    def _label(self, op: str, label: bytes) -> bytes:
        barred = self._labels(op) if self.in_label else self._state.entries
        return label if len(label) < 3 else b"L_" + _alike(label[2:], [name[2:] for name in _long(barred, 2)])


def _alike(name: bytes, barred: Sequence[str]) -> bytes:
    """A name as long as ``name`` after which the same may follow: neither begins one of the ``barred`` names that the
    grammar holds; ``name`` itself where it does, or where no other is at hand."""
    if barred and _beginning(barred, name):
        return name
    runs = (letter * len(name) for letter in _LETTERS)
    return next((run for run in runs if not barred or not _beginning(barred, run)), name)


def _beginning(names: Iterable[str], begun: bytes) -> list[bytes]:
    start = begun.decode(errors="replace")
    return [name.encode() for name in names if name.startswith(start)]


def _encoded(names: Iterable[str]) -> tuple[bytes, ...]:
    return tuple([name.encode() for name in names])


def _long(names: Iterable[str], lead: int) -> tuple[str, ...]:
    return tuple(sorted([name for name in names if len(name) > lead + MAX_NAME - 2]))


def _text(content: bytes) -> bytes:
    if _UNDECIDED.fullmatch(content):
        return _DIGITS.sub(b"1", content)
    if _ESCAPE.search(content):
        return b"A\\"
    cut = _PART_OF_A_CHARACTER.search(content)
    return b"A" + cut[0] if cut else b"A"


def _schedule(part: bytes) -> bytes:
    done, blank, field = part[2:].rpartition(b" ")
    return b' "' + b" ".join([b"*"] * (done.count(b" ") + 1)) + b" " + field if blank else part
