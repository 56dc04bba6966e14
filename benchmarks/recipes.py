"""Training recipes side by side: each is trained with a fixed budget of tokens and scored on dev-split tasks.

    .venv/bin/python benchmarks/recipes.py RECIPES.jsonl --rows FILE [FILE ...] --json FILE
        [--suite fresh|dev] [--prompts FILE] [--device auto] [--only NAME]

A line of RECIPES holds a name and what differs from the defaults of ``Recipe``, for example
``{"name": "short rows", "row_tokens": 256, "seed": 2}``. ``fresh`` scores on tasks of the dev split that are in no
suite (three a family), so that choosing a recipe spends nothing of the dev suite; test tasks are never read. Decoding
is greedy and constrained, first pass. One process a recipe (``--only``) uses a GPU better, whose launches limit so
small a model. The tables are in docs/log.md.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional as F

from ainl_align.data.records import read_rows, request_messages
from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.evaluation.metrics import rates, rates_by, score
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, load_prompt_set
from ainl_align.tasks.suites import generate, suite
from ainl_align.training.base import EMBEDDED, load_model, load_tokenizer, resolve
from ainl_align.training.encode import prompt_ids
from ainl_align.training.precision import pick_device
from ainl_align.training.rows import Encoded, encode_rows, spread

_FRESH_SEED = 555


@dataclass(frozen=True)
class Recipe:
    """One way to spend ``budget`` tokens; ``first_layer`` leaves the layers below it without adapters."""

    name: str
    budget: int = 400_000
    epochs: float = 2
    batch: int = 4
    learning_rate: float = 2e-3
    up_ratio: float = 1  # learning rate of B over that of A (LoRA+, Hayou et al. 2024, arXiv:2402.12354)
    rank: int = 16
    seed: int = 1
    sample_types: tuple[str, ...] = ("direct", "regression")
    row_tokens: int = 256
    first_layer: int = 0
    short_first: bool = False
    beta2: float = 0.999
    linear: bool = False
    """Decay the learning rate in a straight line to zero in place of a cosine."""
    rank_stabilized: bool = False
    """Scale by alpha / sqrt(rank) (rsLoRA, Kalajdzievski 2023, arXiv:2312.03732)."""
    start: str = "default"
    """PEFT's ``init_lora_weights``, for example ``pissa`` (Meng et al. 2024, arXiv:2404.02948), ``orthogonal``."""
    clip: float = 1.0
    prompt_weight: float = 0.0
    """Weight of the mean loss on the request beside that on the program."""
    noise: float = 0.0
    """Uniform noise on the embeddings (NEFTune, Jain et al. 2023, arXiv:2310.05914), its alpha."""
    tiers: tuple[str, ...] = ("T1", "T2", "T3", "T4", "T5")
    full: bool = False
    """Train every weight instead of an adapter: what an adapter could reach at most."""


def train(recipe: Recipe, files: list[Path], device: str) -> tuple[Any, dict[str, Any]]:
    """The trained model with its adapter merged, and what training took."""
    torch.manual_seed(recipe.seed)
    torch.set_float32_matmul_precision("high")
    base = resolve(EMBEDDED)
    rows = [row for file in files for row in read_rows(file) if row["sample_type"] in recipe.sample_types]
    rows = [row for row in rows if row["tier"] in recipe.tiers]
    encoded, _ = encode_rows(load_tokenizer(base), spread(rows, recipe.seed), recipe.row_tokens)
    kept: list[Encoded] = []
    for row in encoded:
        if sum(len(item.ids) for item in kept) + len(row.ids) > recipe.budget / recipe.epochs:
            break
        kept.append(row)
    model = load_model(base, device).float()
    adapted = model if recipe.full else get_peft_model(model, _lora(recipe, model.config.num_hidden_layers))
    named = [(name, weight) for name, weight in adapted.train().named_parameters() if weight.requires_grad]
    up = [weight for name, weight in named if "lora_B" in name]
    rest = [weight for name, weight in named if "lora_B" not in name]
    groups = [
        {"params": rest, "lr": recipe.learning_rate},
        {"params": up, "lr": recipe.learning_rate * recipe.up_ratio},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, recipe.beta2), weight_decay=0.0)
    steps = int(math.ceil(len(kept) / recipe.batch) * recipe.epochs)
    warm = max(1, steps // 20)

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        done = (step - warm) / max(1, steps - warm)
        return 1 - done if recipe.linear else 0.5 + 0.5 * math.cos(math.pi * done)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    inner = adapted if recipe.full else adapted.base_model.model
    started, losses = time.monotonic(), []
    for batch in _batches(kept, recipe, steps):
        longest = max(len(row.ids) for row in batch)
        ids = torch.tensor([row.ids + [0] * (longest - len(row.ids)) for row in batch], device=device)
        labels = torch.tensor([row.labels + [-100] * (longest - len(row.ids)) for row in batch], device=device)[:, 1:]
        vectors = inner.model.embed_tokens(ids)
        if recipe.noise:
            size = recipe.noise / math.sqrt(vectors.shape[1] * vectors.shape[2])
            vectors = vectors + torch.empty_like(vectors).uniform_(-size, size)
        hidden = inner.model(inputs_embeds=vectors).last_hidden_state[:, :-1]
        scored = labels != -100
        loss = F.cross_entropy(inner.lm_head(hidden[scored]), labels[scored])
        total = loss
        if recipe.prompt_weight:
            asked = ~scored & (ids[:, 1:] != 0)
            total = loss + recipe.prompt_weight * F.cross_entropy(inner.lm_head(hidden[asked]), ids[:, 1:][asked])
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_([weight for _, weight in named], recipe.clip)
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
    last = torch.stack(losses[-max(1, steps // 10) :]).mean().item()
    took = {"rows": len(kept), "steps": steps, "loss_last_tenth": last, "seconds": time.monotonic() - started}
    return (adapted if recipe.full else adapted.merge_and_unload()).eval(), took


def _lora(recipe: Recipe, layers: int) -> LoraConfig:
    kept = "|".join(map(str, range(recipe.first_layer, layers)))
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        use_rslora=recipe.rank_stabilized,
        init_lora_weights=True if recipe.start == "default" else recipe.start,
        target_modules=rf".*layers\.({kept})\..*_proj",
        task_type="CAUSAL_LM",
    )


def _batches(rows: list[Encoded], recipe: Recipe, steps: int) -> Iterator[list[Encoded]]:
    rng = random.Random(recipe.seed)
    size, made = recipe.batch, 0
    while made < steps:
        order = rng.sample(rows, len(rows))
        starts = range(0, len(order), 16 * size)
        pools = [sorted(order[at : at + 16 * size], key=lambda row: len(row.ids)) for at in starts]
        batches = [pool[at : at + size] for pool in pools for at in range(0, len(pool), size)]
        rng.shuffle(batches)
        if recipe.short_first:
            batches.sort(key=lambda batch: sum(len(row.ids) for row in batch) + 400 * rng.random())
        yield from batches[: steps - made]
        made += len(batches)


def evaluate(model: Any, sets: dict[str, list[PromptRow]], device: str) -> dict[str, Any]:
    """Task success of each prompt set, over all and by tier."""
    tokenizer = load_tokenizer(resolve(EMBEDDED))
    engine = Engine(model.to(torch.bfloat16) if device == "cuda" else model, tokenizer, device)
    found = {}
    for name, rows in sets.items():
        requests = [Request(row.id, prompt_ids(tokenizer, request_messages(row.prompt))) for row in rows]
        answers = engine.generate(requests, GenerationSettings(max_new_tokens=512, batch_size=256), Progress())
        scores = score([item.text for item in answers], rows, [item.finish_reason != "eos" for item in answers])
        tiers = rates_by([row.task.tier if row.task else None for row in rows], scores)
        by_tier = {tier: values["task_success_rate"] for tier, values in tiers.items()}
        found[name] = {"task_success": rates(scores)["task_success_rate"], "prompts": len(rows), "by_tier": by_tier}
    return found


def main() -> None:
    """Train and score every recipe, printing a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", type=Path)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--suite", choices=("fresh", "dev"), default="fresh")
    parser.add_argument("--prompts", type=Path, help="one more prompt set to score on")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only")
    options = parser.parse_args()
    device = pick_device(options.device)
    tasks = generate("dev", seed=_FRESH_SEED, per_family=3) if options.suite == "fresh" else suite("dev")
    sets = {options.suite: [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks]}
    if options.prompts:
        sets[options.prompts.stem] = load_prompt_set(options.prompts)
    results = []
    for line in options.recipes.read_text(encoding="utf-8").splitlines():
        recipe = Recipe(**json.loads(line))
        if options.only and recipe.name != options.only:
            continue
        model, took = train(recipe, options.rows, device)
        results.append({"recipe": asdict(recipe), **took, "scores": evaluate(model, sets, device)})
        print(f"{recipe.name}: {json.dumps(results[-1]['scores'])}", flush=True)
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
