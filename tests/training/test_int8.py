"""Int8 products against fp32 ones: outputs, gradients, and nothing else replaced."""

import torch
from torch import nn

from ainl_align.training.int8 import Int8Linear, quantize_linears, quantize_rows


def relative_error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


def test_rows_are_quantised_symmetrically() -> None:
    matrix = torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.0, 0.0]])
    levels, scale = quantize_rows(matrix)
    assert levels.tolist()[0] == [64, -127, 32]
    assert levels.tolist()[1] == [0, 0, 0]
    assert scale.shape == (2, 1)


def test_outputs_and_input_gradients_are_near_fp32() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(96, 64)
    layer.requires_grad_(False)
    inputs = torch.randn(4, 7, 96)
    upstream = torch.randn(4, 7, 64)
    results = []
    for candidate in (layer, Int8Linear.of(layer)):
        leaf = inputs.clone().requires_grad_()
        output = candidate(leaf)
        output.backward(upstream)
        assert leaf.grad is not None
        results.append((output.detach(), leaf.grad))
    (plain, plain_gradient), (int8, int8_gradient) = results
    assert 0 < relative_error(int8, plain) < 0.02
    assert 0 < relative_error(int8_gradient, plain_gradient) < 0.02


def test_every_linear_layer_but_the_head_is_replaced(tiny_base: str) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base))
    names = set(model.state_dict())
    assert quantize_linears(model) == 14
    assert type(model.get_output_embeddings()) is nn.Linear
    assert set(model.state_dict()) == names, "int8 copies must not be saved"
