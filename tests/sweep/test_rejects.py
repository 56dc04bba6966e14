"""Sequential halving: the plan, shared prompts, deterministic ties."""

import random
from collections.abc import Mapping, Sequence

import pytest

from ainl_align.sweep.likelihood import kept, most_kept
from ainl_align.sweep.rejects import LEAST, Outcome, Phase, answers_of, halve, plan, screening_prompts


def test_half_of_the_arms_go_when_the_prompts_have_doubled() -> None:
    assert plan(12, 64, 1) == [Phase(8, 6), Phase(16, 3), Phase(32, 1), Phase(64, 1)]
    assert answers_of(plan(12, 64, 1), 12) == 12 * 8 + 6 * 8 + 3 * 16 + 2 * 32
    assert plan(12, 64, 2) == [Phase(16, 6), Phase(32, 3), Phase(64, 1)]
    assert plan(4, 24, 1) == [Phase(12, 2), Phase(24, 1)]


def test_few_prompts_or_few_arms() -> None:
    assert plan(12, 12, 1) == [Phase(LEAST, 10), Phase(12, 1)]
    assert plan(3, 2, 1) == [Phase(2, 2)]
    assert plan(1, 24, 1) == plan(2, 24, 2) == []


def test_the_last_round_sees_half_of_the_prompts_but_never_too_few() -> None:
    assert [screening_prompts(count) for count in (3, 8, 12, 24, 64)] == [3, 8, 8, 12, 32]
    assert plan(3, screening_prompts(64), 1) == [Phase(16, 1), Phase(32, 1)]


def test_likelihood_keeps_at_most_half_and_two_at_least() -> None:
    assert [kept(arms, 3, 1) for arms in (1, 2, 3, 4, 5, 12)] == [1, 2, 2, 2, 3, 3]
    assert kept(12, 3, 5) == 5
    assert kept(12, 8, 1) == 6
    assert plan(12, 6, 3, 3) == [Phase(3, 6), Phase(6, 3)]
    assert (most_kept(12), most_kept(23), most_kept(24)) == (2, 2, 3)


@pytest.mark.parametrize("arms", range(1, 15))
@pytest.mark.parametrize("finalists", [1, 2])
def test_a_plan_leaves_the_finalists_and_never_takes_more_than_all(arms: int, finalists: int) -> None:
    for prompts in (1, 7, 24, 96):
        phases = plan(arms, prompts, finalists)
        assert arms - sum(phase.rejects for phase in phases) == min(arms, finalists)
        assert [phase.prompts for phase in phases] == sorted({phase.prompts for phase in phases})
        assert all(phase.prompts <= prompts for phase in phases)
        assert answers_of(phases, arms) <= arms * prompts


def screened(outcomes: Mapping[int, Sequence[Outcome]], finalists: int = 1) -> tuple[list[int], list[list[int]], int]:
    """Survivors, rejected by phase, and how many outcomes were looked at."""
    prompts = len(next(iter(outcomes.values())))
    at = looked = 0

    def ask(left: Sequence[int], phase: Phase) -> Mapping[int, Sequence[Outcome]]:
        nonlocal at, looked
        start, at = at, phase.prompts
        looked += len(left) * (at - start)
        return {arm: outcomes[arm][start:at] for arm in left}

    phases = plan(len(outcomes), prompts, finalists)
    ties = {arm: (float(-arm),) for arm in outcomes}
    survivors, rejected = halve(outcomes, phases, ask, ties)
    assert looked == answers_of(phases, len(outcomes))
    return survivors, rejected, looked


def test_equal_arms_go_by_the_tie_whatever_their_order() -> None:
    same = [(1.0, 0.0)] * 10
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        assert screened(dict.fromkeys(order, same))[:2] == ([0], [[2], [1]])


def test_the_first_number_decides_before_the_second() -> None:
    weak, strong = [(0.0, 1.0)] * 10, [(1.0, 0.0)] * 10
    assert screened({0: weak, 1: strong})[0] == [1]


def test_the_best_is_found_with_half_the_answers() -> None:
    hits = 0
    for seed in range(50):
        dice = random.Random(seed)
        hard = [dice.random() for _ in range(64)]
        outcomes = {
            arm: [(float(dice.random() < (0.9 if arm == 5 else 0.3) * (1.2 - h)),) for h in hard] for arm in range(12)
        }
        survivors, _, looked = screened(outcomes)
        assert looked < 0.5 * 12 * 64
        hits += survivors == [5]
    assert hits >= 49
