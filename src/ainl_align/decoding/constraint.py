"""Token masks under which a model can write nothing but canonical programs, and finish them within its budget.

Each line has a grammar, narrowed to what the program so far allows (``ProgramState``). It is never built: a mask is
put together (``Place``) from the masks of a few grammars that all programs share, made by llguidance and remembered,
and the names of this one. Tokens may straddle words and a line end: a grammar also spells the blanks that start the
next line.

Guaranteed for every finished output, whatever the logits: canonical formatting; declarations, endings and arities
right; verbs of our table; every label defined once and referenced, no cycles; variables defined on every path before
they are read; no literal spelled like a variable, number, constant or frame name; ``@nK`` names an earlier R (or, for
Retry, R or Call) step, once; handlers have no effect kind that their callers lack; an endpoint's label returns the
endpoint's variable; five valid cron fields; and the end, with its end-of-text token, inside the budget.

Not guaranteed: that a call succeeds at run time (types of values, SQL and JSON text, reachable hosts), and anything
about meaning.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask

from ainl_align.decoding.masks import Bitmask, SharedMasks, Tokens
from ainl_align.decoding.place import Place
from ainl_align.decoding.state import ProgramState
from ainl_align.errors import ConstraintDeadEnd

_GROWTH: Final = 64
"""No single token makes the shortest ending longer by more tokens than this (an If with two new labels: under 50)."""
_LINE: Final = 128
"""Completing any unfinished line, and what that line adds to the shortest ending, takes fewer tokens than this."""
_CLEAR = r"[ !#-\[\]-~]"
_SLICES: Final = [r"[a-z0-9_]{1,12}", rf"( ?[A-Z]| [a-z]){_CLEAR}*", rf"{_CLEAR}+"]
"""Kinds of tokens that llguidance may accept as a whole: parts of names, words that start a text, parts of texts."""


class Constraint:
    """The mask maker for one tokenizer; shared by all rows of all batches.

    ``vocabulary``: number of logits of the model (at least the tokenizer's). ``eos_ids``: tokens that end a text.
    Raises ValueError for a tokenizer that is no fast Hugging Face tokenizer.
    """

    def __init__(self, tokenizer: Any, *, vocabulary: int, eos_ids: Sequence[int]) -> None:
        self.eos_ids = tuple(eos_ids)
        engine = from_tokenizer(
            tokenizer, n_vocab=max(vocabulary, len(tokenizer)), eos_token=list(eos_ids), slices=_SLICES
        )
        self._tokens = Tokens(engine)
        self._shared = SharedMasks(self._tokens, engine)

    @property
    def vocabulary(self) -> int:
        """Tokens that a mask covers."""
        return self._tokens.size

    @cached_property
    def minimum(self) -> int:
        """Tokens of the shortest program, its end-of-text token included."""
        return len(self.tokenize(ProgramState().closing().encode())) + 1

    def start(self, budget: int | None = None, loop: int | None = None) -> "RowConstraint":
        """A new program of at most ``budget`` tokens, the end-of-text token included; None: no limit.

        ``loop``: as in ``GenerationSettings.loop_steps``.

        Raises ValueError when ``budget`` is below ``minimum``.
        """
        if budget is not None and budget < self.minimum:
            raise ValueError(f"a budget of {budget} tokens is below the shortest program's {self.minimum}")
        return RowConstraint(self, budget, loop)

    def forget(self) -> None:
        """Drop all remembered masks, as in a new process; for measuring."""
        self._shared.clear()
        self._tokens.own.cache_clear()
        self._tokens.known_cut.cache_clear()

    def place(self) -> Place:
        """The start of a program."""
        return Place(self._tokens, self._shared, ProgramState())

    @property
    def texts(self) -> Sequence[bytes]:
        """The bytes of every token; none for a special one."""
        return self._tokens.texts

    def text(self, token: int) -> bytes:
        """The bytes of a token; none for a special one."""
        return self._tokens.texts[token]

    def tokenize(self, text: bytes) -> list[int]:
        """The tokenizer's own tokens of a text, without any special one; bytes may start within a character."""
        return list(self._tokens.known_cut(text))

    def allocate(self, rows: int) -> Bitmask:
        """A bitmask of shape (rows, ceil(vocabulary / 32)), one bit a token, lowest bit first."""
        mask: Bitmask = allocate_token_bitmask(rows, self.vocabulary)
        return mask

    def fill(self, rows: Sequence["RowConstraint"], mask: Bitmask) -> None:
        """Write the allowed next tokens of unfinished ``rows`` into the rows of ``mask``.

        Raises ConstraintDeadEnd when a row allows nothing.
        """
        for number, row in enumerate(rows):
            try:
                mask[number] = row.place.mask
            except ConstraintDeadEnd as error:
                raise ConstraintDeadEnd(f"{error} of {row.program!r}; please report this program") from None


class RowConstraint:
    """The constraint of one row: what may come next, and how to take it.

    ``finished``: only the end-of-text token may follow. ``closed_by_budget``: the ending was chosen for the model,
    because the budget was nearly used up. ``closed_by_loop``: because the program had gone into a loop. ``used`` counts
    tokens so far.
    """

    def __init__(self, owner: Constraint, budget: int | None, loop: int | None = None) -> None:
        self.owner = owner
        self.budget = budget
        self.loop: float = math.inf if loop is None else loop
        self.closed_by_loop = False
        self.used = 0
        self.closed_by_budget = False
        self.place = owner.place()
        self.finished = self.place.finished
        self._text = bytearray()
        self._texts = owner.texts
        self._rest: bytes | None = None
        """A text that completes the program from here, where it was looked for."""
        self._slack: float = math.inf if budget is None else budget - owner.minimum
        """The program can be finished from here with at least so many tokens to spare."""

    @property
    def program(self) -> str:
        """The text so far."""
        return self._text.decode("utf-8", errors="replace")

    def copy(self) -> "RowConstraint":
        """An independent copy, for looking ahead."""
        twin = RowConstraint.__new__(RowConstraint)
        twin.__dict__.update(self.__dict__)
        twin.place = self.place.copy()
        twin._text = self._text.copy()
        return twin

    def forced(self) -> list[int]:
        """Tokens that alone can follow here, in the tokenizer's own cut; empty where there is a choice."""
        if self.finished:
            return []
        if self.place.state.idle < self.loop - 1:
            return list(self.place.forced())
        self.closed_by_loop = True
        return self.owner.tokenize(self._known_rest())

    def take(self, tokens: Iterable[int]) -> list[int]:
        """Take allowed tokens; returns what the program really gained.

        That is ``tokens``, unless one of them would leave no room to finish: then the ending that fits comes in its
        place, and the row is finished. Raises ValueError for a token that is not allowed.
        """
        gained: list[int] = []
        for token in tokens:
            if self.finished:
                break
            if self._slack <= _GROWTH + 1 and self.tight:
                gained += self._take_or_end(token)
                continue
            self._slack -= _GROWTH + 1
            self._rest = None
            self.place.advance(token)
            self._text += self._texts[token]
            self.used += 1
            self.finished = self.place.finished
            gained.append(token)
        return gained

    @property
    def tight(self) -> bool:
        """Whether the budget may bar a token that the program itself allows; then ``peek`` knows."""
        if self._slack > _GROWTH + 1:
            return False
        assert self.budget is not None
        room = self.budget - self.used - len(self.place.closing) - _LINE - 2
        if room >= 0:
            self._slack = max(self._slack, room)
            return False
        reach = self.place.reach
        if reach is not None:
            self._slack = max(self._slack, self.budget - self.used - 1 - reach)
        return self._slack <= _GROWTH + 1

    def peek(self, token: int) -> list[int]:
        """What ``take([token])`` would return for an allowed token, without taking it: it, or the ending instead."""
        return [token] if not self.tight or self._after(token) is not None else self.owner.tokenize(self._known_rest())

    def _take_or_end(self, token: int) -> list[int]:
        after = self._after(token)
        if after is not None:
            self.place, self._rest, self._slack = after
            taken = [token]
        else:
            self.closed_by_budget = True
            taken = self.owner.tokenize(self._known_rest())
            for planned in taken:
                self.place.advance(planned)
        self._text += b"".join([self._texts[one] for one in taken])
        self.used += len(taken)
        self.finished = self.place.finished
        return taken

    def _after(self, token: int) -> tuple[Place, bytes | None, int] | None:
        """Near the end of the budget: the place after a token, the ending from there where it was looked for, and a
        number of tokens that there are to spare; None where there is no room for both."""
        assert self.budget is not None
        room = self.budget - self.used - 2  # this token and the end-of-text token
        text, rest = self._texts[token], self._rest
        ahead = self.place.copy()
        ahead.advance(token)
        if rest is not None and text and rest.startswith(text):
            rest = rest[len(text) :]
        else:
            reach = ahead.reach
            if reach is not None and reach <= room:
                return ahead, None, room - reach
            rest = b"" if ahead.finished else ahead.ending()
        # A token spells at least a byte.
        slack = room - len(rest) if len(rest) <= room else room - len(self.owner.tokenize(rest))
        return (ahead, rest, slack) if slack >= 0 else None

    def _known_rest(self) -> bytes:
        """A text that completes the program from here."""
        if self._rest is None:
            self._rest = self.place.ending()
        return self._rest
