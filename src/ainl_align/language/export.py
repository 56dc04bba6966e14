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

_ITEM = re.compile(
    r'(?P<barred> & ~)?/(?P<regex>(?:[^/\\\n]|\\.)+)/|(?P<text>"(?:[^"\\\n]|\\.)*")|[A-Z][A-Z0-9]*|.', re.S
)
_WHOLE: Final = r"(?![A-Za-z0-9_.~\/-])"
"""Whole words only: no terminal is followed by a character that could go on with one."""


def grammar_text(dialect: Dialect) -> str:
    """The grammar of whole programs.

    "llguidance" is what llguidance (and engines that use it, such as vLLM and SGLang) takes, with its ``&`` and ``~``.
    "lark" is for the Python package lark, ``Lark(text, parser="earley", lexer="dynamic")``: there each exclusion is a
    negative lookahead.
    """
    text = program_grammar()
    return text if dialect == "llguidance" else "".join(f"{_plain(line)}\n" for line in text.splitlines())


def _plain(line: str) -> str:
    """One line with ``X & ~/Y/`` written as ``/(?!Y)/ X``, and with words that end where they can end."""
    done: list[str] = []
    subject = 0
    for found in _ITEM.finditer(line):
        if found["barred"]:
            done.insert(subject, f"/(?!(?:{found['regex']}){_WHOLE})/ ")
            continue
        subject = len(done)
        done.append(f"/(?:{found['regex']}){_WHOLE}/" if found["regex"] else found[0])
    return "".join(done)
