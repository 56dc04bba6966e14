"""The whole CPU step against PyTorch's own forward and backward pass in fp32."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.progress import Progress
from ainl_align.training.cpu import passes
from ainl_align.training.cpu.passes import common_tokens
from ainl_align.training.cpu.step import FusedLoss, deal, int8_loss, obstacle, scored_rows
from ainl_align.training.loss import SummedLoss
from ainl_align.training.packing import Batch, collate
from ainl_align.training.rows import IGNORED, Encoded
from tests.tiny import make_base, make_phi3


def adapted(folder: Path, rank: int = 6) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(str(folder))
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, config).get_base_model()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    return make_base(tmp_path_factory.mktemp("base"), tokenizer, hidden=64)


@pytest.fixture(scope="module")
def rows() -> list[Encoded]:
    """Rows of 140, 17 and 9 tokens whose last two have no loss, and one without any."""
    made = []
    for length in (140, 17, 9):
        ids = torch.randint(3, 200, (length,), generator=torch.Generator().manual_seed(length)).tolist()
        made.append(Encoded("direct", ids, [IGNORED] * 5 + ids[5:-2] + [IGNORED] * 2))
    return [*made, Encoded("direct", ids, [IGNORED] * length)]


def fused(model: Any, rows: list[Encoded]) -> FusedLoss:
    return FusedLoss(model, SummedLoss(model, "cpu"), collate(rows[1:3]))


def loss_and_gradients(model: Any, loss: Any, batch: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    total = loss(batch) / 7
    total.backward()
    return total.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def cosine(found: torch.Tensor, wanted: torch.Tensor) -> float:
    found, wanted = found.flatten().double(), wanted.flatten().double()
    return float(found @ wanted / found.norm() / wanted.norm())


def test_loss_and_every_gradient_are_near_fp32(base: Path, rows: list[Encoded]) -> None:
    model, batch = adapted(base), collate(rows)
    loss, gradients = loss_and_gradients(model, fused(model, rows), batch)
    wanted_loss, wanted = loss_and_gradients(model, SummedLoss(model, "cpu"), batch)
    assert loss == pytest.approx(wanted_loss, rel=2e-3)
    assert gradients.keys() == wanted.keys()
    for name, gradient in gradients.items():
        assert 0.95 < cosine(gradient, wanted[name]) < 1, name
    assert cosine(*(torch.cat([each[name].flatten() for name in wanted]) for each in (gradients, wanted))) > 0.995


def test_rows_do_not_see_each_other(base: Path, rows: list[Encoded]) -> None:
    loss = fused(adapted(base), rows)
    with torch.no_grad():
        together = loss(collate(rows))
        alone = [float(loss(collate([row]))) for row in rows]
    assert together.item() == pytest.approx(sum(alone), rel=1e-6)
    assert alone[3] == 0


def test_what_rows_begin_with_is_computed_once(
    base: Path, rows: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = list(range(20, 40))
    begun = [Encoded("direct", start + row.ids, [IGNORED] * 25 + row.ids[5:]) for row in (*rows[:3], rows[0])]
    model, batch = adapted(base), collate(begun)
    loss = fused(model, begun)
    with torch.no_grad():
        parts = scored_rows(batch)
    assert common_tokens(parts) == common_tokens(parts[:2]) == 20
    assert common_tokens(parts[:1]) == common_tokens(scored_rows(collate(rows))) == 0
    value, gradients = loss_and_gradients(model, loss, batch)
    monkeypatch.setattr(passes, "common_tokens", lambda rows: 0)
    wanted_value, wanted = loss_and_gradients(model, loss, batch)
    assert value == pytest.approx(wanted_value, rel=1e-6)
    assert cosine(*(torch.cat([each[name].flatten() for name in wanted]) for each in (gradients, wanted))) > 0.9995


def test_gradients_are_the_same_bits_and_accumulate(base: Path, rows: list[Encoded]) -> None:
    model, batch = adapted(base), collate(rows)
    loss = fused(model, rows)
    value, first = loss_and_gradients(model, loss, batch)
    assert loss_and_gradients(model, loss, collate(rows[1:]))[0] != value
    again, second = loss_and_gradients(model, loss, batch)
    assert again == value
    (loss(batch) / 7).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert torch.equal(first[name], second[name])
            assert torch.equal(parameter.grad, 2 * first[name])


def test_a_step_sees_the_adapters_of_that_moment(base: Path, rows: list[Encoded]) -> None:
    model, batch = adapted(base), collate(rows)
    loss = fused(model, rows)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    losses = []
    for _ in range(6):
        losses.append(loss_and_gradients(model, loss, batch)[0])
        optimizer.step()
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.98 * losses[0]


def test_a_batch_without_loss_teaches_nothing(base: Path, rows: list[Encoded]) -> None:
    model = adapted(base)
    loss, gradients = loss_and_gradients(model, fused(model, rows), collate(rows[3:]))
    assert loss == 0
    assert not gradients


def test_threads_get_near_equal_numbers_of_tokens() -> None:
    rows = [(torch.zeros(n), torch.zeros(n)) for n in (5, 9, 4, 8)]
    assert [[len(ids) for ids, _ in share] for share in deal(rows, 2)] == [[9, 4], [8, 5]]
    assert deal(rows[:1], 2)[1] == []


def test_other_bases_say_why_not(base: Path, tokenizer: Any, tmp_path: Path) -> None:
    assert obstacle(adapted(base)) is None
    assert "Phi3ForCausalLM" in str(obstacle(adapted(make_phi3(tmp_path, tokenizer))))
    assert "fp32" in str(obstacle(adapted(base).half()))


def test_other_bases_keep_the_layers_and_it_is_said(tokenizer: Any, tmp_path: Path, rows: list[Encoded]) -> None:
    said = io.StringIO()
    model, batch = adapted(make_phi3(tmp_path, tokenizer)), collate(rows)
    plain = SummedLoss(model, "cpu")
    exact = loss_and_gradients(model, plain, batch)[0]
    loss = int8_loss(model, plain, batch, Progress(said))
    assert "Phi3ForCausalLM is not Llama-shaped" in said.getvalue()
    assert loss_and_gradients(model, loss, batch)[0] != exact  # in int8
    assert loss_and_gradients(model, loss, batch)[0] == pytest.approx(exact, rel=1e-2)
