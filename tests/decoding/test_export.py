"""The exported grammar and the mask agree on what a grammar can say."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from ainl_align.cli import main
from ainl_align.decoding.constraint import Constraint
from ainl_align.language.export import DIALECTS, grammar_text
from tests.decoding.fuzz import refusal
from tests.decoding.random_programs import random_program

HEAD = "S app core noop\nL_main:\n"
NEITHER = {
    "a program without a label": "S app core noop\n",
    "an unknown verb": f"{HEAD}  R email.SEND 1 ->x\n  J x\n",
    "a wrong number of operands": f"{HEAD}  R core.LOWER 1 2 ->x\n  J x\n",
    "a text that is a number": f'{HEAD}  Set x "007"\n  J x\n',
    "a text that is a constant": f'{HEAD}  Set x "true"\n  J x\n',
    "a text that is a lookup": f'{HEAD}  Set x "$a"\n  J x\n',
    "a returned empty text": f'{HEAD}  J ""\n',
    "a padded number": f"{HEAD}  J 007\n",
    "a reserved word": f"{HEAD}  Set true 1\n  J 1\n",
    "two blanks": f"{HEAD}  J  1\n",
    "a missing line end": f"{HEAD}  J 1",
    "something after the return": f"{HEAD}  J 1\n  J 2\n",
    "one branch": f"{HEAD}  Set x 1\n  If x ->L_a\nL_a:\n  J 1\n",
    "a schedule of 61 minutes": 'S core cron\nCr L_a "*/60 * * * *"\nL_a:\n  J 1\n',
    "a schedule of four fields": 'S core cron\nCr L_a "* * * *"\nL_a:\n  J 1\n',
    "no schedule": "S core cron\nL_a:\n  J 1\n",
    "an unknown method": "S core web /x\nE /x X ->L_a ->out\nL_a:\n  Set out 1\n  J out\n",
}
ONLY_THE_STATE_BARS = {
    "an undefined variable": f"{HEAD}  J x\n",
    "an unknown label": f"{HEAD}  Set x 1\n  If x ->L_a ->L_b\n",
    "a label twice": f"{HEAD}  J 1\nL_main:\n  J 2\n",
    "a cycle": f"{HEAD}  Call L_main ->x\n  J x\n",
    "a text that is a variable's name": f'{HEAD}  Set x 1\n  R core.LOWER "x" ->y\n  J y\n',
    "a step that does not exist": f"{HEAD}  Retry @n9 2 100\n  J 1\n",
    "another result than the endpoint's": "S core web /x\nE /x G ->L_a ->out\nL_a:\n  J 1\n",
}


def _mask(constraint: Constraint, tokenizer: Any, program: str) -> bool:
    return refusal(constraint, tokenizer.encode(program, add_special_tokens=False), program) == ""


@cache
def _byte_matcher() -> LLMatcher:
    matcher = LLMatcher(LLTokenizer("byte"), grammar_text("llguidance"))
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def _llguidance(program: str) -> bool:
    matcher = _byte_matcher().deep_copy()
    return matcher.try_consume_tokens(list(program.encode())) == len(program.encode()) and matcher.is_accepting()


@cache
def _parser() -> Any:
    return pytest.importorskip("lark").Lark(grammar_text("lark"), parser="earley", lexer="dynamic")


def _lark(program: str) -> bool:
    from lark.exceptions import LarkError

    try:
        _parser().parse(program)
    except LarkError:
        return False
    return True


def test_what_the_mask_lets_through_the_export_accepts(constraint: Constraint, embedded_tokenizer: Any) -> None:
    for seed in range(1000, 1040):
        program = random_program(seed)
        assert _mask(constraint, embedded_tokenizer, program), program
        assert _llguidance(program), program
        if len(program) < 700:
            assert _lark(program), program


@pytest.mark.parametrize("case", NEITHER)
def test_what_a_grammar_can_bar_both_bar(constraint: Constraint, embedded_tokenizer: Any, case: str) -> None:
    assert not _mask(constraint, embedded_tokenizer, NEITHER[case])
    assert not _llguidance(NEITHER[case])
    assert not _lark(NEITHER[case])


@pytest.mark.parametrize("case", ONLY_THE_STATE_BARS)
def test_what_relates_lines_only_the_mask_bars(constraint: Constraint, embedded_tokenizer: Any, case: str) -> None:
    assert not _mask(constraint, embedded_tokenizer, ONLY_THE_STATE_BARS[case])
    assert _llguidance(ONLY_THE_STATE_BARS[case])
    assert _lark(ONLY_THE_STATE_BARS[case])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_command_writes_it(dialect: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["ainl-align", "grammar", "--dialect", dialect, "--out", str(tmp_path / "a.lark")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert (tmp_path / "a.lark").read_text(encoding="utf-8") == grammar_text(dialect)
