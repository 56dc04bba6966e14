"""Where a half-written program stands, and which tokens may come next.

A mask is put together: the shared mask of the place (``decoding/masks.py``), with the program's own words that may
come, without the ends of names, labels and texts that it bars.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from ainl_align.decoding.line import MARK, TEXT, Line
from ainl_align.decoding.masks import Bitmask, Own, Shared, SharedMasks, Tokens, Words, drop, has, put
from ainl_align.decoding.state import ProgramState
from ainl_align.errors import ConstraintDeadEnd
from ainl_align.language.grammar import MAX_NAME, SIGNATURES

_MARK: Final = MARK.encode()
_LONGEST_LINE: Final = 400
_NAME: Final = re.compile(rb' "([a-z][a-z0-9_]*)"')
_END: Final = re.compile(rb"[ =:]")
_CHANGES_A_TEXT: Final = re.compile(rb'["\\\x80-\xff]')
_NOTHING_SHARED: Final = Shared()
_NOTHING_OWN: Final = Own()
_NAMED: Final = frozenset({"Set", "Call", "Cr"})
"""Ops whose first operand is a name or label of free choice."""
_OPERANDS: Final = {"J": 1, "Set": 2, "Retry": 3, "R": 1, "Call": 2, "Err": 2, "If": 3}
"""Words of a step after its first, at least; for R those beside its operands."""
_BEGUN: Final = {b"  S": "Set", b"  J": "J", b"  C": "Call"}
"""Ops by how their lines begin, where no others begin so."""
_LABELS: Final = {"Call": 1, "Err": 1, "If": 2}
"""Labels that a step may be the first to name."""
_ROOM: Final = 8
"""More tokens than a word takes at least, or than its end, and as many as tokens may be cut differently elsewhere."""
# Preference of the shortest-ending search; in a string a quote comes first, elsewhere it comes late.
_SHORT: Final = b"\n >-J0aA_L:@/*" + bytes(range(0x61, 0x7B)) + bytes(range(0x41, 0x5B)) + b'123456789.=n$"'


class Place:
    """Where a program stands: ``state`` at the last line start, and the ``line`` so far."""

    def __init__(self, tokens: Tokens, shared: SharedMasks, state: ProgramState) -> None:
        self._tokens = tokens
        self._shared = shared
        self._expected: tuple[int, ...] = ()
        """Rest of the forced tokens that are being taken."""
        self._start(state, b"")

    def copy(self) -> "Place":
        """An independent copy, for looking ahead."""
        twin = Place.__new__(Place)
        twin.__dict__.update(self.__dict__)
        return twin

    # ---- reading

    def _start(self, state: ProgramState, line: bytes) -> None:
        self.state = state
        self.finished = state.finished
        self._rules = Line(state)
        given = self._rules.given("", 0)
        self._starts: Words | None = self._tokens.own(*given) if given is not None else None
        """How the line may begin, where that is one of the program's own words."""
        self._closing: bytes | None = None
        self.line = self._done = self._part = b""
        """The line so far: its whole words as the marked grammar spells them, and the beginning of the next."""
        self._op, self._number = "", 0
        """The line's first word, once whole, and how many words are whole."""
        self._in_text = self._steady = False
        """Whether a text is open; whether what may follow stays the same until it ends."""
        self._here: Shared | None = None
        self._root: Shared | None = None
        self._open: Own | None = None
        self._then: tuple[Shared, Own] | None = None
        self._known: Bitmask | None = None
        if line:
            self._read(line)

    def _read(self, text: bytes) -> None:
        self.line += text
        if self._steady and not _CHANGES_A_TEXT.search(text):
            self._part += text
            return
        part = self._part + text
        while True:
            if part[:2] == b' "':
                whole = TEXT.match(part)
                self._in_text = whole is None
                end = whole.end() if whole else len(part)
            else:
                start = 1 if self._number or part[:1] != b" " else 4 if part[:4] == b"  R " else 2
                found = _END.search(part, start)
                self._in_text = False
                end = found.start() if found else len(part)
                if found and self._number == 1 and self._op == "Set" and self._goes_on(part[: end + 1]):
                    end = len(part)
            if end == len(part):
                break
            self._settle(part[:end])
            part = part[end:]
        self._part = part
        self._here = self._known = self._open = self._then = None
        self._steady = False

    def _goes_on(self, part: bytes) -> bool:
        """Whether the blank at the end of ``part`` is within a word."""
        given = self._rules.given(self._op, self._number)
        return given is not None and self._tokens.own(*given)[part].mask is not None

    def _settle(self, word: bytes) -> None:
        op, number = self._op, self._number
        self._done = self._with(word)
        self._rules = self._rules_with(word)
        self._op = op or _op(word)
        self._number = number + 1
        self._root = self._then[0] if self._then is not None and word == self._part else None
        self._here = self._known = self._open = self._then = None

    def _rules_with(self, word: bytes) -> Line:
        """What the line may say once ``word`` is whole."""
        if self._op == "R":
            name = _NAME.fullmatch(word)
            return self._rules.with_own(name[1]) if name else self._rules
        if self._number == 1 and self._op == "Set":
            return self._rules.with_own(word[1:])
        if self._number == 1 and self._op == "Err":
            return self._rules.with_step(int(word.removeprefix(b" @n")))
        return self._rules

    def _with(self, word: bytes) -> bytes:
        """The line's whole words as the marked grammar spells them, with ``word``."""
        if _may_be_own(word):
            lead = (self._root or self._start_of_word()).lead
            if lead is not None and word.startswith(lead) and word[len(lead) :] in self._rules.words(self._op):
                return self._done + lead + _MARK
        return self._done + self._rules.settled(self._op, self._number, word)

    def advance(self, token: int) -> None:
        """Take one allowed token; ValueError when it is not allowed here."""
        text, expected = self._tokens.texts[token], self._expected
        if expected and expected[0] == token:
            self._expected = expected[1:]
        else:
            self._expected = ()
            known = self._known if self._known is not None else self.mask
            if not int(known[token >> 5]) >> (token & 31) & 1:
                raise ValueError(f"token {token} ({text!r}) is not allowed after {self.line!r}")
        if self._in_text or not self._tokens.within[token]:
            self._take(text)
            return
        self.line += text
        self._part += text
        self._here = self._known = self._open = self._then = None

    def _take(self, text: bytes) -> None:
        if b"\n" not in text:
            self._read(text)
            return
        before, _, rest = text.partition(b"\n")
        state = self.state.copy()
        state.advance((self.line + before).decode())
        self._start(state, rest)

    # ---- what may come next

    def _look(self) -> Shared:
        """The shared place; kept in ``_here``."""
        self._here = here = self._share(self._part)
        return here

    def _start_of_word(self) -> Shared:
        """The shared place where the unfinished word began; kept in ``_root``."""
        self._root = root = self._share(b"")
        return root

    def _share(self, part: bytes) -> Shared:
        if not self._number and self._rules.in_label:
            return _NOTHING_SHARED
        place = self._rules.place(self._op, self._number, self._done, part)
        return self._shared.at(*place) if place is not None else _NOTHING_SHARED

    @property
    def mask(self) -> Bitmask:
        """The allowed tokens, not to be changed; ConstraintDeadEnd where there is none."""
        if self._known is None:
            self._known = self._mask(long=True)
            if self._known is self._tokens.nothing:
                raise ConstraintDeadEnd(f"no token can follow the line {self.line!r}")
        return self._known

    def allows(self, token: int) -> bool:
        """Whether ``token`` may come next."""
        return has(self.mask, token)

    def _mask(self, *, long: bool) -> Bitmask:
        """``long``: tokens that reach over more than the end of one word are looked at too."""
        tokens, here = self._tokens, self._here or self._look()
        if self._in_text:
            return self._mask_in_text(here, long=long)
        begun, then = self._open or self._begun(), _NOTHING_OWN
        mask = here.mask
        barred, ends = self._barred(here)
        if here.lead is not None and not barred:
            then = self._next(here, self._op)
        if mask is not None and (barred or ends):
            mask = mask & tokens.no_break if barred else mask.copy()
            drop(mask, ends)
            mask = mask if mask.any() else None
        mask = _union(_union(mask, begun.mask), then.mask)
        doubtful = here.wide + begun.past + then.past
        if begun.whole:
            after, then = self._after()
            mask = _union(_union(mask, after.mask), then.mask)
            doubtful += after.wide + then.past
        if mask is None:
            return tokens.nothing
        return self._decided(mask, doubtful) if long and doubtful else mask

    def _mask_in_text(self, here: Shared, *, long: bool) -> Bitmask:
        tokens, begun = self._tokens, self._part[2:]
        near = [name for name in self._rules.spelled(self._op) if name.startswith(begun)]
        doubtful = tokens.past_a_text if long else ()
        assert here.mask is not None
        if not near and not doubtful:
            self._steady = here.free
            return here.mask
        mask = here.mask & tokens.no_quote if begun in near else here.mask.copy()
        for name in near:
            drop(mask, tokens.past_texts.get(name[len(begun) :], ()))
        return self._decided(mask, doubtful) if doubtful else mask

    def _barred(self, here: Shared) -> tuple[bool, list[int]]:
        """Whether a barred name or label stands here whole, and the tokens that would go on past the end of one."""
        part, op = self._part, self._op
        if part[:3] == b" ->" and self._number:
            begun, atom = part[3:], False
        elif part[:1] == b"=":
            begun, atom = part[1:], True
        elif part and self._number == 1 and op in _NAMED:
            begun, atom = part[1:], False
        else:
            return False, []
        if not begun and not here.past:
            return False, []
        names = self._rules.spelled(op) if atom else self._rules.barred(op, begun)
        past = self._tokens.past_words if here.past else {}
        ends = [t for name in names if past and name.startswith(begun) for t in past.get(name[len(begun) :], ())]
        return begun in names, ends

    def _begun(self) -> Own:
        """How the unfinished word may become one of the program's own; kept in ``_open``."""
        self._open = begun = self._find_begun()
        return begun

    def _find_begun(self) -> Own:
        part, number = self._part, self._number
        if not number and self._starts is not None:
            return self._starts[part]
        if number == 1 and self._op == "Set" and (given := self._rules.given("Set", 1)) is not None:
            return self._tokens.own(*given)[part]
        if not part or not _may_be_own(part):
            return _NOTHING_OWN
        lead = (self._root or self._start_of_word()).lead
        return self._tokens.own(lead, self._rules.words(self._op))[part] if lead is not None else _NOTHING_OWN

    def _next(self, here: Shared, op: str) -> Own:
        """How one of the program's own words may come at a shared place."""
        if here.lead is None:
            return _NOTHING_OWN
        return self._tokens.own(here.lead, self._rules.words(op))[b""]

    def _after(self) -> tuple[Shared, Own]:
        """What may follow the unfinished word, which is one of the program's own."""
        if self._then is None:
            op, number, rules = self._op or _op(self._part), self._number + 1, self._rules_with(self._part)
            place = rules.place(op, number, self._with(self._part), b"")
            here = self._shared.at(*place) if place is not None else _NOTHING_SHARED
            given = rules.given(op, number)
            self._then = here, self._next(here, op) if given is None else self._tokens.own(*given)[b""]
        return self._then

    def _decided(self, mask: Bitmask, doubtful: Iterable[int]) -> Bitmask:
        """The mask with each of the ``doubtful`` tokens just if it may follow."""
        mask = mask.copy()
        for token in doubtful:
            (put if self._spells(self._tokens.texts[token]) else drop)(mask, [token])
        return mask

    def _spells(self, text: bytes) -> bool:
        """Whether ``text`` may follow, byte by byte."""
        ahead = self.copy()
        for byte in text:
            token = self._tokens.single.get(byte, -1)
            if token < 0 or ahead.finished or not has(ahead._mask(long=False), token):
                return False
            ahead._take(bytes([byte]))
        return True

    def forced(self) -> tuple[int, ...]:
        """Tokens that alone can follow here, in the tokenizer's own cut; maybe not all of them."""
        self._expected = self._forced()
        return self._expected

    def _forced(self) -> tuple[int, ...]:
        if not self._number and self._rules.in_label:
            # The first words of a step are all in ``_starts``.
            begun = self._open or self._begun()
            if begun.mask is not None and not begun.whole and not begun.past:
                self._known = begun.mask
                return begun.alone
        here = self._here or self._look()
        if self._in_text:
            return here.forced
        begun, then = self._open or self._begun(), _NOTHING_OWN
        if begun.mask is not None or begun.whole:
            if here.mask is not None and not here.only:
                return ()
            if begun.mask is not None:
                return begun.alone
            here, then = self._after()
        elif here.only:
            then = self._next(here, self._op)
        return then.alone if here.only else here.forced

    # ---- how to stop

    @property
    def closing(self) -> bytes:
        """A short text that would complete the program from the start of the line."""
        if self._closing is None:
            self._closing = self.state.closing().encode()
        return self._closing

    @property
    def reach(self) -> int | None:
        """Tokens in which the program can be completed from here, found without looking for how; None: not so easily.

        A step leaves no more to complete than there was before it, but for the labels that it names.
        """
        line, left, names, labels = self.line, 0, 0, 0
        if line[:1] == b"L":
            names = 1
        elif not self.closing.startswith(line):
            op, part = self._op or _BEGUN.get(line[:3], ""), self._part
            if op not in _OPERANDS:
                return None
            shape = SIGNATURES[line.split()[1].decode()].split() if op == "R" else ()
            left = max(0, _OPERANDS[op] + len(shape) - self._number + 1)
            free = op in _NAMED and self._number == 1 and self._rules.given(op, 1) is None
            names = sum("v" in kind for kind in shape) + (op == "J" or (_may_be_own(part) and not free))
            labels = _LABELS.get(op, 0)
        rest = _ROOM * (left + 2 * labels + 1) + MAX_NAME * (names + labels)
        return rest + len(self._tokens.known_cut(self.closing))

    def ending(self) -> bytes:
        """A short text that completes the program from here."""
        if self.closing.startswith(self.line):
            return self.closing[len(self.line) :]
        ahead, text = self.copy(), b""
        while len(text) < _LONGEST_LINE:
            for token in ahead._shortest():
                text += self._tokens.texts[token]
                if b"\n" in text:
                    text = text.partition(b"\n")[0]
                    after = self.state.copy()
                    after.advance((self.line + text).decode())
                    return text + b"\n" + after.closing().encode()
                ahead._take(self._tokens.texts[token])
        raise ConstraintDeadEnd(f"no end of the line {self.line!r} was found")

    def _shortest(self) -> Sequence[int]:
        """The next tokens on a short way to the line's end."""
        forced = self._forced()
        if forced:
            return forced
        # Only tokens of one byte are looked for, and none of them is long.
        mask = self._known if self._known is not None else self._mask(long=False)
        single = self._tokens.single
        # A capital ends every look of a number, a variable or a name of the runtime, so the quote can follow.
        for byte in b'"A' + _SHORT if self._in_text else _SHORT:
            token = single.get(byte, -1)
            if token >= 0 and has(mask, token):
                return (token,)
        # No preferred byte: within a character, where any byte that continues it will do.
        return (int(np.flatnonzero(np.unpackbits(self.mask.view(np.uint8), bitorder="little"))[0]),)


def _may_be_own(word: bytes) -> bool:
    """Whether a word of a line can be one of the program's own, by its first character after a blank."""
    return word[1:2].isalpha() or word[1:2] in b"_@"


def _op(word: bytes) -> str:
    return word.split()[0].decode()


def _union(mask: Bitmask | None, other: Bitmask | None) -> Bitmask | None:
    if mask is None or other is None:
        return other if mask is None else mask
    return mask | other
