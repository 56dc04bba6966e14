"""Canonical form: what it changes, and that it never changes a content token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ainl_align.language.canonical import canonicalize, tokenize
from ainl_align.language.compiler import compile_program


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\n \t\n# only a comment\n", ""),
        ("S app core noop\nL_m:\nJ 1", "S app core noop\nL_m:\n  J 1\n"),
        ("\ufeffS  app\tcore noop\r\n\r\n   L_m:\r\n\tJ   1 # done\r\n", "S app core noop\nL_m:\n  J 1\n"),
        ("# note\n\ufeff S core cron\n", "S core cron\n"),
        ('  R http.GET "https://h/#x  y" ->r', '  R http.GET "https://h/#x  y" ->r\n'),
        ('R core.PARSE \'{"a": "b # c"}\' ->v', '  R core.PARSE \'{"a": "b # c"}\' ->v\n'),
        ('J "a \\" # b"#tail', '  J "a \\" # b"\n'),
        ('J b"c"d', '  J b "c" d\n'),
        ("J 'it\\'s'", "  J 'it\\'s'\n"),
        ("Sure, here it is:\n```ainl\n  S core cron\n```", "Sure, here it is:\n```ainl\nS core cron\n```\n"),
        ('  J "never closed  ', '  J "never closed\n'),
        ("   don't touch  this", "don't touch  this\n"),
        ("a#b", "a\n"),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    result = canonicalize(text)
    assert result.text == expected
    assert not result.truncated
    assert result.lines_out == expected.count("\n")


def test_limits_cut_and_say_so() -> None:
    text = "S core cron\n\n# note\n" + "J 1\n" * 5
    cut = canonicalize(text, max_lines=3)
    assert (cut.text, cut.truncated, cut.lines_in, cut.lines_out) == ("S core cron\n  J 1\n  J 1\n", True, 8, 3)
    exact = canonicalize(text + "\n# end\n", max_lines=6)
    assert (exact.truncated, exact.lines_in, exact.lines_out) == (False, 10, 6)


@pytest.mark.parametrize("limits", [{"chunk_lines": 0}, {"max_lines": 0}, {"max_lines": -3}])
def test_senseless_limits_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        canonicalize("J 1", **limits)


# Pieces that meet in every way: quotes of both kinds, escapes, comments, blanks, odd line ends, AINL words.
_PIECES = [
    "S",
    "R",
    "J",
    "L_m:",
    "core.ADD",
    "->x",
    '"',
    "'",
    "\\",
    "#",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\ufeff",
    "\xa0",
]
SOUP = st.lists(st.sampled_from([*_PIECES, "é", "\x0b", "\u2028", '"a b"', "'{\"k\": 1}'"]), max_size=40).map("".join)
TEXT = st.one_of(SOUP, st.text(max_size=80))


def _tokens(text: str) -> list[list[str] | str]:
    """Content by line: tokens, or the stripped line where a string is not closed."""
    found: list[list[str] | str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line if found else line.lstrip("\ufeff \t")
        tokens = tokenize(line)
        if tokens is None:
            found.append(line.strip(" \t"))
        elif tokens:
            found.append(tokens)
    return found


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_idempotent_and_token_preserving(text: str) -> None:
    once = canonicalize(text, max_lines=10_000)
    assert canonicalize(once.text, max_lines=10_000).text == once.text
    assert _tokens(once.text) == _tokens(text)
    assert "\r" not in once.text
    assert once.text == "" or once.text.endswith("\n")


@given(TEXT, st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_bounded_whatever_the_chunk(text: str, chunk_lines: int, max_lines: int) -> None:
    whole = canonicalize(text, max_lines=10_000)
    cut = canonicalize(text, chunk_lines=chunk_lines, max_lines=max_lines)
    assert cut == canonicalize(text, chunk_lines=512, max_lines=max_lines)
    assert cut.lines_out == min(max_lines, whole.lines_out)
    kept = whole.text.split("\n")[:-1][:max_lines]
    assert cut.text == "".join(f"{line}\n" for line in kept)
    assert cut.truncated == (whole.lines_out > max_lines)


@given(SOUP.filter(lambda text: not set("\r\n\ufeff") & set(text)))
@settings(max_examples=300, deadline=None)
def test_tokens_are_those_of_the_compiler(line: str) -> None:
    tokens = tokenize(line)
    compiled = compile_program(line, strict=False)
    if tokens is None:
        assert compiled.ir is None
        assert compiled.errors[0].code == "unterminated-string"
        return
    assert compiled.ir is not None
    if compiled.ir["source"]["text"] == line:
        cut = [t["raw"] for t in compiled.ir["cst"]["lines"][0]["tokens"] if t["kind"] in ("bare", "string")]
        assert tokens == cut
