"""AINL programs as HTML: highlighted lines, and differences line by line. Everything is escaped here."""

import difflib
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"?)
      | (?P<comment>\#.*$)
      | (?P<label>^[A-Za-z_]\w*:)
      | (?P<arrow>->\w*)
      | (?P<verb>\b[a-z_]\w*\.[A-Z_]\w*)
      | (?P<word>(?<![\w.])(?:S|R|J|X|E|Cr|If|Set|Err|Retry|Loop|While|Call|Filt|Sort|D|Enf|Inc|core|cron|web)\b)
      | (?P<number>(?<![\w.])-?\d+(?:\.\d+)?\b)
    """,
    re.VERBOSE,
)


def highlighted_line(line: str) -> Markup:
    """One line with its parts in spans."""
    parts, at = [], 0
    for match in _TOKEN.finditer(line):
        parts.append(escape(line[at : match.start()]))
        parts.append(Markup('<span class="t-{}">{}</span>').format(match.lastgroup, match[0]))
        at = match.end()
    parts.append(escape(line[at:]))
    return Markup("").join(parts)


def program(text: str, marked: Sequence[int] = ()) -> Markup:
    """A program with line numbers; ``marked`` lines (from 1) are the ones that a diagnostic names."""
    rows = []
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        kind = Markup(' class="marked"') if number in marked else ""
        rows.append(Markup("<li{}><code>{}</code></li>").format(kind, highlighted_line(line)))
    return Markup('<ol class="code">{}</ol>').format(Markup("").join(rows))


def difference(old: str, new: str) -> Markup | None:
    """What turns ``old`` into ``new``, unchanged lines included; None when they are the same."""
    before, after = old.rstrip("\n").split("\n"), new.rstrip("\n").split("\n")
    if before == after:
        return None
    rows = []
    kinds = {"- ": ("del", "−"), "+ ": ("ins", "+"), "  ": ("same", " ")}
    for row in difflib.Differ().compare(before, after):
        if row[:2] in kinds:
            tag, mark = kinds[row[:2]]
            rows.append(
                Markup('<li class="{}"><span class="mark">{}</span><code>{}</code></li>').format(
                    tag, mark, highlighted_line(row[2:])
                )
            )
    return Markup('<ul class="code diff">{}</ul>').format(Markup("").join(rows))
