"""What the compiled passes do to one row, and how they are compiled.

numba compiles at the first call, some 15 s for all, and keeps the result beside the converted bases. A function that is
kept does not see that one which it calls has changed, so the place bears the hash of all sources here.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from ainl_align.training.base import cache_root

_SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
if not numba.config.CACHE_DIR:  # the user has not set NUMBA_CACHE_DIR
    numba.config.CACHE_DIR = str(cache_root() / "kernels" / hashlib.sha256(_SOURCES).hexdigest()[:16])

# numba computes in float64 wherever a Python number meets a float32.
ZERO = np.float32(0)
ONE = np.float32(1)
_LEVELS = np.float32(127)
_TINY = np.float32(1e-12)
_LOG2E = np.float32(1.4426950408889634)
_LN2 = np.float32(0.6931471805599453)
_EXPONENT = np.float32(126)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / n) for n in (2, 6, 24, 120, 720))
_MAGNITUDE = np.int32(0x7FFFFFFF)


def kernel(function: Callable[..., Any]) -> Any:
    """``function`` compiled, free of the interpreter's lock, with loops that may be vectorised."""
    return numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function)


@kernel
def top(row: Any, least: Any) -> Any:
    """The largest of ``row`` and ``least``, which is not negative.

    Compared as integers, for floats of one sign order like their bits, and a loop over integers is vectorised.
    """
    found = np.empty(1, np.float32)
    found[0] = least
    bits, most = row.view(np.int32), found.view(np.int32)[0]
    for j in range(bits.size):
        most = max(most, bits[j])
    found.view(np.int32)[0] = most
    return found[0]


@kernel
def quantize(row: Any, levels: Any) -> Any:
    """Fill ``levels`` with the row in 127 symmetric levels; returns the scale."""
    found = np.empty(1, np.float32)
    found[0] = _TINY
    bits, most = row.view(np.int32), found.view(np.int32)[0]
    for j in range(bits.size):
        most = max(most, np.int32(bits[j] & _MAGNITUDE))  # as in top, less the sign
    found.view(np.int32)[0] = most
    inverse = _LEVELS / found[0]
    for j in range(row.size):
        levels[j] = np.int8(np.rint(row[j] * inverse))
    return found[0] / _LEVELS


@kernel
def exponentiate(row: Any, bits: Any) -> None:
    """Exponential in place, within 3e-7 of each value: 2 to the nearest integer times a Taylor series of the rest.

    Without a call in the loops, so that they are vectorised. Arguments beyond ±87 are cut there. ``bits``: int32 room.
    """
    for j in range(row.size):
        power = min(max(row[j] * _LOG2E, -_EXPONENT), _EXPONENT)
        whole = np.rint(power)
        row[j] = (power - whole) * _LN2
        bits[j] = (np.int32(whole) + np.int32(127)) << np.int32(23)
    scale = bits.view(np.float32)
    for j in range(row.size):
        x = row[j]
        series = ((((_C6 * x + _C5) * x + _C4) * x + _C3) * x + _C2) * x + ONE
        row[j] = (series * x + ONE) * scale[j]


@kernel
def restore(product: Any, scale: Any, columns: Any, adapters: Any, ends: Any, inner: Any, row: Any) -> None:
    """One token of a product in float32, its adapters added."""
    for j in range(row.size):
        row[j] = np.float32(product[j]) * (scale * columns[j])
    for i in range(inner.size):
        inner[i] = np.float32(product[row.size + i]) * (scale * columns[row.size + i])
    rank = inner.size // (ends.size - 1)
    for span in range(ends.size - 1):
        part = row[ends[span] : ends[span + 1]]
        width = part.size
        matrix = adapters[rank * ends[span] : rank * ends[span + 1]]
        i = 0
        while i + 4 <= rank:  # four at a time: the outputs are loaded and stored a quarter as often
            first, second = matrix[i * width : (i + 1) * width], matrix[(i + 1) * width : (i + 2) * width]
            third, fourth = matrix[(i + 2) * width : (i + 3) * width], matrix[(i + 3) * width : (i + 4) * width]
            a, b = inner[span * rank + i], inner[span * rank + i + 1]
            c, d = inner[span * rank + i + 2], inner[span * rank + i + 3]
            for j in range(width):
                part[j] += a * first[j] + b * second[j] + c * third[j] + d * fourth[j]
            i += 4
        while i < rank:
            first = matrix[i * width : (i + 1) * width]
            a = inner[span * rank + i]
            for j in range(width):
                part[j] += a * first[j]
            i += 1


@kernel
def rotate(source: Any, cosine: Any, sine: Any, target: Any) -> None:
    """One head of one token turned by its position's angles, in the half-split order of Llama."""
    half = cosine.size
    for j in range(half):
        a, b = source[j], source[half + j]
        target[j] = a * cosine[j] - b * sine[j]
        target[half + j] = b * cosine[j] + a * sine[j]


@kernel
def reciprocal_norm(row: Any, epsilon: Any) -> Any:
    """One over the root of the mean square."""
    total = np.float32(0)
    for j in range(row.size):
        total += row[j] * row[j]
    return ONE / np.sqrt(total / np.float32(row.size) + epsilon)
