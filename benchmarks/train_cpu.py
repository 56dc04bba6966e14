"""Training of the embedded base on a CPU: our step beside its alternatives, in useful tokens a second.

    .venv/bin/python benchmarks/train_cpu.py [--json FILE] [--rows 16] [--repeats 3]

Every way takes the same rows (train tasks, at most 256 tokens) through forward pass, backward pass and optimiser, in
turns, so that a busy machine slows all alike. Useful are the rows' own tokens, with loss or context; padding is not.

- step: int8 base, fused passes, rows on threads (training/cpu), batches of 4: what `auto` takes on CPUs with VNNI
- int8 layers: int8 base, other passes PyTorch's own (training/int8.py), batches of 4: what other architectures get
- fp32: the same without int8
- TRL: SFTTrainer with its defaults in fp32, batches of 8
- plain: a Trainer's loop in fp32, one row a batch, loss on all tokens
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from ainl_align.data.records import make_row, request_messages
from ainl_align.tasks.suites import generate
from ainl_align.training.base import EMBEDDED, load_model, load_tokenizer, resolve
from ainl_align.training.cpu.step import FusedLoss
from ainl_align.training.encode import training_row
from ainl_align.training.int8 import int8_lora
from ainl_align.training.loss import SummedLoss
from ainl_align.training.packing import collate
from ainl_align.training.rows import Encoded

LONGEST = 256


def rows(count: int) -> list[Encoded]:
    """Rows of train tasks, evenly by family, rows of like length side by side."""
    tokenizer = load_tokenizer(resolve(EMBEDDED))
    tasks = generate("train", seed=0, per_family=2)
    random.Random(0).shuffle(tasks)
    made = []
    for task in tasks:
        row = training_row(tokenizer, make_row(task, request_messages(task.prompt), "direct")["messages"])
        if len(row["input_ids"]) <= LONGEST:
            made.append(Encoded("direct", row["input_ids"], row["labels"]))
    return sorted(made[:count], key=lambda row: len(row.ids))


def adapted() -> Any:
    """The base in fp32 under a fresh adapter of rank 16."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = load_model(resolve(EMBEDDED), "cpu").float()
    return get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"))


def trained(model: Any, batches: Sequence[Any], backward: Callable[[Any], None]) -> Callable[[], None]:
    """One pass over ``batches`` with an optimiser step after each; ``backward`` makes the gradients of one."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4, fused=True)

    def run() -> None:
        for batch in batches:
            backward(batch)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()

    return run


def ways(data: Sequence[Encoded]) -> dict[str, Callable[[], object]]:
    """Each way as a function that trains on all of ``data`` once."""
    batches = [collate(data[at : at + 4]) for at in range(0, len(data), 4)]
    made: dict[str, Callable[[], object]] = {}
    for name in ("step", "int8 layers", "fp32"):
        model = adapted()
        inner = model.get_base_model()
        if name == "int8 layers":
            int8_lora(model)
        plain = SummedLoss(inner, "cpu")
        loss = FusedLoss(inner, plain, batches[0]) if name == "step" else plain
        made[name] = trained(model, batches, lambda batch, loss=loss: (loss(batch) / batch.labelled).backward())
    rows = Dataset.from_list([{"input_ids": row.ids} for row in data])
    config = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=False,
        report_to="none",
        save_strategy="no",
        num_train_epochs=1,
    )
    made["TRL"] = SFTTrainer(model=adapted(), args=config, train_dataset=rows).train
    model = adapted().train()
    singles = [torch.tensor([row.ids]) for row in data]
    made["plain"] = trained(
        model,
        singles,
        lambda ids: model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids).loss.backward(),
    )
    return made


def main() -> None:
    """Print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    data = rows(options.rows)
    tokens = sum(len(row.ids) for row in data)
    labelled = sum(label >= 0 for row in data for label in row.labels)
    print(f"{len(data)} rows, {tokens} tokens, {labelled} with loss, {torch.get_num_threads()} threads")
    functions = ways(data)
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(options.repeats + 1):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if turn:  # the first turn pays for warming up
                seconds[name].append(time.perf_counter() - started)
    ours = seconds["step"]
    results = {}
    for name, taken in seconds.items():
        ratio = statistics.median(other / own for other, own in zip(taken, ours, strict=True))
        results[name] = {"tokens_per_s": tokens / statistics.median(taken), "times_as_long": ratio, "seconds": taken}
        print(f"{name:12} {results[name]['tokens_per_s']:6.0f} useful tokens/s; the step is {ratio:.2f} times as fast")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
