"""The source as the reference compiler cut it: one ``Line`` for each line with content, words with their quotes."""

import re
from dataclasses import dataclass
from typing import Any

from ainl_align.language.canonical import DECLARATIONS, STEPS

OPS = DECLARATIONS | STEPS
LABEL = re.compile(r"L(?!L)[A-Za-z0-9_]+", re.ASCII)
"""A label's name as written before its colon and after an arrow; a second L is lost at run time, so it is refused."""


@dataclass(frozen=True)
class Word:
    """One content token, decoded; ``quoted`` tells text from a bare word."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Line:
    """A source line with content. ``op`` is its first word; ``label`` the label that a line after it belongs to."""

    number: int
    op: Word
    words: tuple[Word, ...]
    label: str | None

    @property
    def texts(self) -> list[str]:
        return [word.text for word in self.words]

    @property
    def is_label(self) -> bool:
        """Whether the compiler reads this line as a label line."""
        return self.op.text.startswith("L") and self.op.text.endswith(":")

    @property
    def is_ours(self) -> bool:
        """Whether the first word is one of our ops or a label (AINL shape)."""
        return self.op.text in OPS or (self.is_label and LABEL.fullmatch(self.op.text[:-1]) is not None)


def outline(ir: dict[str, Any]) -> tuple[Line, ...]:
    """The lines with content of a compiled program, in order."""
    found: list[Line] = []
    label: str | None = None
    for entry in ir["cst"]["lines"]:
        words = [Word(t["value"], t["kind"] == "string") for t in entry["tokens"] if t["kind"] in ("bare", "string")]
        if not words:
            continue
        line = Line(int(entry["lineno"]), words[0], tuple(words[1:]), label)
        if line.is_label:
            label = line.op.text[:-1]
            line = Line(line.number, line.op, line.words, label)
        found.append(line)
    return tuple(found)


def has_shape(lines: tuple[Line, ...]) -> list[tuple[int | None, str, str]]:
    """What is missing for AINL shape, as (line, code, message): at least one S line, a label with a step in it, and
    on every line a first word that is one of our ops or a label. Empty when the program has it."""
    problems: list[tuple[int | None, str, str]] = []
    for line in lines:
        if not line.is_ours:
            problems.append((line.number, "unknown-word", _not_ours(line)))
    if not any(line.op.text == "S" for line in lines):
        problems.append((None, "no-service", "no S line; start with S app core noop, S core cron or S core web /path"))
    if not any(line.op.text in STEPS and line.label for line in lines):
        problems.append((None, "no-steps", "no label with a step; write L_main: and steps under it"))
    return problems


def _not_ours(line: Line) -> str:
    text = line.op.text
    if LABEL.fullmatch(text) and line.texts == [":"]:
        return f"write {text}: without a blank before the colon"
    if text.endswith("\r"):
        return "the line ends in a carriage return; use plain newlines"
    return f"{_cut(text)!r} starts no AINL line; remove the line"


def _cut(text: str) -> str:
    return text if len(text) <= 24 else text[:21] + "..."
