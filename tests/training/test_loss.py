"""Rows laid end to end give the loss and the gradients that each row gives alone."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.training.loss import SummedLoss, nll_and_gradient
from ainl_align.training.packing import collate, fixed_shape
from ainl_align.training.rows import IGNORED, Encoded
from tests.tiny import make_base, make_phi3


@pytest.fixture(scope="module", params=["llama", "phi3"])
def base(request: pytest.FixtureRequest, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    return make_base(folder, tokenizer) if request.param == "llama" else make_phi3(folder, tokenizer)


def some_rows(count: int, vocabulary: int = 250, seed: int = 0) -> list[Encoded]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        ids = [rng.randrange(3, vocabulary) for _ in range(rng.randint(6, 40))]
        cut = rng.randint(1, len(ids) - 1)
        rows.append(Encoded("direct", ids, [IGNORED] * cut + ids[cut:]))
    return rows


def load(base: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(base)).requires_grad_(False).eval()


@pytest.mark.parametrize("fixed", [False, True], ids=["as long as the rows", "of fixed length"])
def test_packed_losses_and_gradients_equal_those_of_rows_alone(base: Path, fixed: bool) -> None:
    rows = some_rows(7)
    model = load(base)
    down = next(module for name, module in model.named_modules() if name.endswith("layers.0.mlp.down_proj"))
    weight = down.weight.requires_grad_()
    alone = []
    for row in rows:
        labels = torch.tensor([row.labels])
        mean = model(input_ids=torch.tensor([row.ids]), labels=labels).loss
        alone.append(mean * (labels[:, 1:] != IGNORED).sum())
    wanted = torch.stack(alone).sum()
    (wanted_gradient,) = torch.autograd.grad(wanted, weight)
    lengths = [len(row.ids) for row in rows]
    shape = fixed_shape([rows], 512) if fixed else None
    batch = collate(rows, shape)
    assert len(batch.ids) == (512 if fixed else sum(lengths))
    ours = SummedLoss(model, "cpu")(batch)
    (gradient,) = torch.autograd.grad(ours, weight)
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-5)
    torch.testing.assert_close(gradient, wanted_gradient, rtol=1e-4, atol=1e-5)


def test_a_row_does_not_see_its_neighbours(base: Path) -> None:
    loss = SummedLoss(load(base), "cpu")
    first, second = some_rows(2)
    silent = Encoded("direct", second.ids, [IGNORED] * len(second.ids))
    other = Encoded("direct", list(reversed(second.ids)), silent.labels)
    with torch.no_grad():
        values = {round(loss(collate([neighbour, first])).item(), 5) for neighbour in (silent, other)}
        values.add(round(loss(collate([first])).item(), 5))
    assert len(values) == 1, values


def test_the_gradient_beside_the_loss_is_autograds() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 11, requires_grad=True)
    targets = torch.tensor([3, IGNORED, 0, 10, IGNORED])
    wanted = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")
    (gradient,) = torch.autograd.grad(wanted, logits)
    loss, ours = nll_and_gradient(logits.detach(), targets)
    torch.testing.assert_close(loss, wanted.detach())
    torch.testing.assert_close(ours, gradient)
