"""Training recipes: each is trained by stage 4 with a fixed budget of tokens and scored on dev-split tasks.

    .venv/bin/python benchmarks/recipes.py RECIPES.jsonl --rows FILE [FILE ...] --out FOLDER [--only NAME ...]

A line of RECIPES holds a name and what differs from the defaults of ``Recipe``; ``training`` holds options of stage 4,
for example ``{"name": "rank 16", "tokens": 10000000, "training": {"lora_rank": 16, "seed": 2}}``. Scored on the dev
suite and on the two sets of dev tasks in people's own words; test tasks are never read. Decoding is greedy and
constrained, first pass. FOLDER gets the adapter, ``NAME.json`` and ``NAME.answers.jsonl`` of each recipe; a recipe
whose ``NAME.json`` is there already is left out. Two processes on a GPU use it better than one, for decoding
waits for the host. The tables are in docs/log.md and docs/results.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ainl_align.artifacts import read_json, write_jsonl
from ainl_align.data.leakage import WRITTEN
from ainl_align.data.records import read_rows
from ainl_align.data.sampling import MEDLEY
from ainl_align.evaluation.answer import Answers, Job, answer, scored
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, load_prompt_set
from ainl_align.tasks.suites import suite
from ainl_align.training import finetune
from ainl_align.training.base import EMBEDDED, load_tokenizer, resolve
from ainl_align.training.checkpoints import load_adapter
from ainl_align.training.precision import pick_device
from ainl_align.training.rows import encode_rows, spread

_SAMPLE = 4096
"""Rows whose tokens are counted to know how many rows a budget holds."""


class Recipe(BaseModel):
    """One way to spend ``tokens`` (over all epochs, to a percent; None: all rows), with the profile ``gpu`` unless
    named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    tokens: int | None = None
    sample_types: tuple[str, ...] = ("direct", "regression")
    own_words: float | None = None
    """Share of the rows whose request is in people's own words; None: as the files have them."""
    medley: float = 0.0
    """Share of the rows of the family medley, where ``own_words`` is given."""
    training: dict[str, Any] = {}


def with_shares(rows: list[dict[str, Any]], own_words: float, medley: float) -> list[dict[str, Any]]:
    """As many of the rows as there can be, the first of each kind, so that ``own_words`` of them are in people's own
    words and ``medley`` of either kind are of that family."""
    kinds: dict[tuple[bool, bool], list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(("wording" in row, row["family"] == MEDLEY), []).append(row)
    shares = {
        (own, joined): (own_words if own else 1 - own_words) * (medley if joined else 1 - medley)
        for own, joined in itertools.product((True, False), repeat=2)
    }
    whole = min(len(kinds.get(kind, ())) / share for kind, share in shares.items() if share)
    return [row for kind, share in shares.items() for row in kinds.get(kind, [])[: round(whole * share)]]


def spent(adapter: Path | str) -> int:
    """Tokens that an adapter was trained on, by its manifest."""
    plan = read_json(Path(adapter) / "manifest.json", "checkpoint_manifest")["provenance"]["settings"]["plan"]
    return int(plan["tokens"] * plan["epochs"])


def tokens_of_a_row(rows: list[dict[str, Any]]) -> float:
    """The mean over the first rows, which are like the whole where the rows are ``spread``."""
    first = encode_rows(load_tokenizer(resolve(EMBEDDED)), rows[:_SAMPLE], 10**6)[0]
    return sum(len(row.ids) for row in first) / len(first)


def train(recipe: Recipe, files: list[Path], folder: Path, progress: Progress) -> dict[str, Any]:
    """Train the recipe's adapter into ``folder``/NAME; what was trained on and how long it took."""
    options = {"profile": "gpu", "epochs": 1, "seed": 1, **recipe.training}
    rows = [row for file in files for row in read_rows(file) if row["sample_type"] in recipe.sample_types]
    if recipe.own_words is not None:
        rows = with_shares(rows, recipe.own_words, recipe.medley)
    kept = spread(rows, options["seed"])
    if recipe.tokens is not None:
        kept = kept[: round(recipe.tokens / options["epochs"] / tokens_of_a_row(kept))]
    chosen = folder / f"{recipe.name}.rows.jsonl"
    write_jsonl(chosen, kept)
    started = time.monotonic()
    settings = finetune.Settings(data_path=chosen, eval_data_path=None, output_dir=folder / recipe.name, **options)
    result = finetune.run(settings, progress)
    chosen.unlink()
    last = [item["loss"] for item in result.losses if "loss" in item][-20:]
    return {
        "rows": result.plan.rows,
        "tokens": int(result.plan.tokens * options["epochs"]),
        "tokens_before": spent(options["start_adapter"]) if "start_adapter" in options else 0,
        "steps": result.plan.steps,
        "learning_rate": result.plan.learning_rate,
        "lora_rank": result.plan.lora_rank,
        "pack_tokens": result.plan.pack_tokens,
        "loss": sum(last) / len(last) if last else None,
        "train_seconds": round(time.monotonic() - started, 1),
    }


def evaluate(folder: Path, sets: dict[str, list[PromptRow]], device: str, progress: Progress) -> tuple[Any, list[Any]]:
    """The summary of each prompt set, and every answer."""
    wardrobe = Wardrobe(resolve(EMBEDDED), device, "none", progress)
    settings = DecodingSettings(device=device, repair_attempts=0, batch_size=256).answering()
    rows = [row for members in sets.values() for row in members]
    with wardrobe.wearing(load_adapter(folder)) as engine:
        found = answer(engine, wardrobe.tokenizer, [Job(row) for row in rows], settings, progress, folder.name)
    both = scored(Answers(rows, found))
    summaries, start = {}, 0
    for name, members in sets.items():
        part = both.part(range(start, start + len(members))).summary()
        summaries[name] = {
            "prompts": len(members),
            "task_success": part["task_success_rate"],
            "canonical": part["canonical_rate"],
            "by_tier": {tier: values["task_success_rate"] for tier, values in part["by_tier"].items()},
        }
        start += len(members)
    answers = [
        {"id": row.id, "program": item.program, "success": bool(result.metrics["task_success"])}
        for row, item, result in zip(rows, found, both.final, strict=True)
    ]
    return summaries, answers


def main() -> None:
    """Train and score every recipe, a line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", type=Path)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--limit", type=int, help="prompts of each set")
    options = parser.parse_args()
    device = pick_device(options.device)
    progress = Progress()
    sets = {
        "dev": [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in suite("dev")][: options.limit],
        "own_words": load_prompt_set(WRITTEN["own_words"])[: options.limit],
        "medley": load_prompt_set(WRITTEN["medley"])[: options.limit],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for line in options.recipes.read_text(encoding="utf-8").splitlines():
        recipe = Recipe.model_validate_json(line)
        result = options.out / f"{recipe.name}.json"
        if (options.only and recipe.name not in options.only) or result.exists():
            continue
        took = train(recipe, options.rows, options.out, progress)
        started = time.monotonic()
        summaries, answers = evaluate(options.out / recipe.name, sets, device, progress)
        took["evaluation_seconds"] = round(time.monotonic() - started, 1)
        write_jsonl(options.out / f"{recipe.name}.answers.jsonl", answers)
        result.write_text(json.dumps({"recipe": recipe.model_dump(), **took, **summaries}) + "\n", encoding="utf-8")
        print(f"{recipe.name}: {result.read_text(encoding='utf-8').strip()}", flush=True)


if __name__ == "__main__":
    main()
