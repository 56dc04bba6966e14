"""What a word means at run time, where quotes no longer exist (facts A.3): the rules that keep text text."""

import math
import re

from ainl_align.language.outline import Word

VARIABLE = re.compile(r"(?!L|true$|false$|null$)[A-Za-z][A-Za-z0-9_]*", re.ASCII)
RESERVED = frozenset(
    {
        "_run_id",
        "_error",
        "_call_result",
        "_role",
        "_auth_header",
        "_auth_present",
        "_loop_last",
        "_while_last",
        "_txid",
    }
)
"""Names that the run-time frame can hold without any assignment; a text equal to one of them is not safe."""
INPUTS = frozenset({"body", "query"})
"""Frame inputs of an endpoint, read once by ``Set body $body`` and ``Set query $query``."""

_PATH = re.compile(r"[A-Za-z0-9_.~-]*(?:://|/)[^\s\"'#{}\[\](),]*", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_.:/@%+-]+", re.ASCII)


def is_variable(text: str) -> bool:
    """Whether a bare word can name a variable (not true, false, null; no leading L, which an arrow would misread)."""
    return VARIABLE.fullmatch(text) is not None


def constant(text: str) -> bool | int | float | str | None:
    """The value that the runtime gives to a word that is no frame key: a constant, or the text itself."""
    named: dict[str, bool | None] = {"true": True, "false": False, "null": None}
    if text in named:
        return named[text]
    if text.removeprefix("-").isdigit():
        try:
            return int(text)
        except ValueError:  # superscript digits, or more digits than int() takes
            return text
    bare = text.strip()
    digits = bare.removeprefix("-")
    if ("." in digits and digits.replace(".", "", 1).isdigit()) or "e" in digits or "E" in digits:
        try:
            return float(bare)
        except ValueError:
            return text
    return text


def is_number(text: str) -> bool:
    """Whether a bare word is a finite number without padding zeros."""
    value = constant(text)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    return re.match(r"-?0\d", text) is None


def text_problem(text: str, variables: frozenset[str]) -> str | None:
    """Why a quoted text would not stay that text at run time, or None when it does."""
    if text.startswith("$"):
        return f"text {_show(text)} starts with $ and would be read as a variable"
    if text in variables:
        return f"text {_show(text)} equals a variable's name; rename the variable"
    if text in RESERVED:
        return f"text {_show(text)} equals a name of the runtime; change it"
    value = constant(text)
    if isinstance(value, str):
        return None
    if isinstance(value, bool) or value is None:
        return f"text {_show(text)} becomes the constant {text}; write it without quotes or change it"
    return f"text {_show(text)} becomes the number {str(value)[:12]}; write {str(value)[:12]} without quotes"


def operand_problem(word: Word, variables: frozenset[str], *, paths: bool) -> str | None:
    """Why an operand is no variable, number, constant or safe text; ``paths`` allows bare paths, ``*`` and ``_``."""
    text = word.text
    if word.quoted:
        return text_problem(text, variables)
    if text.startswith("$"):
        return f"{_show(text)}: only 'Set body $body' and 'Set query $query' may read with $"
    if text in variables or text == "_error" or text in ("true", "false", "null") or is_number(text):
        return None
    if paths and (text in ("*", "_") or _PATH.fullmatch(text)):
        return None
    if not isinstance(constant(text), str):
        return f"{_show(text)} is no plain number; write it without padding or exponent tricks"
    if text[:1] in "{[" or text[-1:] in "]}":
        return "no inline JSON; write R core.PARSE '{...}' ->value first"
    head, dot, tail = text.partition(".")
    if dot and head in variables:
        return f'no dotted access; write R core.GET {head} "{tail[:30]}" ->value'
    return f"bare word {_show(text)} is text or a typo: quote it"


def condition_problem(word: Word, variables: frozenset[str], protected: frozenset[str]) -> str | None:
    """Why an If condition is neither VAR, ``VAR?`` nor ``VAR=atom``; the atom must differ from every
    ``protected`` name (the variables and, in an endpoint program, the inputs)."""
    text = word.text
    name, equals, atom = text.partition("=")
    if not equals:
        if word.quoted:
            return "the condition is a text; write If variable, or compare first with R core.EQ"
        name, atom = name.removesuffix("?"), "1"
    if name != "_error" and name not in variables:
        if is_variable(name):
            return f"If reads {_show(name)}, which nothing sets"
        head, dot, tail = name.partition(".")
        if dot and head in variables:
            return f'no dotted access; write R core.GET {head} "{tail[:30]}" ->test, then If test'
        return f"If cannot read {_show(text)}; compare first: R core.GT a b ->test, then If test"
    if text.endswith("?") and equals:
        return f"If {_show(text)}: a value after = must not end in ?"
    if not atom.strip() or atom.startswith("="):
        return f"If {_show(text)}: write variable=value with one = and a value"
    if atom.startswith("$") or atom in protected:
        return f"If {_show(text)}: compare variables with R core.EQ a b ->same, then If same"
    if atom in RESERVED or atom != atom.strip():
        return f"If {_show(text)}: change the value after ="
    value = constant(atom)
    if not isinstance(value, (str, bool)) and value is not None and str(value) != atom:
        return f"If {_show(text)}: = compares text, the number would read {str(value)[:12]}; use R core.EQ"
    if isinstance(value, str) and not word.quoted and not _WORD.fullmatch(atom):
        return f'If {_show(text)}: quote the whole condition, as in "{name}=two words"'
    return None


def condition_name(word: Word) -> str:
    """The variable that an If condition reads."""
    return word.text.partition("=")[0].removesuffix("?")


def _show(text: str) -> str:
    return repr(text if len(text) <= 32 else text[:29] + "...")
