"""Tiny random-weight models with a byte tokenizer: the real code paths, in seconds."""

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GOLD = 'S app core noop\nL_main:\n  R http.GET "https://a.example/x" ->resp\n  J "done"\n'


_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer() -> Any:
    """One token a byte, with the special tokens and the chat format of the embedded base."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {token: index for index, token in enumerate(specials + alphabet)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        bos_token="<|im_start|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
    )
    made.chat_template = _TEMPLATE
    return made


def make_base(folder: Path, tokenizer: Any, *, seed: int = 0, hidden: int = 32) -> Path:
    """A two-layer Llama of ``hidden`` width with random weights, saved with ``tokenizer``."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_phi3(folder: Path, tokenizer: Any) -> Path:
    """A two-layer Phi-3 with its fused qkv_proj and gate_up_proj."""
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    torch.manual_seed(0)
    config = Phi3Config(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        vocab_size=len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        original_max_position_embeddings=2048,
        max_position_embeddings=2048,
    )
    Phi3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_chat_rows(path: Path, count: int, *, families: Iterable[str] = ("a", "b")) -> Path:
    """``count`` training rows that alternate between families."""
    names = list(families)
    lines = []
    for index in range(count):
        chat = [
            {"role": "system", "content": "You write AINL programs."},
            {"role": "user", "content": f"Fetch page {index} and return done."},
            {"role": "assistant", "content": GOLD.replace("/x", f"/x{index}")},
        ]
        name = names[index % len(names)]
        row = {"messages": chat, "sample_type": "direct", "prompt_id": name}
        lines.append(json.dumps({**row, "task_id": f"{name}-{index}", "family": name, "tier": "T1"}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def training_settings(base: Path, folder: Path, **changes: Any) -> Any:
    """Four steps with a checkpoint every two, into ``folder``/adapter, on its rows.jsonl (made when there is none)."""
    from ainl_align.training.finetune import Settings

    rows = folder / "rows.jsonl"
    if not rows.exists():
        write_chat_rows(rows, 8)
    values: dict[str, Any] = {
        "base_model": str(base),
        "data_path": rows,
        "eval_data_path": rows,
        "output_dir": folder / "adapter",
        "epochs": 2,
        "batch_size": 4,
        "save_steps": 2,
        "logging_steps": 1,
        "learning_rate": 0.02,
        "train_device": "cpu",
    }
    return Settings(**{**values, **changes})


def train(base: Path, folder: Path, **changes: Any) -> tuple[Any, str]:
    """Train with ``training_settings``; the result and what was said."""
    from ainl_align.progress import Progress
    from ainl_align.training import finetune

    said = io.StringIO()
    return finetune.run(training_settings(base, folder, **changes), Progress(said)), said.getvalue()


def make_adapter(folder: Path, base: Path, *, seed: int, rank: int = 4, size: float = 0.3) -> Path:
    """A LoRA adapter on all linear layers of ``base`` whose random matrices change what it says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    made = get_peft_model(model, config)
    for name, value in made.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(value, std=size)
    made.save_pretrained(str(folder))
    return folder
