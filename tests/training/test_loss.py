"""The loss at labelled positions against the model's own, values and gradients."""

from pathlib import Path

import pytest
import torch

from ainl_align.training.loss import score_labels_only


def test_loss_and_gradients_equal_the_models_own(tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(str(tiny_base))
    ids = torch.randint(3, model.config.vocab_size, (3, 20))
    labels = ids.clone()
    labels[:, :12] = -100
    labels[2, :] = -100  # a row without any loss
    attention = torch.ones_like(ids)
    attention[1, -3:] = 0
    labels[1, -3:] = -100
    results = []
    for patched in (False, True):
        if patched:
            score_labels_only(model)
        model.zero_grad()
        if patched:
            loss = model(input_ids=ids, attention_mask=attention, labels=labels, summed_loss=True)
            loss = loss / (labels[:, 1:] != -100).sum()
        else:
            loss = model(input_ids=ids, attention_mask=attention, labels=labels).loss
        loss.backward()
        gradient = model.get_input_embeddings().weight.grad
        assert gradient is not None
        results.append((loss.item(), gradient.clone()))
    (own, own_gradient), (ours, our_gradient) = results
    assert ours == pytest.approx(own, rel=1e-6)
    torch.testing.assert_close(our_gradient, own_gradient)


def test_other_calls_are_unchanged(tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base)).eval()
    ids = torch.arange(3, 12)[None]
    with torch.no_grad():
        before = model(input_ids=ids).logits
        score_labels_only(model)
        assert torch.equal(model(input_ids=ids).logits, before)
