"""The processor in transformers' own ``generate``: what comes out is what our engine gives, and always canonical."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.decoding import AinlLogitsProcessor
from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress

PROMPTS = ["Say hello.", "Return 42", "Put 'x' into queue ops now."]


@pytest.fixture(scope="module")
def llama(tiny_base: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def padded(tokenizer: Any) -> Any:
    tokenizer.padding_side = "left"
    return tokenizer(["<|im_start|>" + text for text in PROMPTS], return_tensors="pt", padding=True)


def _programs(tokenizer: Any, inputs: Any, output: Any) -> list[str]:
    return tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


@pytest.mark.parametrize("budget", [40, 80])
def test_greedy_generate_gives_what_our_engine_gives(llama: Any, tokenizer: Any, padded: Any, budget: int) -> None:
    processor = AinlLogitsProcessor(tokenizer, max_new_tokens=budget)
    output = llama.generate(**padded, max_new_tokens=budget, do_sample=False, logits_processor=[processor])
    found = _programs(tokenizer, padded, output)
    requests = [Request(text, tokenizer.encode("<|im_start|>" + text)) for text in PROMPTS]
    ours = Engine(llama, tokenizer, "cpu").generate(requests, GenerationSettings(max_new_tokens=budget), Progress())
    assert found == [item.text for item in ours]
    assert all(verdict(text).canonical for text in found)
    assert (output == tokenizer.eos_token_id).any(dim=1).all()


@pytest.mark.parametrize(
    "options", [{"do_sample": True, "top_p": 0.9}, {"do_sample": True, "top_k": 3, "temperature": 2.0}]
)
@pytest.mark.parametrize("budget", [36, 60])
def test_sampled_programs_are_canonical_and_in_the_budget(
    llama: Any, tokenizer: Any, padded: Any, options: dict[str, Any], budget: int
) -> None:
    torch.manual_seed(3)
    processor = AinlLogitsProcessor(tokenizer, max_new_tokens=budget)
    output = llama.generate(
        **padded, max_new_tokens=budget, num_return_sequences=2, logits_processor=[processor], **options
    )
    assert output.shape[1] - padded["input_ids"].shape[1] <= budget
    for text in _programs(tokenizer, padded, output):
        assert verdict(text).canonical, text


def test_beams_split_and_die(llama: Any, tokenizer: Any, padded: Any) -> None:
    processor = AinlLogitsProcessor(tokenizer, max_new_tokens=60)
    output = llama.generate(**padded, max_new_tokens=60, num_beams=3, do_sample=False, logits_processor=[processor])
    for text in _programs(tokenizer, padded, output):
        assert verdict(text).canonical, text


def test_one_processor_serves_one_call_after_the_other(llama: Any, tokenizer: Any, padded: Any) -> None:
    processor = AinlLogitsProcessor(tokenizer, max_new_tokens=50)
    runs = [
        llama.generate(**padded, max_new_tokens=50, do_sample=False, logits_processor=[processor]).tolist()
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_a_budget_that_no_program_fits_is_refused(llama: Any, tokenizer: Any, padded: Any) -> None:
    with pytest.raises(ValueError, match="below the shortest program"):
        llama.generate(**padded, max_new_tokens=5, logits_processor=[AinlLogitsProcessor(tokenizer, max_new_tokens=5)])
