"""Random logits over the embedded tokenizer give canonical programs within budget; golds pass token by token."""

from typing import Any

import numpy as np
import pytest

from ainl_align.decoding.constraint import Constraint, RowConstraint
from ainl_align.language.canonical import canonicalize
from ainl_align.language.semantics import verdict
from ainl_align.tasks.suites import generate, suite
from tests.decoding.adversaries import LIKED, Adversary


@pytest.fixture(scope="module")
def constraint(embedded_tokenizer: Any) -> Constraint:
    return Constraint(embedded_tokenizer, vocabulary=len(embedded_tokenizer), eos_ids=[embedded_tokenizer.eos_token_id])


def _allowed(row: RowConstraint) -> np.ndarray[Any, np.dtype[np.intp]]:
    mask = row.owner.allocate(1)
    row.owner.fill([row], mask)
    return np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little"))


def _wander(constraint: Constraint, budget: int, seed: int, liked: frozenset[int], taste: float) -> RowConstraint:
    """Decode from random logits; ``liked`` tokens get ``taste`` on top."""
    random = np.random.default_rng(seed)
    row = constraint.start(budget)
    while not row.finished:
        forced = row.forced()
        if forced:
            row.take(forced)
            continue
        allowed = _allowed(row)
        logits = random.gumbel(size=len(allowed)) + taste * np.isin(allowed, list(liked))
        row.take([int(allowed[logits.argmax()])])
    return row


@pytest.mark.parametrize("taste", [0.0, 4.0, 9.0])
def test_random_logits_write_canonical_programs_within_their_budget(
    constraint: Constraint, embedded_tokenizer: Any, taste: float
) -> None:
    texts = [*LIKED, " core", "b"]
    liked = frozenset(embedded_tokenizer.encode(text)[0] for text in texts)
    for seed in range(8):
        budget = constraint.minimum + seed * 23
        row = _wander(constraint, budget, seed, liked, taste)
        found = verdict(row.program)
        assert found.canonical, (row.program, found.reasons)
        assert row.used + 1 <= budget
        assert canonicalize(row.program).text == row.program


def test_a_budget_below_the_smallest_program_is_refused(constraint: Constraint) -> None:
    with pytest.raises(ValueError, match="below the shortest program"):
        constraint.start(constraint.minimum - 1)
    row = _wander(constraint, constraint.minimum, 0, frozenset(), 0.0)
    assert row.finished and row.used + 1 <= constraint.minimum


def test_golds_are_accepted_token_by_token_and_forced_tokens_are_theirs(
    constraint: Constraint, embedded_tokenizer: Any
) -> None:
    for task in [*suite("regression"), *generate("train", seed=3, per_family=1)]:
        ids = embedded_tokenizer.encode(task.gold, add_special_tokens=False)
        row = constraint.start(None, loop=2)
        for place, token in enumerate(ids):
            forced = row.forced()
            assert forced == ids[place : place + len(forced)], (task.id, row.program[-60:])
            assert token in _allowed(row), (task.id, row.program[-60:], embedded_tokenizer.decode([token]))
            row.take([token])
        assert row.finished, task.id
        assert row.program == task.gold


def test_the_end_is_legal_only_after_the_last_character(constraint: Constraint, embedded_tokenizer: Any) -> None:
    ids = embedded_tokenizer.encode("S app core noop\nL_a:\n  J 1\n", add_special_tokens=False)
    row = constraint.start(None)
    for token in ids:
        assert not row.finished
        assert embedded_tokenizer.eos_token_id not in _allowed(row)
        row.take([token])
    assert row.finished and row.forced() == []


def test_a_token_that_is_not_legal_is_an_error(constraint: Constraint, embedded_tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="is not allowed"):
        constraint.start(None).take(embedded_tokenizer.encode("Sure", add_special_tokens=False))


def test_a_long_text_is_closed_by_the_budget(constraint: Constraint, embedded_tokenizer: Any) -> None:
    row = constraint.start(60)
    row.take(embedded_tokenizer.encode('S app core noop\nL_a:\n  J "', add_special_tokens=False))
    word = embedded_tokenizer.encode(" word", add_special_tokens=False)
    while not row.finished:
        row.take(word)
    assert row.closed_by_budget and row.used + 1 <= 60
    assert verdict(row.program).canonical


@pytest.mark.parametrize("name", ["uniform", "labels", "long_names", "texts_like_names"])
def test_a_program_can_be_completed_as_its_place_says(constraint: Constraint, name: str) -> None:
    texts = tuple(constraint.text(token) for token in range(constraint.vocabulary))
    random, adversary = np.random.default_rng(5), Adversary(name, 5, texts, constraint.eos_ids[0])
    row, rest = constraint.start(None), None
    while not row.finished and row.used < 60:
        ending, reach = row.place.ending(), row.place.reach
        assert rest in (None, ending), row.program
        assert reach is None or reach >= len(constraint.tokenize(ending)), row.program
        allowed = _allowed(row)
        on_the_way = [token for token in allowed.tolist() if ending.startswith(constraint.text(token))]
        token = row.forced()[0] if row.forced() else adversary.choose(allowed)
        token = int(random.choice(on_the_way)) if random.random() < 0.5 and on_the_way else token
        text = constraint.text(token)
        rest = ending.removeprefix(text) if ending.startswith(text) else None
        row.take([token])


@pytest.mark.parametrize(
    ("steps", "closed_after"),
    [
        (["Set a 1"] * 6, 4),
        ([f"Set a {n}" for n in range(6)], 4),
        (["Call L_b ->a"] * 6, 4),
        ([f"R core.ADD 1 {n} ->a" for n in range(6)], None),
        (["Set a 1", "Set b 1"] * 3, None),
        (["Set a 1", "Set a a"] * 3, None),
        ([*["Set a 1"] * 3, "Set b 1"] * 2, None),
    ],
)
def test_a_loop_is_closed(
    constraint: Constraint, embedded_tokenizer: Any, steps: list[str], closed_after: int | None
) -> None:
    row = constraint.start(200, loop=4)
    opening = "S app core noop\nL_a:\n"
    for token in embedded_tokenizer.encode(
        opening + "".join(f"  {step}\n" for step in steps), add_special_tokens=False
    ):
        row.take([token])
        forced = row.forced()
        if row.closed_by_loop:
            row.take(forced)
            break
    assert row.closed_by_loop == (closed_after is not None)
    if closed_after is not None:
        assert row.finished and not row.closed_by_budget and verdict(row.program).canonical
        kept = row.program.removeprefix(opening).splitlines()
        assert kept[:closed_after] == [f"  {step}" for step in steps[:closed_after]]
        assert len(kept) <= closed_after + 4


@pytest.mark.parametrize("start", ['R core.LOWER "status" ->status', 'Set status "status"'])
def test_a_text_and_a_variable_of_one_line_differ(constraint: Constraint, embedded_tokenizer: Any, start: str) -> None:
    opening = embedded_tokenizer.encode(f"S app core noop\nL_a:\n  {start}", add_special_tokens=False)
    row = constraint.start(None)
    with pytest.raises(ValueError, match="is not allowed"):
        row.take([*opening, *embedded_tokenizer.encode("\n")])
    assert len(row.program) > len(f"S app core noop\nL_a:\n  {start}") - len("status") - 1


def test_what_is_remembered_of_a_place_changes_nothing(constraint: Constraint, embedded_tokenizer: Any) -> None:
    fresh = Constraint(embedded_tokenizer, vocabulary=constraint.vocabulary, eos_ids=constraint.eos_ids)
    for seed in range(3):
        for budget in (48, 160):
            liked = frozenset(embedded_tokenizer.encode(text)[0] for text in ('"', " R", " Set", "a"))
            first = _wander(fresh, budget, seed, liked, 3.0)
            again = _wander(fresh, budget, seed, liked, 3.0)
            other = _wander(constraint, budget, seed, liked, 3.0)
            assert first.program == again.program == other.program
            assert first.closed_by_budget == again.closed_by_budget


def test_a_token_barred_at_a_remembered_place_is_still_an_error(
    constraint: Constraint, embedded_tokenizer: Any
) -> None:
    opening = embedded_tokenizer.encode("S app core noop\nL_a:\n  J", add_special_tokens=False)
    for _ in range(2):
        row = constraint.start(None)
        row.take(opening)
        assert len(_allowed(row)) > 1
        with pytest.raises(ValueError, match="is not allowed"):
            row.take(embedded_tokenizer.encode("\n", add_special_tokens=False))
