"""What is trained is what generates: an adapter is saved, loaded by PEFT, answers, and stops at the end it learned."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.progress import Progress
from ainl_align.training import finetune
from ainl_align.training.base import load_model, resolve
from ainl_align.training.encode import prompt_ids
from tests.tiny import make_base, make_phi3

MESSAGES = [
    {"role": "system", "content": "AINL."},
    {"role": "user", "content": "Go."},
    {"role": "assistant", "content": "J 1\n"},
]


def with_loud_head(base: Path) -> Path:
    """A random head is too quiet to prefer any token, and is not trained."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(base))
    model.get_output_embeddings().weight.data.mul_(50)
    model.save_pretrained(base)
    return base


@pytest.mark.parametrize("make", [make_base, make_phi3])
def test_a_trained_adapter_answers_and_stops(make: Any, tokenizer: Any, tmp_path: Path) -> None:
    from peft import PeftModel

    base = with_loud_head(make(tmp_path / "base", tokenizer))
    row = {
        "messages": MESSAGES,
        "sample_type": "direct",
        "prompt_id": "a",
        "task_id": "a-0",
        "family": "a",
        "tier": "T1",
    }
    data = tmp_path / "rows.jsonl"
    data.write_text((json.dumps(row) + "\n") * 4)
    finetune.run(
        finetune.Settings(
            base_model=str(base),
            data_path=data,
            eval_data_path=None,
            output_dir=tmp_path / "adapter",
            epochs=30,
            batch_size=1,
            learning_rate=0.003,
            train_device="cpu",
            int8_base="off",
            save_steps=1000,
        ),
        Progress(),
    )
    model = PeftModel.from_pretrained(load_model(resolve(str(base)), "cpu"), str(tmp_path / "adapter")).eval()
    prompt = torch.tensor([prompt_ids(tokenizer, MESSAGES[:-1])])
    with torch.no_grad():
        answer = model.generate(input_ids=prompt, max_new_tokens=20, do_sample=False)[0, prompt.shape[1] :]
    assert tokenizer.decode(answer) == "J 1\n<|im_end|>"
