"""Canonical form: one formatting for every spelling of the same tokens. No content token is added or removed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

DECLARATIONS = frozenset({"S", "D", "E", "Cr", "Sc"})
STEPS = frozenset({"R", "Set", "If", "Call", "J", "Err", "Retry"})

# The compiler's own cut (facts A.1, A.2): a quote or a # ends a bare word; possessive: it never looks back.
_TOKEN = re.compile(
    r"""(?P<blank>[ \t]+)
    | (?P<comment>\#.*)
    | (?P<string>"(?>\\["\\ntr]|[^"])*+" | '(?>\\['\\]|[^'])*+')
    | (?P<bare>[^ \t\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Canonicalized:
    """The canonical text; ``truncated`` when content lines were cut at ``max_lines``; lines before and after."""

    text: str
    truncated: bool
    lines_in: int
    lines_out: int


def tokenize(line: str) -> list[str] | None:
    """The content tokens of one line as written (quotes kept), comment left out; None for an unclosed string."""
    tokens: list[str] = []
    position = 0
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            return None
        if match.lastgroup in ("string", "bare"):
            tokens.append(match.group())
        position = match.end()
    return tokens


def canonicalize(text: str, *, chunk_lines: int = 256, max_lines: int = 512) -> Canonicalized:
    """Bring a program into canonical form: ``\\n`` line ends (also for ``\\r\\n`` and ``\\r``), no BOM, no blank or
    comment line, declarations and labels at column 0, steps indented by two spaces, single spaces between tokens,
    one final newline. A line with an unclosed string is only stripped and indented.

    Works on ``chunk_lines`` lines at a time, so the work stops soon after ``max_lines`` lines are kept; the result
    does not depend on the chunk size. Idempotent. ValueError for a limit below 1.
    """
    if chunk_lines < 1 or max_lines < 1:
        raise ValueError(f"chunk_lines={chunk_lines} and max_lines={max_lines} must be at least 1")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    truncated = False
    lines = _lines(text)
    while not truncated:
        chunk = list(islice(lines, chunk_lines))
        if not chunk:
            break
        for raw in chunk:
            line = _canonical_line(raw if kept else raw.lstrip("\ufeff \t"))
            if line is None:
                continue
            if len(kept) == max_lines:
                truncated = True
                break
            kept.append(line)
    lines_in = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
    return Canonicalized("".join(f"{line}\n" for line in kept), truncated, lines_in, len(kept))


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        yield text[start:end]
        start = end + 1


def _canonical_line(raw: str) -> str | None:
    """One line in canonical form, None when it holds no content."""
    tokens = tokenize(raw)
    if tokens is None:
        body = raw.strip(" \t")
        first = body.split(maxsplit=1)[0]
    elif tokens:
        body, first = " ".join(tokens), tokens[0]
    else:
        return None
    return f"  {body}" if first in STEPS else body
