"""Training speed of one adapter: ours beside TRL's defaults and a plain loop, on the same rows, in one run.

    .venv/bin/python benchmarks/train.py [--device cpu|cuda] [--model smollm2-135m|phi-3-mini|tiny] [--json FILE]
        [--seconds 20] [--pack-tokens N] [--packs N] [--profile FILE] [--without trl] [--compile on|off]

Random weights in the shape that the model's public configuration gives, LoRA of rank 16 on every linear layer but the
head, and random rows: 96 to 1,024 tokens, median 230, loss on the last 45% (the default training data: median 248,
43%). Under ``torchrun --nproc-per-node N`` ours is measured over N GPUs.

``ours``   training/trainer.py, as scripts/finetune_ainl.py runs it: packed rows on CUDA, four rows a step on a CPU
``trl``    SFTTrainer with TRL's default settings and a LoRA of the same rank
``plain``  transformers and PEFT in fp32, one row a step, loss on every token

Tokens are those of rows, without padding. Model FLOPs of a token, for the utilisation (``mfu``, of the rate that a
large bf16 product reached in the same run): 4 for each weight of a linear layer (2 forward, 2 for the gradient of its
input; the frozen weight has none), 6 for each weight of an adapter, 4 for each weight of the head at places with loss,
and 6 times the row's length times the width for a layer's causal attention. ``losses`` compares the first steps of
ours with PEFT's own layers on padded rows: same rows, rates and seed.
"""

import argparse
import gc
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model

from ainl_align.progress import Progress
from ainl_align.training import processes
from ainl_align.training.packing import Step, packed_steps, row_steps
from ainl_align.training.plan import Plan
from ainl_align.training.precision import compute_dtype, int8_pays
from ainl_align.training.rows import IGNORED, Encoded
from ainl_align.training.trainer import Loop, rate_share, with_adapter

WARM_STEPS = 3
RANK = 16


@dataclass(frozen=True)
class Shape:
    """A model to build: its transformers configuration class, the values that matter, and tokens of a packed batch."""

    kind: str
    values: dict[str, Any]
    pack_tokens: int


SHAPES = {
    "smollm2-135m": Shape(
        "Llama",
        {
            "vocab_size": 49_152,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "tie_word_embeddings": True,
        },
        16_384,
    ),
    "phi-3-mini": Shape(
        "Phi3",
        {
            "vocab_size": 32_064,
            "hidden_size": 3072,
            "intermediate_size": 8192,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "sliding_window": 2047,
        },
        8_192,
    ),
    "tiny": Shape(
        "Llama",
        {
            "vocab_size": 512,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
        },
        1024,
    ),
}


def build(shape: Shape, device: str, dtype: torch.dtype) -> Any:
    """The model with random weights."""
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{shape.kind}Config")(
        **shape.values, pad_token_id=0, bos_token_id=1, eos_token_id=2
    )
    with torch.device(device):
        model = getattr(transformers, f"{shape.kind}ForCausalLM")._from_config(config, dtype=dtype)
    return model.eval()


def make_rows(shape: Shape, count: int) -> list[Encoded]:
    """Rows of random tokens; loss on their last 45%."""
    rng = random.Random(0)
    rows = []
    for _ in range(count):
        length = min(1024, max(96, round(rng.lognormvariate(math.log(LENGTH_MEDIAN), LENGTH_SPREAD))))
        ids = [rng.randrange(3, shape.values["vocab_size"]) for _ in range(length)]
        rows.append(Encoded("direct", ids, [IGNORED] * round(0.55 * length) + ids[round(0.55 * length) :]))
    return rows


LENGTH_MEDIAN, LENGTH_SPREAD = 230, 0.35


def make_plan(device: str, steps: int, pack_tokens: int | None, compiled: bool) -> Plan:
    """What ``scripts/finetune_ainl.py`` would plan, without checkpoints and validation."""
    return Plan(
        device=device,
        precision=str(compute_dtype(device)).removeprefix("torch."),
        int8_base=int8_pays(device),
        four_bit=False,
        compiled=compiled,
        gradient_checkpointing=False,
        processes=1,
        shard=False,
        rows=0,
        rows_in_file=0,
        rows_too_long=0,
        tokens=0,
        loss_tokens=0,
        epochs=1,
        steps=steps,
        save_steps=steps + 1,
        eval_rows=0,
        batch_size=4,
        pack_tokens=pack_tokens,
        grad_accum=1,
        learning_rate=1e-3,
        lora_rank=RANK,
        lora_alpha=2 * RANK,
        seed=0,
        logging_steps=1,
        eval_steps=steps + 1,
        save_total_limit=None,
        select_best_by_loss=False,
    )


class Clock:
    """Stands where the progress bar stands; times the steps after ``WARM_STEPS``."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._steps = 0
        self.began = time.perf_counter()
        self.warm_s = 0.0

    def advance(self, n: int = 1, note: str = "") -> None:
        """A step is done."""
        self._steps += n
        if n and self._steps == WARM_STEPS:
            self.warm_s = self.read()
            self.began = time.perf_counter()

    def read(self) -> float:
        """Seconds since the last warm step, the device's work included."""
        if self._device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - self.began


def _memory_gib(device: str) -> float | None:
    return torch.cuda.max_memory_allocated() / 2**30 if device.startswith("cuda") else None


def measure_ours(
    shape: Shape, rows: list[Encoded], steps: list[Step], device: str, plan: Plan, profile: Path | None
) -> dict[str, Any]:
    """Tokens a second over ``steps`` after the warm ones, and the loss of every step."""
    progress = Progress()
    model = build(shape, device, compute_dtype(device))
    loop = Loop(plan, model, steps, rows, [], device, progress)
    clock = Clock(device)
    loop.run(clock, lambda: None)  # type: ignore[arg-type]
    seconds = clock.read()
    timed = [index for step in steps[WARM_STEPS:] for batch in step for index in batch]
    tokens = sum(len(rows[index].ids) for index in timed)
    if profile:
        _profile(
            Loop(plan, build(shape, device, compute_dtype(device)), steps[:6], rows, [], device, progress), profile
        )
    return {
        "tokens_per_s": tokens / seconds,
        "flops_per_s": sum(flops(shape, rows[index]) for index in timed) / seconds,
        "tokens_a_step": tokens / (len(steps) - WARM_STEPS),
        "seconds_a_step": seconds / (len(steps) - WARM_STEPS),
        "first_steps_s": clock.warm_s,
        "memory_gib": _memory_gib(device),
        "losses": [entry["loss"] for entry in loop.losses],
        "fallbacks": progress.fallbacks,
    }


def _profile(loop: Loop, file: Path) -> None:
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        loop.run(Clock("cpu"), lambda: None)  # type: ignore[arg-type]
    sort = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
    file.write_text(found.key_averages().table(sort_by=sort, row_limit=60, max_name_column_width=90), encoding="utf-8")


def measure_trl(shape: Shape, rows: list[Encoded], device: str, seconds: float) -> dict[str, Any]:
    """TRL's defaults until ``seconds`` are over."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    clock = Clock(device)

    class Timer(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            clock.advance()
            if state.global_step > WARM_STEPS and time.perf_counter() - clock.began > seconds:
                control.should_training_stop = True

    cpu = {"use_cpu": True, "bf16": False} if device == "cpu" else {}
    config = SFTConfig(
        output_dir="/tmp/ainl-align-benchmark",
        max_steps=10_000,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        **cpu,
    )
    trainer = SFTTrainer(
        model=build(shape, device, compute_dtype(device)),
        args=config,
        train_dataset=Dataset.from_list([row.features for row in rows]),
        processing_class=_tokenizer(),
        peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Timer()],
    )
    trainer.train()
    spent = clock.read()
    done = (trainer.state.global_step - WARM_STEPS) * config.per_device_train_batch_size
    mean = sum(len(row.ids) for row in rows) / len(rows)
    share = done / len(rows)
    return {
        "tokens_per_s": done * mean / spent,
        "flops_per_s": share * sum(flops(shape, row) for row in rows) / spent,
        "rows_a_step": config.per_device_train_batch_size,
        "steps": trainer.state.global_step,
        "memory_gib": _memory_gib(device),
    }


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "<s>": 1, "</s>": 2}
    backend = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", bos_token="<s>", eos_token="</s>")


def measure_plain(shape: Shape, rows: list[Encoded], device: str, seconds: float) -> dict[str, Any]:
    """fp32, one row a step, loss on all tokens, until ``seconds`` are over."""
    model = get_peft_model(build(shape, device, torch.float32), _lora())
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-4)
    clock, tokens, done = Clock(device), 0, 0
    for row in rows:
        ids = torch.tensor([row.ids], device=device)
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        clock.advance()
        done += 1
        if done > WARM_STEPS:
            tokens += len(row.ids)
            if clock.read() > seconds:
                break
    return {"tokens_per_s": tokens / clock.read(), "steps": done, "memory_gib": _memory_gib(device)}


def _lora() -> Any:
    from peft import LoraConfig

    return LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")


def reference_losses(shape: Shape, rows: list[Encoded], steps: list[Step], device: str, plan: Plan) -> list[float]:
    """The losses of ``steps`` with PEFT's layers on padded rows, in the same format, seed and learning rates."""
    model = with_adapter(build(shape, device, compute_dtype(device)), plan)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.0, weight_decay=0.0)
    losses = []
    for number, step in enumerate(steps):
        chosen = [rows[index] for batch in step for index in batch]
        labelled, total = sum(row.labelled for row in chosen), 0.0
        for part in (chosen[at : at + 8] for at in range(0, len(chosen), 8)):
            longest = max(len(row.ids) for row in part)
            ids = torch.tensor([row.ids + [0] * (longest - len(row.ids)) for row in part], device=device)
            labels = [row.labels + [IGNORED] * (longest - len(row.ids)) for row in part]
            mask = torch.tensor([[1] * len(row.ids) + [0] * (longest - len(row.ids)) for row in part], device=device)
            with torch.autocast(device.split(":")[0], torch.bfloat16, enabled=plan.precision == "bfloat16"):
                mean = model(input_ids=ids, attention_mask=mask, labels=torch.tensor(labels, device=device)).loss
            loss = mean * sum(row.labelled for row in part) / labelled
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.param_groups[0]["lr"] = plan.learning_rate * rate_share(number, plan)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(total)
    return losses


def flops(shape: Shape, row: Encoded) -> float:
    """Model FLOPs of training on a row (see the top of this file)."""
    values = shape.values
    width, heads, grouped = values["hidden_size"], values["num_attention_heads"], values["num_key_value_heads"]
    inner = values["intermediate_size"]
    sides = [(width, width + 2 * width * grouped // heads), (width, width), (width, 2 * inner), (inner, width)]
    adapters = sum(RANK * (narrow + wide) for narrow, wide in sides)
    if shape.kind == "Llama":  # queries, keys, values, and gate, up each have their own A
        adapters += RANK * 3 * width
    layer = 4 * sum(narrow * wide for narrow, wide in sides) + 6 * adapters + 6 * len(row.ids) * width
    labelled = row.labelled
    return len(row.ids) * values["num_hidden_layers"] * layer + 4 * labelled * width * values["vocab_size"]


def matmul_rate() -> float:
    """FLOP/s of an 8192³ bf16 product on random data."""
    left, right = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        left @ right
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(20):
        left @ right
    torch.cuda.synchronize()
    return 20 * 2 * 8192**3 / (time.perf_counter() - started)


def free(device: str) -> None:
    """Give back what the measurement before held."""
    gc.collect()
    torch._dynamo.reset()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def main() -> None:
    """Print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--model", choices=tuple(SHAPES), default="smollm2-135m")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each of the compared loops")
    parser.add_argument("--steps", type=int, default=40, help="of ours")
    parser.add_argument("--pack-tokens", type=int)
    parser.add_argument("--packs", type=int, help="packed batches a step over all processes; default: one a process")
    parser.add_argument("--compile", choices=("on", "off"), default="on")
    parser.add_argument("--profile", type=Path, help="write a table of kernels of six of our steps")
    parser.add_argument("--without", nargs="*", choices=("trl", "plain", "losses"), default=())
    options = parser.parse_args()
    here, shape, gpu = processes.world(), SHAPES[options.model], options.device == "cuda"
    device = processes.join(here, options.device)
    pack = options.pack_tokens or (shape.pack_tokens if gpu else None)
    rows = make_rows(shape, 4000 if gpu else 400)
    lengths = [len(row.ids) for row in rows]
    if pack:
        packs = options.packs or here.size
        steps = packed_steps(lengths, tokens=pack, batches=packs, epochs=8 * packs, seed=0)[: options.steps]
    else:
        steps = row_steps(lengths, batch_size=4, batches=1, epochs=1, seed=0)[: options.steps]
    plan = make_plan(device, len(steps), pack, options.compile == "on" and gpu)
    results: dict[str, Any] = {"model": options.model, "processes": here.size, "torch": torch.__version__}
    results["plan"] = asdict(plan)
    peak = matmul_rate() * here.size if gpu else None
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "ours": lambda: measure_ours(shape, rows, steps, device, plan, options.profile),
        "losses": lambda: compare(results["ours"]["losses"], reference_losses(shape, rows, steps[:4], device, plan)),
        "trl": lambda: measure_trl(shape, rows, device, options.seconds),
        "plain": lambda: measure_plain(shape, rows, device, options.seconds),
    }
    for name, part in parts.items():
        if name in options.without:
            continue
        free(device)
        results[name] = found = part()
        if peak and "flops_per_s" in found:
            found["mfu"] = found["flops_per_s"] / peak
        if here.leads:
            print(describe(name, found), flush=True)
            if options.json:
                options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    processes.leave()


def compare(ours: list[float], reference: list[float]) -> dict[str, Any]:
    """The losses of PEFT's layers, and by how much of them ours differ at most."""
    pairs = list(zip(ours, reference, strict=False))
    return {"reference": reference, "ours": [one for one, _ in pairs], "differ": max(abs(a - b) / b for a, b in pairs)}


def describe(name: str, found: dict[str, Any]) -> str:
    """One line of the table."""
    if name == "losses":
        return (
            f"losses differ from those of PEFT's layers on padded rows by at most {found['differ']:.1e} of their value"
        )
    text = f"{name:6} {found['tokens_per_s']:9,.0f} tokens/s"
    if "mfu" in found:
        text += f"  {found['flops_per_s'] / 1e12:6.1f} TFLOP/s  {found['mfu']:.1%} of what a bf16 product reaches"
    return text + (f"  {found['memory_gib']:.1f} GiB" if found["memory_gib"] else "")


if __name__ == "__main__":
    main()
