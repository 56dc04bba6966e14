"""Adapters added to the weights train as PEFT's own layers do."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ainl_align.training.adapters import Adapters
from ainl_align.training.loss import SummedLoss
from ainl_align.training.packing import collate
from tests.tiny import make_base, make_phi3
from tests.training.test_loss import some_rows


def with_random_adapter(folder: Path) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(str(folder))
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    return get_peft_model(model, config).eval()


def loss_and_gradients(folder: Path, *, merge: bool) -> tuple[float, dict[str, Tensor], Adapters]:
    model = with_random_adapter(folder)
    adapters = Adapters(model, "cpu", merge=merge)
    loss = SummedLoss(model.get_base_model(), "cpu")(collate(some_rows(3)))
    loss.backward()
    at = {id(parameter): name for name, parameter in adapters.named.items()}
    gradients, start = {}, 0
    for parameter in adapters.parameters:
        gradients[at[id(parameter)]] = adapters.gradients[start : start + parameter.numel()].view(parameter.shape)
        start += parameter.numel()
    return loss.item(), gradients, adapters


@pytest.mark.parametrize("make", [make_base, make_phi3])
def test_loss_and_gradients_equal_those_of_pefts_layers(make: Any, tokenizer: Any, tmp_path: Path) -> None:
    folder = make(tmp_path / "base", tokenizer)
    loss, gradients, _ = loss_and_gradients(folder, merge=True)
    wanted, wanted_gradients, _ = loss_and_gradients(folder, merge=False)
    assert loss == pytest.approx(wanted, rel=1e-5)
    assert gradients.keys() == wanted_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, wanted_gradients[name], rtol=1e-3, atol=1e-5, msg=name)


def test_a_saved_adapter_loads_with_peft_and_computes_the_same(tokenizer: Any, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = make_base(tmp_path / "base", tokenizer)
    _, _, adapters = loss_and_gradients(folder, merge=True)
    adapters.save(tmp_path / "adapter")
    plain = AutoModelForCausalLM.from_pretrained(str(folder))
    loaded = PeftModel.from_pretrained(plain, str(tmp_path / "adapter")).eval()
    ids = torch.arange(5, 40)[None]
    with torch.no_grad():
        torch.testing.assert_close(loaded(ids).logits, with_random_adapter(folder)(ids).logits)
    assert (tmp_path / "adapter" / "adapter_config.json").is_file()
