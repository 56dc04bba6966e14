"""The grammar as a file for other tools (``ainl-align grammar``).

Both dialects say the context-free part of the language: shapes of lines, verbs with their operands, names, numbers,
texts, schedules. What relates one line to another is the decoder's state and in no grammar: that variables are set
before they are read, that labels exist once and lead to no cycle, that a text is no variable's name, the effects of
handlers, ``@nK``, an endpoint's result, and the budget.
"""

import re
from typing import Final, Literal

from ainl_align.language.grammar import program_grammar

Dialect = Literal["llguidance", "lark"]
DIALECTS: Final[tuple[Dialect, ...]] = ("llguidance", "lark")

_ITEM = re.compile(r'(?P<regex>/(?:[^/\\\n]|\\.)+/)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<other>[A-Z][A-Z0-9]*|.)', re.S)
_NOT: Final = " & ~"
_WHOLE: Final = "(?![A-Za-z0-9_-])"
"""An exclusion is about whole words; ``-`` may stand in a word after ``If x=``, and nothing else follows with one."""


def grammar_text(dialect: Dialect) -> str:
    """The grammar of whole programs.

    "llguidance" is what llguidance (and engines that use it, such as vLLM and SGLang) takes, with its ``&`` and ``~``.
    "lark" is for the Python package lark, ``Lark(text, parser="earley", lexer="dynamic_complete")``: there each
    exclusion is a negative lookahead.
    """
    text = program_grammar()
    return text if dialect == "llguidance" else "".join(f"{_plain(line)}\n" for line in text.splitlines())


def _plain(line: str) -> str:
    """One line with ``X & ~/Y/`` written as ``/(?!Y)/ X``."""
    if _NOT not in line:
        return line
    items = [found[0] for found in _ITEM.finditer(line)]
    done: list[str] = []
    place = 0
    while place < len(items):
        barred: list[str] = []
        while items[place + 1 + 5 * len(barred) :][:4] == list(_NOT):
            barred.append(items[place + 5 + 5 * len(barred)][1:-1])
        done.append("".join(f"/(?!(?:{pattern}){_WHOLE})/ " for pattern in barred) + items[place])
        place += 1 + 5 * len(barred)
    return "".join(done)
