"""What a program is when names do not count: its steps and branches, with or without its literals."""

import re

from ainl_align.language.canonical import tokenize

_LABEL = re.compile(r"(?:->)?(L_\w+):?")
_OUT = re.compile(r"->([A-Za-z]\w*)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SQL = re.compile(r"'[^']*'|-?\d+(?:\.\d+)?|[A-Za-z_]\w*")
_SQL_WORDS = frozenset(
    "select from where and or not null is in like order by group having limit offset desc asc distinct insert into "
    "ignore replace values update set delete join left on as count sum avg min max case when then else end between "
    "exists conflict do nothing lower upper length coalesce datetime date strftime now json_each json_extract".split()
)


def renamed(program: str) -> str:
    """The program with its variables and labels numbered in order of appearance: equal texts are equal programs."""
    return _rewritten(program, literals=True)


def structure(program: str) -> str:
    """``renamed`` without literals: equal texts are the same steps and branches on other resources and values."""
    return _rewritten(program, literals=False)


def _rewritten(program: str, *, literals: bool) -> str:
    lines = [tokenize(line) or [line] for line in program.splitlines()]
    names: dict[str, str] = {}
    for words in lines:
        if words[0] == "Set" and len(words) > 1:
            names.setdefault(words[1], f"v{len(names)}")
        for word in words:
            if not _LABEL.fullmatch(word) and (out := _OUT.fullmatch(word)):
                names.setdefault(out[1], f"v{len(names)}")
    labels: dict[str, str] = {}

    def word_of(word: str) -> str:
        if label := _LABEL.fullmatch(word):
            new = labels.setdefault(label[1], f"L{len(labels)}")
            return word.replace(label[1], new)
        if out := _OUT.fullmatch(word):
            return f"->{names[out[1]]}"
        if word in names:
            return names[word]
        if literals:
            return word
        if word.startswith(('"', "'")):
            return _text_shape(word[1:-1])
        return "0" if _NUMBER.fullmatch(word) else "/" if word.startswith("/") else word

    return "\n".join(" ".join(map(word_of, words)) for words in lines)


def _text_shape(text: str) -> str:
    """SQL without names and values; any other text is a text."""
    first = text.split(" ", 1)[0].lower()
    if first not in ("select", "insert", "update", "delete", "replace", "with"):
        return '""'
    return '"' + _SQL.sub(lambda match: match[0].lower() if match[0].lower() in _SQL_WORDS else "_", text) + '"'
