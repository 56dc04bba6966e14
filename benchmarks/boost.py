"""The boost loop: what fails is asked for again, rounds of report, boost rows, training and evaluation.

    .venv/bin/python benchmarks/boost.py --adapter FOLDER --rows TRAIN VAL TEST --out FOLDER --json FILE
        [--arm failures|even] [--rounds 3] [--profile gpu] [--epochs 1] [--learning-rate X] [--device auto]
        [--end test handwritten]

A round evaluates the adapter on fresh tasks of the dev split that are in no suite (another draw each round), gives the
report to stage 3, and trains on from the round before (stage 4, ``start_adapter``) on the rows of the round before and
the new ones; ``--rows`` are those that the first round begins with, a dataset of stage 2. Dev measures and feeds
nothing, so a gain is none of having seen its failures. Going on costs a fraction of a training anew, whose gain would
be lost in the noise between seeds. Arm ``even`` draws as many new rows as the failures would have asked for, evenly
over all families: what more rows and steps alone are worth. ``--json`` gets a line a round, the start as round 0.
``--end`` names sets that the last adapter answers when all rounds are over, once; ``--rounds 0`` measures an adapter.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ainl_align.artifacts import read_json, write_jsonl
from ainl_align.data import boost, distill
from ainl_align.data.leakage import WRITTEN
from ainl_align.data.records import read_rows
from ainl_align.data.sampling import SPLITS
from ainl_align.evaluation import run as evaluation
from ainl_align.progress import Progress
from ainl_align.sweep.select import success_interval
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import generate, suite
from ainl_align.tasks.task_model import Task
from ainl_align.training import finetune
from ainl_align.training.base import EMBEDDED

_FEED_SEED = 881


def evaluate(
    given: argparse.Namespace, adapter: Path, prompts: Path, report: Path, progress: Progress
) -> dict[str, Any]:
    """The report of greedy, constrained first answers to a prompt set."""
    settings = evaluation.Settings(
        adapter_path=adapter,
        prompt_set=prompts,
        output_json=report,
        base_model=given.base,
        device=given.device,
        limit=given.limit or None,
        max_new_tokens=given.budget,
        batch_size=given.batch,
        repair_attempts=0,
        skip_base_eval=True,
    )
    evaluation.run(settings, progress)
    return read_json(report, "model_eval_report")


def prompts(name: str, folder: Path) -> Path:
    """A set's file; a suite is written into ``folder``."""
    if name in WRITTEN:
        return Path(WRITTEN[name])
    return written(folder / f"{name}.jsonl", suite(name))


def written(path: Path, tasks: Sequence[Task]) -> Path:
    """``path``, with the tasks as a prompt set."""
    write_prompt_set(path, [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks])
    return path


def rates(report: dict[str, Any]) -> dict[str, Any]:
    """Task success of a report, with its exact 95% interval, and by tier."""
    found = report["summary"]["lora"]
    tiers = {name: row["task_success_rate"] for name, row in found["by_tier"].items()}
    whole = {"count": found["counts"]["task_success"], "n": found["n"], "interval": success_interval(found)}
    return {**whole, "rate": found["task_success_rate"], "by_tier": tiers}


def grow(
    given: argparse.Namespace, report: Path, rows: dict[str, Path], folder: Path, progress: Progress
) -> dict[str, Any]:
    """The next round's rows by split, and how many of them are new."""
    before = len(read_rows(rows["train"]))
    if given.arm == "failures":
        inputs = {f"input_{split}": path for split, path in rows.items()}
        asked = {"eval_report": report, "samples_per_failed_id": given.samples, "output_dir": folder}
        boost.run(boost.Settings(**inputs, **asked, seed=given.seed), progress)
        made = {split: folder / f"train_chatml_distill_boost_{split}.jsonl" for split in SPLITS}
    else:
        failed = len(boost.failures(read_json(report, "model_eval_report")))
        each = max(1, round(failed * given.samples / len(FAMILIES)))
        distill.run(distill.Settings(samples_per_prompt=each, output_dir=folder, seed=given.seed + 1), progress)
        made = {split: folder / f"merged_{split}.jsonl" for split in SPLITS}
        for split, path in made.items():
            new = folder / f"train_chatml_distill_{split}.jsonl"
            write_jsonl(path, [row for file in (rows[split], new) for row in read_rows(file, may_be_empty=True)])
    return {"rows": made, "new": len(read_rows(made["train"])) - before}


def main() -> None:
    """Run the rounds, a printed line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--rows", type=Path, nargs=3, default=(), metavar=("TRAIN", "VAL", "TEST"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--arm", choices=("failures", "even"), default="failures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--end", nargs="+", choices=("test", "regression", *WRITTEN), default=())
    parser.add_argument("--samples", type=int, default=48, help="new rows for each failed prompt")
    parser.add_argument("--feed-per-family", type=int, default=3)
    parser.add_argument("--profile", default="gpu")
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--learning-rate", type=float, help="default: that of a warm start")
    parser.add_argument("--batch-size", type=int, help="rows a batch, where rows are not packed")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--budget", type=int, default=416)
    parser.add_argument("--batch", type=int, default=256, help="prompts decoded together")
    parser.add_argument("--limit", type=int, default=0, help="so many prompts of each set; 0: all")
    parser.add_argument("--base", default=EMBEDDED)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    if given.rounds and not given.rows:
        parser.error("--rows: training needs rows; name the three files of a dataset of stage 2, or --rounds 0")
    given.out.mkdir(parents=True, exist_ok=True)
    progress, adapter = Progress(), given.adapter
    rows = dict(zip(SPLITS, given.rows, strict=bool(given.rows)))
    dev = prompts("dev", given.out)
    grown: dict[str, Any] = {"new": 0}
    tokens = 0
    for turn in range(given.rounds + 1):
        began = time.monotonic()
        folder = given.out / f"round-{turn}"
        folder.mkdir(exist_ok=True)
        if turn:
            grown = grow(given, given.out / f"round-{turn - 1}" / "feed.json", rows, folder, progress)
            rows = grown["rows"]
            settings = finetune.Settings(
                profile=given.profile,
                epochs=given.epochs,
                learning_rate=given.learning_rate,
                batch_size=given.batch_size,
                seed=given.seed + turn,
                base_model=given.base,
                data_path=rows["train"],
                eval_data_path=rows["val"],
                output_dir=folder / "adapter",
                start_adapter=adapter,
                save_total_limit=1,
                train_device=given.device,
            )
            trained = finetune.run(settings, progress)
            adapter, tokens = folder / "adapter", int(trained.plan.tokens * trained.plan.epochs)
        trained_at = time.monotonic()
        tasks = generate("dev", seed=_FEED_SEED + turn, per_family=given.feed_per_family)
        feed = written(folder / "feed.jsonl", tasks)
        line = {
            "arm": given.arm,
            "round": turn,
            "dev": rates(evaluate(given, adapter, dev, folder / "dev.json", progress)),
            "feed": rates(evaluate(given, adapter, feed, folder / "feed.json", progress)),
            "new_rows": grown["new"],
            "tokens_trained": tokens,
            "seconds": {"rows and training": trained_at - began, "evaluation": time.monotonic() - trained_at},
            "adapter": str(adapter),
        }
        if turn == given.rounds and given.end:
            report = folder / "end.json"
            line["end"] = {
                name: rates(evaluate(given, adapter, prompts(name, given.out), report, progress)) for name in given.end
            }
        print(json.dumps(line), flush=True)
        with given.json.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
