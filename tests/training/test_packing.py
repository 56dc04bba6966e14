"""Batches: every row once an epoch, within the budget, in an order that the seed alone decides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ainl_align.training.packing import Step, collate, fixed_shape, packed_steps, row_steps
from ainl_align.training.rows import IGNORED, Encoded


@settings(max_examples=25)
@given(st.lists(st.integers(2, 100), min_size=1, max_size=60), st.integers(100, 300), st.integers(1, 4))
def test_every_row_is_in_one_pack_of_an_epoch(lengths: list[int], tokens: int, batches: int) -> None:
    steps = packed_steps(lengths, tokens=tokens, batches=batches, epochs=1, seed=3)
    packs = [pack for step in steps for pack in step]
    assert sorted(index for pack in packs for index in pack) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in pack) <= tokens for pack in packs)
    assert all(len(step) == batches for step in steps[:-1])
    rows = [[Encoded("a", [7] * lengths[index], [7] * lengths[index]) for index in pack] for pack in packs]
    shape = fixed_shape(rows, tokens)
    for pack, chosen in zip(packs, rows, strict=True):
        batch = collate(chosen, shape)
        assert len(batch.ids) == len(batch.positions) == batch.starts[-1] == tokens
        assert len(batch.starts) == shape.rows + 1
        assert max(batch.lengths) <= shape.longest
        assert len(batch.scored) == shape.scored
        assert int((batch.targets != IGNORED).sum()) == batch.labelled == sum(lengths[index] - 1 for index in pack)


def rows_of(step: Step) -> list[int]:
    return sorted(index for batch in step for index in batch)


def test_one_process_and_two_take_the_same_rows_in_each_step() -> None:
    lengths = [10 + index % 7 for index in range(50)]
    one = row_steps(lengths, batch_size=4, batches=1, epochs=2, seed=1)
    two = row_steps(lengths, batch_size=2, batches=2, epochs=2, seed=1)
    assert [rows_of(step) for step in one] == [rows_of(step) for step in two]
    assert all(len(batch) <= 2 for step in two for batch in step)


@pytest.mark.parametrize(("epochs", "steps"), [(1, 5), (2, 10), (0.4, 2), (1.5, 8)])
def test_parts_of_epochs(epochs: float, steps: int) -> None:
    made = row_steps([5] * 20, batch_size=4, batches=1, epochs=epochs, seed=0)
    assert len(made) == steps


def test_epochs_differ_and_seeds_repeat() -> None:
    lengths = list(range(5, 65))
    for steps in (
        lambda seed: row_steps(lengths, batch_size=4, batches=1, epochs=2, seed=seed),
        lambda seed: packed_steps(lengths, tokens=128, batches=1, epochs=2, seed=seed),
    ):
        made = steps(1)
        assert made == steps(1)
        assert made != steps(2)
        assert made[: len(made) // 2] != made[len(made) // 2 :]


def test_a_batch_of_fixed_length_pads_with_rows_without_loss() -> None:
    rows = [Encoded("a", [3, 4, 5], [IGNORED, 4, 5]), Encoded("a", [6, 7], [IGNORED, 7])]
    batch = collate(rows)
    assert batch.ids.tolist() == [3, 4, 5, 6, 7]
    assert batch.positions.tolist() == [0, 1, 2, 0, 1]
    assert batch.starts.tolist() == [0, 3, 5]
    assert batch.scored.tolist() == [0, 1, 3]
    assert batch.targets.tolist() == [4, 5, 7]
