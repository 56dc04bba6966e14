"""Logits that try to lead the constraint astray: no model, only tastes for kinds of tokens, and random numbers."""

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
_NAME = re.compile(rb" ?[a-z][a-z0-9_]*|[a-z0-9_]+")


def _taste(like: Callable[[bytes], float]) -> Callable[[Sequence[bytes], int], Scores]:
    """Scores by token text; ``like`` gives one text's."""
    return lambda texts, eos: np.array([like(text) for text in texts], dtype=np.float32)


def _words(*liked: bytes) -> Callable[[bytes], float]:
    return lambda text: 8.0 if text in liked else 0.0


def _eos(likes: float, text_likes: Callable[[bytes], float]) -> Callable[[Sequence[bytes], int], Scores]:
    def made(texts: Sequence[bytes], eos: int) -> Scores:
        scores = np.array([text_likes(text) for text in texts], dtype=np.float32)
        scores[eos] = likes
        return scores

    return made


LIKED = ('"', "\n", " ->", " If", " Err", " Call", " Retry", " Set", " R", "L", "_", "a", " a", ".", "=", "1")
"""Beginnings of words after which much is open."""
_STRUCTURE = (
    *(text.encode() for text in LIKED),
    b"R", b"S", b"E", b"C", b"Set", b"Call", b"Err", b"Ret", b"If", b" @", b"@", b"n", b" core", b" body", b" $",
)  # fmt: skip

TASTES: dict[str, Callable[[Sequence[bytes], int], Scores]] = {
    "uniform": _taste(lambda text: 0.0),
    "structure": _taste(_words(*_STRUCTURE)),
    "long_names": _taste(lambda text: 2.0 * len(text) if _NAME.fullmatch(text) else -20.0),
    "long_tokens": _taste(lambda text: float(len(text))),
    "unknown_verbs": _taste(
        lambda text: 10.0 if re.search(rb"[A-Z.]", text) and b'"' not in text else -10.0 * (b'"' in text)
    ),
    "undefined_variables": _taste(
        lambda text: 10.0 if _NAME.fullmatch(text) or text in (b" ->", b"->", b" =", b"=", b" _") else -8.0
    ),
    "texts_like_names": _taste(
        lambda text: 9.0 if text in (b'"', b' "') else 5.0 if _NAME.fullmatch(text) or text in (b"$", b"_") else 0.0
    ),
    "numbers_in_texts": _taste(
        lambda text: 9.0 if re.fullmatch(rb'[ "]*[-+0-9.eE_ \\]+', text) else 6.0 if text in (b'"', b' "') else -9.0
    ),
    "labels": _taste(
        _words(b" If", b" Call", b" Err", b" ->", b"->", b"L", b" L", b"_", b"a", b"b", b"\n", b"R", b" ")
    ),
    "runs_of_letters": _taste(
        lambda text: (
            8.0 if re.fullmatch(rb"L|_|a+|b+| a+", text) else 6.0 if text in (b" If", b" Call", b" ->") else 0.0
        )
    ),
    "straddling": _taste(lambda text: 8.0 * (len(text) > 1 and any(mark in text[:-1] for mark in (b'"', b"\n", b">")))),
    "bytes": _taste(lambda text: 8.0 if any(byte > 0x7F for byte in text) else 6.0 if text.endswith(b'"') else 0.0),
    "eos_early": _eos(100.0, lambda text: 9.0 if text in (b" J", b"J", b"\n", b" ", b" 0", b"0") else -3.0),
    "eos_never": _eos(-100.0, lambda text: -9.0 if b"\n" in text or text.endswith(b"J") else 3.0 * (b"L" in text)),
}
"""Score of every token (by its bytes; the end-of-text token's number comes second), by the name of the adversary."""
PEAKED = "peaked"
"""A favourite order of all tokens, the same at every step of a program: what loops, loops for ever."""
NAMES = (*TASTES, PEAKED)
_WARMTHS = (0.05, 1.0, 3.0)


class Adversary:
    """Chooses the tokens of one program; equal arguments make equal choices."""

    def __init__(self, name: str, seed: int, texts: tuple[bytes, ...], eos: int) -> None:
        self._rng = np.random.default_rng((NAMES.index(name), seed))
        self._warmth = _WARMTHS[seed % len(_WARMTHS)]
        if name == PEAKED:
            self._scores = 12 * self._rng.standard_normal(len(texts), dtype=np.float32)
        else:
            self._scores = _scores(name, texts, eos)

    def choose(self, allowed: NDArray[np.intp]) -> int:
        """The best of the allowed tokens: the same as the best of all logits with the others barred."""
        random = self._rng.standard_exponential(len(allowed), dtype=np.float32)
        gumbel = -np.log(np.maximum(random, 1e-30))
        return int(allowed[(self._scores[allowed] + np.float32(self._warmth) * gumbel).argmax()])


@cache
def _scores(name: str, texts: tuple[bytes, ...], eos: int) -> Scores:
    return TASTES[name](texts, eos)
