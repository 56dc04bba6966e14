"""Masks of marked grammars (``decoding/line.py``): made once by llguidance, remembered for all programs."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from llguidance import LLMatcher
from numpy.typing import NDArray

from ainl_align.decoding.line import MARK
from ainl_align.errors import ConstraintDeadEnd

Bitmask = NDArray[np.int32]
"""Tokens, one bit each, lowest first; of shape (ceil(vocabulary / 32),), or (rows, that) for several rows."""
_MARK: Final = MARK.encode()
_LEADS: Final = (b" ", b" @n", b"")
"""What comes before a mark and belongs to the same word."""
_LEADS_LEFT: Final = frozenset(lead[start:] for lead in _LEADS for start in range(len(lead) + 1))
_REMEMBERED: Final = 8192
"""Most places whose masks are kept (6 KB each at 49,152 tokens); programs of all kinds have about a thousand."""
_BREAK: Final = re.compile(rb"(?<![ \n])[ \n=:]")
_ENDS: Final = re.compile(rb'[ \n=:"]')
_QUOTE: Final = re.compile(rb"(?<!^)\"")
# A token that ends a word and goes on with another, or holds a whole word: what it says is looked at byte by byte.
_WIDE: Final = re.compile(rb"[^ \n][ \n=:](?s:.)|[^A-Za-z0-9_-][A-Za-z_][A-Za-z0-9_-]*[ \n=:]|\"[a-z_][a-z0-9_]*\"")


def has(mask: Bitmask, token: int) -> bool:
    """Whether a token is in a mask."""
    return bool(int(mask[token >> 5]) >> (token & 31) & 1)


def put(mask: Bitmask, tokens: Iterable[int]) -> None:
    """Add tokens to a mask."""
    bits = mask.view(np.uint32)
    for token in tokens:
        bits[token >> 5] |= 1 << (token & 31)


def drop(mask: Bitmask, tokens: Iterable[int]) -> None:
    """Take tokens out of a mask."""
    bits = mask.view(np.uint32)
    for token in tokens:
        bits[token >> 5] &= ~(1 << (token & 31)) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Own:
    """What may follow where one of a program's own words is begun.

    ``mask``: tokens that go on with one, None where there is none; ``whole``: what is begun is one; ``past``: tokens
    that reach past the end of one; ``alone``: the tokens that alone can follow if only such words can, in the
    tokenizer's own cut.
    """

    mask: Bitmask | None = None
    whole: bool = False
    past: tuple[int, ...] = ()
    alone: tuple[int, ...] = ()


class Words(dict[bytes, Own]):
    """Some of a program's own words after a ``lead``: what may follow each beginning of them."""

    def __init__(self, tokens: "Tokens", lead: bytes, words: tuple[bytes, ...]) -> None:
        self._tokens = tokens
        self._texts = [lead + word for word in words]

    def __missing__(self, begun: bytes) -> Own:
        tokens = self._tokens
        rests = [text[len(begun) :] for text in self._texts if text.startswith(begun)]
        found = {token for rest in rests for token in tokens.prefixes(rest)}
        past = {token for rest in rests for token in tokens.past_words.get(rest, ())}
        made = Own(tokens.mask(found) if found else None, b"" in rests, tuple(past), tokens.alone(rests))
        self[begun] = made
        return made


class Tokens:
    """A tokenizer's tokens by what they spell. ``engine``: llguidance's view of the tokenizer."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.size = int(engine.vocab_size)
        self.texts: list[bytes] = [
            b"" if engine.is_special_token(token) else engine.decode_bytes([token]) for token in range(self.size)
        ]
        spelling: dict[bytes, list[int]] = {}
        self.past_words: dict[bytes, list[int]] = {}
        """Tokens that go on past the end of a word, by what of it they spell (not empty)."""
        self.past_texts: dict[bytes, list[int]] = {}
        """The same for texts and their closing quote."""
        self.wide: list[int] = []
        """Tokens that reach over more than the end of one word."""
        for token, text in enumerate(self.texts):
            if text:
                spelling.setdefault(text, []).append(token)
                if _WIDE.search(text):
                    self.wide.append(token)
                for found in _BREAK.finditer(text, 1):
                    self.past_words.setdefault(text[: found.start()], []).append(token)
                for found in _QUOTE.finditer(text):
                    self.past_texts.setdefault(text[: found.start()], []).append(token)
        self.past_a_text = [token for token in self.wide if re.search(rb"\"[ \n](?s:.)", self.texts[token])]
        """Tokens that go on with another word after the end of a text."""
        # Tuples of numbers cost the collector of garbage nothing.
        self._spelling = {text: tuple(ids) for text, ids in spelling.items()}
        self.single = {text[0]: ids[0] for text, ids in self._spelling.items() if len(text) == 1}
        """Token of each byte that is a token by itself."""
        if _MARK[0] not in self.single:
            raise ValueError("the tokenizer has no token for the byte 1, which the decoder's grammars mark names with")
        self.marked = [token for token, text in enumerate(self.texts) if _MARK in text]
        self.nothing = self.mask(())
        self.no_break = ~self._starting(b" \n=:")
        """Mask of the tokens that do not begin with the end of a word."""
        self.no_quote = ~self._starting(b'"')
        self.past = self.mask(token for tokens in self.past_words.values() for token in tokens)
        """Mask of the tokens that go on past the end of a word."""
        self.within = [bool(text) and not _ENDS.search(text) for text in self.texts]
        """Whether a token leaves the word that it is in, if that is no text, as it is: begun and not ended."""
        self.own = lru_cache(maxsize=1024)(partial(Words, self))
        self.known_cut = lru_cache(maxsize=4096)(lambda text: tuple(self.cut(text)))
        """``cut``, remembered: programs end alike."""

    def mask(self, tokens: Iterable[int]) -> Bitmask:
        """A mask of ``tokens``."""
        made = np.zeros(-(-self.size // 32), dtype=np.int32)
        put(made, tokens)
        return made

    def _starting(self, starts: bytes) -> Bitmask:
        return self.mask(token for token, text in enumerate(self.texts) if text[:1] and text[0] in starts)

    def cut(self, text: bytes) -> list[int]:
        """The tokenizer's own tokens of a text, without any special one; bytes may start within a character."""
        return list(self._engine.tokenize_bytes(text))

    def prefixes(self, text: bytes) -> list[int]:
        """Tokens that begin ``text``, shortest first."""
        return [token for end in range(1, len(text) + 1) for token in self._spelling.get(text[:end], ())]

    def alone(self, rests: list[bytes]) -> tuple[int, ...]:
        """Tokens that all of ``rests`` begin with, as far as nothing that may follow can change their cut."""
        common = _common(rests)
        sure = next((start for start in range(len(common)) if self._reaches_on(rests, start, len(common))), len(common))
        alone = []
        for token in self.cut(common) if sure else ():
            sure -= len(self.texts[token])
            if sure < 0:
                break
            alone.append(token)
        return tuple(alone)

    def _reaches_on(self, rests: list[bytes], start: int, end: int) -> bool:
        """Whether a token may begin at ``start`` of ``rests`` and reach over ``end``."""
        return any(
            rest[start:] in self.past_words
            or any(rest[start:stop] in self._spelling for stop in range(end + 1, len(rest) + 1))
            for rest in rests
        )


def _common(texts: list[bytes]) -> bytes:
    """The beginning that all have."""
    low, high = (min(texts), max(texts)) if texts else (b"", b"")
    return next((low[:end] for end in range(len(low)) if low[end] != high[end]), low)


@dataclass(frozen=True, slots=True)
class Shared:
    """What may follow at one place of a marked grammar, the program's own words left out.

    ``mask``: allowed tokens, one bit each, lowest first; None where there is none. ``lead``: what comes before one of
    the program's own words that may come here; None where none may. ``only``: nothing else may. ``text``: the bytes
    that alone can follow, up to such a word; ``forced``: their tokens, in the tokenizer's own cut. ``wide``: allowed
    tokens that have to be looked at byte by byte. ``past``: there are tokens that go on past the end of a word.
    ``free``: a text is open that can become no number, constant or name
    of the runtime.
    """

    mask: Bitmask | None = None
    lead: bytes | None = None
    only: bool = False
    text: bytes = b""
    forced: tuple[int, ...] = ()
    wide: tuple[int, ...] = ()
    past: bool = False
    free: bool = False


class SharedMasks:
    """The memory of all places of all marked grammars of one tokenizer."""

    def __init__(self, tokens: Tokens, engine: Any) -> None:
        self._tokens = tokens
        self._engine = engine
        self._matchers: OrderedDict[str, LLMatcher] = OrderedDict()
        self._places: dict[tuple[str, bytes], Shared] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._matchers.clear()
        self._places.clear()

    def at(self, grammar: str, line: bytes) -> Shared:
        """The place after ``line`` in a marked line grammar."""
        key = (grammar, line)
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= _REMEMBERED:
                self._places.clear()
            found = self._places[key] = self._make(grammar, line)
        return found

    def _matcher(self, grammar: str) -> LLMatcher:
        known = self._matchers.get(grammar)
        if known is None:
            known = self._matchers[grammar] = LLMatcher(self._engine, grammar)
            if known.is_error():
                raise ConstraintDeadEnd(f"the decoder's grammar is not valid: {known.get_error()[:500]}\n{grammar}")
            if len(self._matchers) > 64:
                self._matchers.popitem(last=False)
        else:
            self._matchers.move_to_end(grammar)
        return known

    def _make(self, grammar: str, line: bytes) -> Shared:
        # A copy of an unused one each time: after ``reset`` llguidance 1.9 takes parts of masks from the line before.
        matcher, tokens = self._matcher(grammar).deep_copy(), self._tokens
        ids = tokens.cut(line) if line else []
        if matcher.try_consume_tokens(ids) < len(ids):
            return Shared()
        mask = np.frombuffer(matcher.compute_bitmask(), dtype=np.int32)[: len(tokens.nothing)].copy()
        drop(mask, tokens.marked)
        alone = matcher.compute_ff_bytes()
        lead = next((lead for lead in _LEADS if (lead or not line) and self._accepts(matcher, lead + _MARK)), None)
        text, mark, _ = alone.partition(_MARK)
        put(mask, tokens.prefixes(text))  # llguidance gives but the first where it knows all that follow
        only = bool(mark) and text in _LEADS_LEFT
        if mark:
            text = b"" if only else text.removesuffix(b" @n").removesuffix(b" ")
        forced, left = [], len(text)
        for token in matcher.compute_ff_tokens():
            left -= len(tokens.texts[token])
            if left < 0:
                break
            forced.append(token)
        if matcher.is_error():
            raise ConstraintDeadEnd(f"{matcher.get_error()[:500]} at {line!r} of\n{grammar}")
        return Shared(
            mask=mask if mask.any() else None,
            lead=lead,
            only=only,
            text=text,
            forced=tuple(forced),
            wide=tuple(token for token in tokens.wide if has(mask, token)),
            past=bool((mask & tokens.past).any()),
            free=line.endswith(b'"A'),
        )

    def _accepts(self, matcher: LLMatcher, text: bytes) -> bool:
        ids = self._tokens.cut(text)
        return bool(matcher.validate_tokens(ids) == len(ids))
