"""LoRA over an int8 base against PEFT's own layers in fp32: outputs, gradients, and what is saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.training.int8 import int8_lora, quantize_rows
from tests.tiny import make_base, make_phi3


def relative_error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


def adapted(folder: Path) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(str(folder))
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return model


def loss_and_gradients(model: Any) -> tuple[float, dict[str, torch.Tensor]]:
    ids = torch.randint(3, model.config.vocab_size, (2, 17), generator=torch.Generator().manual_seed(1))
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    return loss.item(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_rows_are_quantised_symmetrically() -> None:
    matrix = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]])
    levels, scale = quantize_rows(matrix)
    assert levels.tolist()[0] == [64, -127, 32]
    assert levels.tolist()[1] == [0, 0, 0]
    assert scale.shape == (2, 1)


@pytest.mark.parametrize("make", [make_base, make_phi3])
def test_loss_and_every_gradient_are_near_fp32(make: Callable[..., Path], tokenizer: Any, tmp_path: Path) -> None:
    folder = make(tmp_path, tokenizer)
    plain_loss, plain = loss_and_gradients(adapted(folder))
    model = adapted(folder)
    assert int8_lora(model) == sum(hasattr(module, "lora_A") for module in model.modules())
    loss, gradients = loss_and_gradients(model)
    assert loss == pytest.approx(plain_loss, rel=1e-3)
    assert gradients.keys() == plain.keys()
    for name, gradient in gradients.items():
        assert 0 < relative_error(gradient, plain[name]) < 0.1, name


def test_a_second_forward_pass_sees_new_weights(tiny_base: Path) -> None:
    model = adapted(tiny_base)
    int8_lora(model)
    ids = torch.arange(3, 12)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        assert torch.equal(model(input_ids=ids).logits, before)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
        assert not torch.equal(model(input_ids=ids).logits, before)


def test_what_is_saved_is_unchanged(tiny_base: Path) -> None:
    model = adapted(tiny_base)
    names = set(model.state_dict())
    int8_lora(model)
    assert set(model.state_dict()) == names
