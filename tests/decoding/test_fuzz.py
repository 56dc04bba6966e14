"""A short run of the fuzz harness (``make fuzz`` is the long one), and what it must be able to catch."""

from typing import Any

import pytest

from ainl_align.decoding.constraint import Constraint
from ainl_align.language.semantics import verdict
from tests.decoding.adversaries import NAMES
from tests.decoding.fuzz import Case, cases, decode, finished_problem, refusal
from tests.decoding.random_programs import random_program


@pytest.fixture(scope="module")
def texts(constraint: Constraint) -> tuple[bytes, ...]:
    return tuple(constraint.text(token) for token in range(constraint.vocabulary))


@pytest.mark.parametrize("adversary", NAMES)
def test_no_logits_lead_astray(constraint: Constraint, texts: tuple[bytes, ...], adversary: str) -> None:
    mine = [case for case in cases(2 * len(NAMES), constraint.minimum) if case.adversary == adversary]
    short = [Case(case.adversary, case.seed, min(case.budget, 120)) for case in mine]
    found = decode(constraint, texts, short)
    assert [outcome.problem for outcome in found] == ["", ""]
    assert all(outcome.tokens <= outcome.case.budget for outcome in found)


def test_equal_cases_give_equal_programs_in_any_company(constraint: Constraint, texts: tuple[bytes, ...]) -> None:
    some = [Case(case.adversary, case.seed, 60) for case in cases(4, constraint.minimum)]
    alone = [decode(constraint, texts, [case])[0].program for case in some]
    assert [outcome.program for outcome in decode(constraint, texts, some)] == alone


def test_random_canonical_programs_are_accepted_token_by_token(constraint: Constraint, embedded_tokenizer: Any) -> None:
    for seed in range(20):
        program = random_program(seed)
        assert verdict(program).canonical, (program, verdict(program).reasons)
        ids = embedded_tokenizer.encode(program, add_special_tokens=False)
        assert refusal(constraint, ids, program) == "", program


def test_what_is_wrong_is_told(constraint: Constraint, embedded_tokenizer: Any) -> None:
    def told(program: str) -> str:
        return refusal(constraint, embedded_tokenizer.encode(program, add_special_tokens=False), program)

    head = "S app core noop\nL_main:\n"
    assert told(f"{head}  J 1\n") == ""
    assert "is barred after" in told(f"{head}  J missing\n")
    assert told(f"{head}  J 1\nL_more:\n  J 2\n").startswith("the end is forced")
    assert told(f"{head}  J 1") == "the end is not allowed after the last character"
    row = constraint.start(100)
    ids = embedded_tokenizer.encode(f"{head}  J 1\n", add_special_tokens=False)
    row.take(ids)
    assert finished_problem(row, ids) == ""
    assert finished_problem(row, ids[:-1]) == "the tokens are not those of the program"
    row.budget = len(ids)
    assert "over the budget" in finished_problem(row, ids)
