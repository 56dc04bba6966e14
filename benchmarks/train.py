"""Training step of the embedded base on a CPU: frozen layers in int8 beside fp32, speed and loss in one run.

    .venv/bin/python benchmarks/train.py [--json FILE] [--rows 4] [--tokens 192] [--repeats 5]

The loss is that of one forward pass over docs/runbook.md with an untrained adapter, so the formats alone differ.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from ainl_align.config import ROOT
from ainl_align.training.base import EMBEDDED, load_model, load_tokenizer, resolve
from ainl_align.training.int8 import int8_lora


def measure(int8: bool, rows: int, tokens: int, repeats: int) -> dict[str, Any]:
    """Median and best seconds of a step (forward and backward), tokens a second at the median, and the loss."""
    base = resolve(EMBEDDED)
    model = load_model(base, "cpu").float()
    text = load_tokenizer(base)((ROOT / "docs/runbook.md").read_text(encoding="utf-8"), return_tensors="pt")
    ids = text["input_ids"][:, :1024]
    adapted = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))
    adapted.train()
    if int8:
        int8_lora(adapted)
    with torch.no_grad():
        loss = float(adapted(input_ids=ids, labels=ids).loss)
    batch = torch.randint(0, model.config.vocab_size, (rows, tokens), generator=torch.Generator().manual_seed(0))
    labels = batch.clone()
    labels[:, : tokens // 2] = -100
    seconds = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        adapted(input_ids=batch, labels=labels).loss.backward()
        seconds.append(time.perf_counter() - started)
    timed = sorted(seconds[1:])  # the first step pays for warming up
    median = timed[len(timed) // 2]
    return {"seconds_median": median, "seconds_best": timed[0], "tokens_per_s": rows * tokens / median, "loss": loss}


def main() -> None:
    """Print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    results = {
        name: measure(int8, options.rows, options.tokens, options.repeats)
        for name, int8 in (("fp32", False), ("int8", True))
    }
    results["ratio"] = {"tokens_per_s": results["int8"]["tokens_per_s"] / results["fp32"]["tokens_per_s"]}
    for name in ("fp32", "int8"):
        row = results[name]
        print(
            f"{name}: {row['tokens_per_s']:6.0f} tokens/s  {row['seconds_median']:.2f} s a step  loss {row['loss']:.3f}"
        )
    print(f"int8 over fp32: {results['ratio']['tokens_per_s']:.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
