"""Token masks under which a model can write nothing but canonical programs, and finish them within its budget.

One llguidance matcher holds the grammar of the current line, narrowed to what the program so far allows
(``ProgramState``); at each line end the next line's grammar takes over. Tokens may straddle a line end: a grammar
also spells the blanks that start the next line.

Guaranteed for every finished output, whatever the logits: canonical formatting; declarations, endings and arities
right; verbs of our table; every label defined once and referenced, no cycles; variables defined on every path before
they are read; no literal spelled like a variable, number, constant or frame name; ``@nK`` names an earlier R (or, for
Retry, R or Call) step, once; handlers have no effect kind that their callers lack; an endpoint's label returns the
endpoint's variable; five valid cron fields; and the end, with its end-of-text token, inside the budget.

Not guaranteed: that a call succeeds at run time (types of values, SQL and JSON text, reachable hosts), and anything
about meaning.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from llguidance import LLExecutor, LLMatcher
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask, fill_next_token_bitmask_par
from numpy.typing import NDArray

from ainl_align.decoding.state import NOTHING_OWN, Own, ProgramState
from ainl_align.errors import ConstraintDeadEnd

Bitmask = NDArray[np.int32]

_GROWTH: Final = 64
"""No single token makes the shortest ending longer by more tokens than this (an If with two new labels: under 50)."""
_LINE: Final = 128
"""Completing any unfinished line, and what that line adds to the shortest ending, takes fewer tokens than this."""
_CACHED: Final = 256
_REMEMBERED: Final = 8192
"""Places whose masks are kept (6 KB each at 49,152 tokens): rows and prompts write many lines alike."""
_CLEAR = r"[ !#-\[\]-~]"
_SLICES: Final = [r"[a-z0-9_]{1,12}", rf"( ?[A-Z]| [a-z]){_CLEAR}*", rf"{_CLEAR}+"]
"""Kinds of tokens that llguidance may accept as a whole: parts of names, words that start a text, parts of texts."""
_LONGEST_LINE: Final = 400
# Preference of the shortest-ending search; in a string a quote comes first, elsewhere it comes late.
_SHORT: Final = b"\n >-J0aA_L:@/*" + bytes(range(0x61, 0x7B)) + bytes(range(0x41, 0x5B)) + b'123456789.=n$"'


class Constraint:
    """The mask maker for one tokenizer; shared by all rows of all batches.

    ``vocabulary``: number of logits of the model (at least the tokenizer's). ``eos_ids``: tokens that end a text.
    Raises ValueError for a tokenizer that is no fast Hugging Face tokenizer.
    """

    def __init__(self, tokenizer: Any, *, vocabulary: int, eos_ids: Sequence[int]) -> None:
        self.eos_ids = tuple(eos_ids)
        self._tokens = from_tokenizer(
            tokenizer, n_vocab=max(vocabulary, len(tokenizer)), eos_token=list(eos_ids), slices=_SLICES
        )
        self._executor = LLExecutor()
        self._grammars: OrderedDict[str, LLMatcher] = OrderedDict()
        self._bytes: dict[int, bytes] = {}
        self._known: OrderedDict[tuple[str, bytes], _Known] = OrderedDict()

    @property
    def vocabulary(self) -> int:
        """Tokens that a mask covers."""
        return int(self._tokens.vocab_size)

    @cached_property
    def minimum(self) -> int:
        """Tokens of the shortest program, its end-of-text token included."""
        return len(self.tokenize(ProgramState().closing().encode())) + 1

    @cached_property
    def single(self) -> dict[int, int]:
        """Token of each byte that is a token by itself."""
        found: dict[int, int] = {}
        for token in range(self.vocabulary):
            text = self.text(token)
            if len(text) == 1:
                found.setdefault(text[0], token)
        return found

    def start(self, budget: int | None = None) -> "RowConstraint":
        """A new program of at most ``budget`` tokens, the end-of-text token included; None: no limit.

        Raises ValueError when ``budget`` is below ``minimum``.
        """
        if budget is not None and budget < self.minimum:
            raise ValueError(f"a budget of {budget} tokens is below the shortest program's {self.minimum}")
        return RowConstraint(self, budget)

    def text(self, token: int) -> bytes:
        """The bytes of a token."""
        known = self._bytes.get(token)
        if known is None:
            known = self._bytes[token] = self._tokens.decode_bytes([token])
        return known

    def tokenize(self, text: bytes) -> list[int]:
        """The tokenizer's own tokens of a text, without any special one; bytes may start within a character."""
        return list(self._tokens.tokenize_bytes(text))

    def matcher(self, grammar: str) -> LLMatcher:
        """A fresh matcher; recently used grammars are not built again."""
        known = self._grammars.get(grammar)
        if known is None:
            known = LLMatcher(self._tokens, grammar)
            if known.is_error():
                raise ConstraintDeadEnd(f"the decoder's grammar is not valid: {known.get_error()[:500]}\n{grammar}")
            self._grammars[grammar] = known
            if len(self._grammars) > _CACHED:
                self._grammars.popitem(last=False)
        else:
            self._grammars.move_to_end(grammar)
        return known.deep_copy()

    def allocate(self, rows: int) -> Bitmask:
        """A bitmask of shape (rows, ceil(vocabulary / 32)), one bit a token, lowest bit first."""
        mask: Bitmask = allocate_token_bitmask(rows, self.vocabulary)
        return mask

    def fill(self, rows: Sequence["RowConstraint"], mask: Bitmask) -> None:
        """Write the allowed next tokens of unfinished ``rows`` into the rows of ``mask``, on all cores.

        Raises ConstraintDeadEnd when a row allows nothing.
        """
        fresh = []
        for number, row in enumerate(rows):
            known = row.place.known.mask
            if known is None:
                fresh.append(number)
            else:
                mask[number] = known
        if not fresh:
            return
        fill_next_token_bitmask_par(self._executor, [(rows[number].place.matcher, number) for number in fresh], mask)
        for number in fresh:
            if not mask[number].any():
                raise ConstraintDeadEnd(f"no token can follow {rows[number].program!r}; please report this program")
            rows[number].place.known.mask = mask[number].copy()

    def known(self, grammar: str, line: bytes) -> "_Known":
        """What is remembered about the place after ``line`` in a line's ``grammar``."""
        key = (grammar, line)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _Known()
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return found


@dataclass(slots=True)
class _Known:
    """What may follow at one place, as far as it was asked for."""

    mask: Bitmask | None = None
    forced: tuple[int, ...] | None = None

    def allows(self, token: int) -> bool:
        """Whether it is known that ``token`` may come next."""
        return self.mask is not None and bool(self.mask[token >> 5] >> (token & 31) & 1)


class _Place:
    """Where a program stands: its state at the last line start, the line so far, and the line's matcher."""

    def __init__(self, owner: Constraint, state: ProgramState, line: bytes = b"", own: Own = NOTHING_OWN) -> None:
        self.owner = owner
        self.state = state
        self.line = line
        self._own = own
        self._matcher: LLMatcher | None = None
        self._behind: list[int] = []
        """Tokens of the line that the matcher has yet to take; it is asked only where nothing is remembered."""
        self._here: _Known | None = None
        self._expected: tuple[int, ...] = ()
        """Rest of the forced tokens that are being taken."""

    @cached_property
    def _grammar(self) -> str:
        return self.state.grammar(self._own)

    @cached_property
    def closing(self) -> bytes:
        """A short text that would complete the program from the start of the line."""
        return self.state.closing().encode()

    @property
    def known(self) -> _Known:
        """What is remembered about this place."""
        if self._here is None:
            self._here = self.owner.known(self._grammar, self.line)
        return self._here

    @property
    def matcher(self) -> LLMatcher:
        """The line's matcher, at this place."""
        if self._matcher is None:
            self._matcher = self.owner.matcher(self._grammar)
            self._behind = self.owner.tokenize(self.line) if self.line else []
        if self._behind and not self._matcher.consume_tokens(self._behind):
            raise ConstraintDeadEnd(f"line start {self.line!r} fits no continuation: {self._matcher.get_error()}")
        self._behind = []
        return self._matcher

    def forced(self) -> tuple[int, ...]:
        """Tokens that alone can follow here."""
        known = self.known
        if known.forced is None:
            known.forced = tuple(self.matcher.compute_ff_tokens())
        return known.forced

    def copy(self) -> "_Place":
        """An independent copy, for looking ahead."""
        twin = _Place(self.owner, self.state, self.line, self._own)
        if "_grammar" in self.__dict__:
            twin.__dict__["_grammar"] = self._grammar
        twin._matcher = self._matcher.deep_copy() if self._matcher is not None else None
        twin._behind, twin._here = list(self._behind), self._here
        return twin

    def advance(self, token: int) -> None:
        """Take one allowed token; ValueError when it is not allowed here."""
        expected = self._expected or self.known.forced or ()
        self._expected = expected[1:] if expected and expected[0] == token else ()
        if (expected and expected[0] == token) or self.known.allows(token):
            self._behind.append(token)
        elif not self.matcher.consume_token(token):
            raise ValueError(f"token {token} ({self.owner.text(token)!r}) is not allowed after {self.line!r}")
        line, newline, rest = (self.line + self.owner.text(token)).partition(b"\n")
        self._here = None
        if newline:
            self.state = self.state.copy()
            self.state.advance(line.decode())
            self.line, self._expected = rest, ()
            self.__dict__.pop("closing", None)
            self._renew(NOTHING_OWN)
            return
        self.line = line
        own = self.state.own_names(line.decode("utf-8", errors="ignore"))
        if own != self._own:
            self._expected = ()
            self._renew(own)

    def _renew(self, own: Own) -> None:
        self._own, self._matcher, self._behind = own, None, []
        self.__dict__.pop("_grammar", None)

    def ending(self) -> bytes:
        """A short text that completes the program from here."""
        if self.closing.startswith(self.line):
            return self.closing[len(self.line) :]
        ahead, text = self.copy(), b""
        while ahead.state is self.state and len(text) < _LONGEST_LINE:
            token = ahead._shortest()
            text += self.owner.text(token)
            ahead.advance(token)
        if ahead.state is self.state:
            raise ConstraintDeadEnd(f"no end of the line {self.line!r} was found")
        return text.partition(b"\n")[0] + b"\n" + ahead.closing

    def _shortest(self) -> int:
        """The next token on a short way to the line's end."""
        forced = self.forced()
        if forced:
            return forced[0]
        if self.known.mask is None:
            mask = self.owner.allocate(1)
            fill_next_token_bitmask(self.matcher, mask)
            self.known.mask = mask[0]
        allowed = self.known.mask.view(np.uint8)
        single = self.owner.single
        # A capital ends every look of a number, a variable or a name of the runtime, so the quote can follow.
        for byte in b'"A' + _SHORT if _in_string(self.line) else _SHORT:
            token = single.get(byte, -1)
            if token >= 0 and allowed[token >> 3] >> (token & 7) & 1:
                return token
        # No preferred byte: within a character, where any byte that continues it will do.
        return int(np.flatnonzero(np.unpackbits(allowed, bitorder="little"))[0])


def _in_string(line: bytes) -> bool:
    inside = escaped = False
    for byte in line:
        if escaped:
            escaped = False
        elif byte == 0x5C:
            escaped = inside
        elif byte == 0x22:
            inside = not inside
    return inside


class RowConstraint:
    """The constraint of one row: what may come next, and how to take it.

    ``finished``: only the end-of-text token may follow. ``closed_by_budget``: the ending was chosen for the model,
    because the budget was nearly used up. ``used`` counts tokens so far.
    """

    def __init__(self, owner: Constraint, budget: int | None) -> None:
        self.owner = owner
        self.budget = budget
        self.used = 0
        self.closed_by_budget = False
        self.place = _Place(owner, ProgramState())
        self._text = bytearray()
        self._plan: list[int] | None = None
        self._slack = 0 if budget is None else budget - owner.minimum

    @property
    def finished(self) -> bool:
        return self.place.state.finished

    @property
    def program(self) -> str:
        """The text so far."""
        return self._text.decode("utf-8", errors="replace")

    def forced(self) -> list[int]:
        """Tokens that alone can follow here, in the tokenizer's own cut; empty where there is a choice."""
        return [] if self.finished else list(self.place.forced())

    def take(self, tokens: Iterable[int]) -> list[int]:
        """Take allowed tokens; returns what the program really gained.

        That is ``tokens``, unless one of them would leave no room to finish: then the ending that fits comes in its
        place, and the row is finished. Raises ValueError for a token that is not allowed.
        """
        gained: list[int] = []
        for token in tokens:
            if self.finished:
                break
            gained += self._take(token)
        return gained

    @property
    def tight(self) -> bool:
        """Whether the budget may bar a token that the program itself allows; then ``peek`` knows."""
        return self.budget is not None and self._slack <= _GROWTH + 1 and not self._roomy()

    def peek(self, token: int) -> list[int]:
        """What ``take([token])`` would return for an allowed token, without taking it: it, or the ending instead."""
        return [token] if not self.tight or self._after(token) is not None else list(self._plan or ())

    def _take(self, token: int) -> list[int]:
        if not self.tight:
            self._slack -= _GROWTH + 1
            self._plan = None
            self._add(token)
            return [token]
        after = self._after(token)
        if after is not None:
            place, self._plan, self._slack = after
            self._record(place, token)
            return [token]
        assert self._plan is not None
        self.closed_by_budget = True
        for planned in self._plan:
            self._add(planned)
        return self._plan

    def _after(self, token: int) -> tuple[_Place, list[int], int] | None:
        """Near the end of the budget: the place after a token, the ending from there and the tokens to spare; None
        where there is no room for both. Settles the ending from here."""
        assert self.budget is not None
        if self._plan is None:
            self._plan = self._ending(self.place)
        ahead = self.place.copy()
        ahead.advance(token)
        plan = self._ending(ahead)
        slack = self.budget - self.used - 2 - len(plan)  # this token and the end-of-text token
        return (ahead, plan, slack) if slack >= 0 else None

    def _roomy(self) -> bool:
        """Whether the program can still be finished after any one token, without working out how."""
        assert self.budget is not None
        return self.used + len(self.place.closing) + _LINE + 2 <= self.budget

    def _add(self, token: int) -> None:
        self.place.advance(token)
        self._record(self.place, token)

    def _record(self, place: _Place, token: int) -> None:
        self.place = place
        self._text += self.owner.text(token)
        self.used += 1

    def _ending(self, place: _Place) -> list[int]:
        return [] if place.state.finished else self.owner.tokenize(place.ending())
