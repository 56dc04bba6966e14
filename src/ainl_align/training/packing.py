"""Rows to batches: rows are laid end to end, without padding between them, and never see each other.

One format for every device. On a GPU a batch has a fixed length, so that kernels are compiled once; attention then
costs what the rows cost alone (``attention.py``), not the square of the length.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ainl_align.training.rows import IGNORED, Encoded

SCORED_BLOCK = 2048
"""Places that go through the output head at a time; a fixed form holds a multiple of it."""
TENSORS = ("ids", "positions", "starts", "scored", "targets")
"""The tensors of a batch."""


@dataclass(frozen=True)
class Batch:
    """Rows laid end to end.

    ``ids`` and ``positions`` have shape (tokens,); positions restart with each row. Row i is ``starts[i]`` to
    ``starts[i + 1]``; ``starts`` is int32, and ``lengths`` the same on the host. ``scored`` holds the places whose next
    token has loss, ``targets`` that token (IGNORED in places that only fill up). ``labelled`` counts real targets.
    """

    ids: Tensor
    positions: Tensor
    starts: Tensor
    lengths: tuple[int, ...]
    longest: int
    scored: Tensor
    targets: Tensor
    labelled: int

    def to(self, device: str) -> "Batch":
        """The batch on ``device``; copies to a GPU go on while the host works."""
        if device == "cpu":
            return self
        moved = {}
        for name in TENSORS:
            tensor: Tensor = getattr(self, name)
            moved[name] = (tensor.pin_memory() if device.startswith("cuda") else tensor).to(device, non_blocking=True)
        return Batch(lengths=self.lengths, longest=self.longest, labelled=self.labelled, **moved)


@dataclass(frozen=True)
class Shape:
    """A fixed form of batches: ``tokens`` long, ``rows`` rows of at most ``longest`` tokens, ``scored`` places."""

    tokens: int
    rows: int
    longest: int
    scored: int


def fixed_shape(batches: Sequence[Sequence[Encoded]], tokens: int) -> Shape:
    """The form that holds every one of ``batches`` in ``tokens`` tokens."""
    longest = -(-max(len(row.ids) for batch in batches for row in batch) // 128) * 128
    rows = max(len(batch) - (sum(len(row.ids) for row in batch) - tokens) // longest for batch in batches)
    scored = max(sum(row.labelled for row in batch) for batch in batches)
    return Shape(tokens, rows, longest, -(-scored // SCORED_BLOCK) * SCORED_BLOCK)


def collate(rows: Sequence[Encoded], shape: Shape | None = None) -> Batch:
    """Lay rows end to end; ``shape`` fills up to a fixed form with rows of token 0 that have no loss."""
    ids = [token for row in rows for token in row.ids]
    labels = [label for row in rows for label in (*row.labels[1:], IGNORED)]  # of the token after each place
    lengths = [len(row.ids) for row in rows]
    scored = [place for place, label in enumerate(labels) if label != IGNORED]
    labelled = len(scored)
    targets = [labels[place] for place in scored]
    longest = max(lengths)
    if shape:
        missing = shape.tokens - len(ids)
        ids += [0] * missing
        while missing:
            lengths.append(min(missing, shape.longest))
            missing -= lengths[-1]
        lengths += [0] * (shape.rows - len(lengths))
        longest = shape.longest
        filling = shape.scored - labelled
        scored += [shape.tokens - 1] * filling  # the last place is never scored: nothing follows it
        targets += [IGNORED] * filling
    ends = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    return Batch(
        ids=torch.tensor(ids),
        positions=torch.cat([torch.arange(length) for length in lengths]),
        starts=ends,
        lengths=tuple(lengths),
        longest=longest,
        scored=torch.tensor(scored, dtype=torch.int64),
        targets=torch.tensor(targets, dtype=torch.int64),
        labelled=labelled,
    )


Step = list[list[int]]
"""The batches of one optimiser step over all processes; a batch is a list of row indices."""


def row_steps(lengths: Sequence[int], *, batch_size: int, batches: int, epochs: float, seed: int) -> list[Step]:
    """Steps of ``batches`` batches of ``batch_size`` rows, rows of like length together.

    The order is a pure function of the arguments, epoch by epoch; an epoch's last step may be smaller.
    """
    from transformers.trainer_pt_utils import get_length_grouped_indices

    size = batch_size * batches

    def epoch(number: int) -> list[Step]:
        generator = torch.Generator().manual_seed(seed + number)
        order = get_length_grouped_indices(list(lengths), size, generator=generator)
        return [
            [order[at : at + batch_size] for at in range(start, min(start + size, len(order)), batch_size)]
            for start in range(0, len(order), size)
        ]

    return _epochs(epoch, epochs)


def packed_steps(lengths: Sequence[int], *, tokens: int, batches: int, epochs: float, seed: int) -> list[Step]:
    """Steps of ``batches`` batches of at most ``tokens`` tokens, rows in random order; pure as ``row_steps``."""

    def epoch(number: int) -> list[Step]:
        order = random.Random(f"{seed}/{number}").sample(range(len(lengths)), len(lengths))
        packs: list[list[int]] = [[]]
        room = tokens
        for index in order:
            if lengths[index] > room:
                packs.append([])
                room = tokens
            packs[-1].append(index)
            room -= lengths[index]
        return [packs[at : at + batches] for at in range(0, len(packs), batches)]

    return _epochs(epoch, epochs)


def _epochs(epoch: Callable[[int], list[Step]], epochs: float) -> list[Step]:
    made: list[Step] = []
    for number in range(int(epochs)):
        made += epoch(number)
    part = epochs - int(epochs)
    if part:
        last = epoch(int(epochs))
        made += last[: math.ceil(part * len(last))]
    return made
