import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ainl_align.data.records import make_row, prompt_of, request_messages
from ainl_align.data.sampling import (
    MEDLEY,
    DatasetSettings,
    MixSettings,
    Row,
    derive_seed,
    mixed_rows,
    orders_for,
    plan_mix,
    refusal,
    shares_of,
    split_rows,
    with_medley,
)
from ainl_align.errors import StageError, UserError
from ainl_align.language.world_model import World
from ainl_align.tasks.scenario import Task

Make = Callable[..., Task]
MIX = MixSettings().shares


@given(st.integers(0, 5000), st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any))
def test_shares_are_exact(count: int, weights: list[int]) -> None:
    shares = {number: weight / sum(weights) for number, weight in enumerate(weights)}
    split = shares_of(count, shares)
    assert sum(split.values()) == count
    assert all(abs(split[key] - count * share) < 1 for key, share in shares.items())


@pytest.mark.parametrize(("families", "samples"), [(12, 40), (40, 2), (1, 1), (7, 3)])
def test_the_mix_is_exact_over_all_families(families: int, samples: int) -> None:
    plan = plan_mix({f"f{i}": samples for i in range(families)}, MIX)
    assert all(sum(numbers.values()) == samples for numbers in plan.values())
    totals: Counter[str] = Counter()
    for numbers in plan.values():
        totals.update(numbers)
    assert {kind: totals[kind] for kind in MIX} == shares_of(families * samples, MIX)


def test_every_family_is_close_to_the_mix() -> None:
    plan = plan_mix(dict.fromkeys("abcdefgh", 40), MIX)
    for numbers in plan.values():
        assert all(abs(numbers[kind] - 40 * share) <= 1 for kind, share in MIX.items()), numbers


def test_the_medley_takes_its_share_of_the_gold_rows_evenly() -> None:
    before = plan_mix(dict.fromkeys("abcde", 40), MIX)
    plan = with_medley(before, 0.25)
    assert plan.pop(MEDLEY) == {"direct": 25}
    assert {numbers["direct"] for numbers in plan.values()} == {15}
    assert sum(sum(numbers.values()) for numbers in plan.values()) == 175
    assert with_medley(before, 0.0) == before
    assert with_medley({}, 0.5) == {}
    assert with_medley({"a": {"regression": 7}, "b": {"regression": 7}}, 1.0)[MEDLEY] == {"regression": 14}


def test_the_medley_is_ordered_in_parts_of_their_own_seeds() -> None:
    settings = MixSettings(medley=0.5, own_words=0.3)
    plan = with_medley(plan_mix(dict.fromkeys("abcde", 200), MIX), settings.medley)
    orders = [order for order in orders_for(plan, settings, seed=1) if order.family == MEDLEY]
    assert sum(order.tasks for order in orders) == sum(order.rows["direct"] for order in orders) == 250
    assert len({order.seed for order in orders}) == len(orders) > 1
    assert {order.own_words for order in orders} == {0.3}


def test_mixed_rows_are_different_and_of_the_asked_types(make_task: Make) -> None:
    tasks = [make_task(number) for number in range(6)]
    numbers = {"direct": 5, "repair": 9, "check_rewrite": 4}
    rows = mixed_rows(tasks, numbers, random.Random(1))  # type: ignore[arg-type]
    assert Counter(row["sample_type"] for row in rows) == numbers
    assert len({str(row["messages"]) for row in rows}) == len(rows)
    assert all(row["messages"][2]["content"] == tasks[0].gold for row in rows)


def test_too_few_drafts_is_an_error(make_task: Make) -> None:
    short = make_task().model_copy(update={"gold": 'S app core noop\nL_main:\n  J "x"\n'})
    with pytest.raises(StageError, match="raise --variants-per-prompt"):
        mixed_rows([short], {"direct": 0, "repair": 5000, "check_rewrite": 0}, random.Random(1))


def test_splits_keep_prompts_together_and_families_in_proportion(make_task: Make) -> None:
    rows: list[Row] = []
    for family in ("a", "b"):
        for number in range(20):
            task = make_task(number, family).model_copy(update={"prompt": f"{family} {number}"})
            rows += [make_row(task, request_messages(task.prompt), "direct")] * (1 + number % 3)
    splits = split_rows(rows, val_ratio=0.1, test_ratio=0.2, rng=random.Random(0))
    prompts = {name: {prompt_of(row) for row in part} for name, part in splits.items()}
    assert {name: len(found) for name, found in prompts.items()} == {"train": 28, "val": 4, "test": 8}
    assert len(set.union(*prompts.values())) == 40
    assert Counter(prompt.split()[0] for prompt in prompts["val"]) == {"a": 2, "b": 2}
    assert sum(map(len, splits.values())) == len(rows)


def test_gates_name_what_they_refuse(make_task: Make) -> None:
    task = make_task()
    assert refusal(task, 3) is None
    assert refusal(task, 99) == "too_short"
    assert refusal(task.model_copy(update={"gold": task.gold + "J\n"}), 3) == "not_canonical"
    assert refusal(task.model_copy(update={"gold": task.gold.replace(" 80 ", " 79 ")}), 3) == "fails_its_scenarios"
    spoilt = task.scenarios[0].model_copy(update={"world": World(sql=("INSERT INTO nowhere VALUES (1);",))})
    assert refusal(task.model_copy(update={"scenarios": (spoilt,)}), 3) == "broken_world"


def test_seeds_are_apart_and_stable() -> None:
    assert derive_seed(42, "distill") == derive_seed(42, "distill")
    assert len({derive_seed(seed, name) for seed in range(50) for name in "ab"}) == 100


@pytest.mark.parametrize(
    ("mix", "said"),
    [({"mix_gold": 0.6}, "sum to 1.1; they must sum to 1"), ({"mix_gold": 0.5, "mix_repair": 0.2}, "sum to 0.85")],
)
def test_a_mix_must_be_whole(mix: dict[str, float], said: str) -> None:
    with pytest.raises(UserError, match=said):
        MixSettings(**mix)  # type: ignore[arg-type]


def test_ratios_must_leave_something() -> None:
    with pytest.raises(UserError, match=r"--val-ratio 0\.5 and --test-ratio 0\.5"):
        DatasetSettings(val_ratio=0.5, test_ratio=0.5)
    with pytest.raises(ValueError, match="val_ratio"):
        DatasetSettings(val_ratio=1.5)
