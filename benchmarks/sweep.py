"""What choosing among twelve checkpoints costs beside evaluating one, and whether screening finds the same winner.

    .venv/bin/python benchmarks/sweep.py [--json FILE] [--adapter-root FOLDER] [--dev-prompts 64] [--trials 2000]

Twelve checkpoints are made from the real ones under the adapter root (default: the cycle's): their LoRA matrices
scaled down, so that qualities differ. On the twelve regression prompts and on dev prompts, measured here: one
evaluation of the best real checkpoint, the sweep with screening, and each of the twelve on the reference path (the
exhaustive sweep). Every answer is given anew. The exhaustive outcomes are then replayed: prompts are drawn with
replacement, in random order, and screening and the exhaustive ranking choose on the same draw. ``ratio_to_one`` is the
worse of the two sets' wall time of the sweep by that of one evaluation.
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from ainl_align.config import ROOT
from ainl_align.evaluation import run as evaluation
from ainl_align.progress import Progress
from ainl_align.sweep import run as sweep
from ainl_align.sweep.rejects import Phase, plan, successive_rejects
from ainl_align.sweep.select import success_interval
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import suite
from ainl_align.training.base import EMBEDDED, resolve
from ainl_align.training.checkpoints import WEIGHTS, checkpoints, seal

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
COUNT = 12
KEYS = ("strict_ainl", "runtime_compile", "nonempty", "task_success", "canonical")


def make_checkpoints(source: Path, root: Path) -> None:
    """Twelve checkpoints of the real ones under ``source``, the last ones least scaled, under ``root``."""
    real = checkpoints(source)
    made = [(scale, adapter) for scale in SCALES for adapter in reversed(real)][:COUNT]
    for number, (scale, adapter) in enumerate(reversed(made), 1):
        folder = root / f"checkpoint-{10 * number}"
        folder.mkdir(parents=True)
        shutil.copyfile(adapter.folder / "adapter_config.json", folder / "adapter_config.json")
        weights = load_file(adapter.folder / WEIGHTS)
        save_file(
            {name: value * scale if "lora_B" in name else value for name, value in weights.items()}, folder / WEIGHTS
        )
        origin = {"settings": {}, "code": {}, "data": {}, "libraries": {}, "python": "", "device": "", "created": ""}
        seal(folder, resolve(EMBEDDED), step=10 * number, loss=None, eval_loss=None, epoch=None, provenance=origin)


def timed_sweep(root: Path, prompts: Path, output: Path, screening: str) -> tuple[float, dict[str, Any]]:
    """Seconds and report of a sweep that knows no answer."""
    shutil.rmtree(root / "sweep", ignore_errors=True)
    settings = sweep.Settings(
        base_model=EMBEDDED,
        adapter_root=root,
        prompt_set=prompts,
        output_json=output,
        screening=screening,  # type: ignore[arg-type]
        promote_best_link=False,
    )
    start = time.monotonic()
    report = sweep.run(settings, Progress())
    return time.monotonic() - start, report


def timed_evaluation(adapter: Path, prompts: Path, output: Path) -> float:
    """Seconds of one evaluation."""
    settings = evaluation.Settings(
        base_model=EMBEDDED, adapter_path=adapter, prompt_set=prompts, output_json=output, skip_base_eval=True
    )
    start = time.monotonic()
    evaluation.run(settings, Progress())
    return time.monotonic() - start


def outcomes(report: Mapping[str, Any]) -> list[list[tuple[float, ...]]]:
    """By checkpoint in the order of steps, and by prompt: what the exhaustive sweep found."""
    found = []
    for row in sorted(report["ranked"], key=lambda row: row["step"]):
        results = json.loads(Path(row["report_json"]).read_text())["results"]
        found.append([_outcome(item["lora"]) for item in results])
    return found


def _outcome(side: Mapping[str, Any]) -> tuple[float, ...]:
    passed = [scenario["passed"] for scenario in side["scenarios"]]
    metrics = side["final"]["metrics"]
    return (*(float(metrics[key] is True) for key in KEYS), sum(passed) / len(passed) if passed else 0.0)


def replay(found: Sequence[Sequence[tuple[float, ...]]], trials: int) -> dict[str, float]:
    """How often screening chooses what the exhaustive ranking of the same prompts chooses."""
    arms, prompts = range(len(found)), len(found[0])
    same = inside = 0
    lost = 0.0
    for trial in range(trials):
        drawn = random.Random(trial).choices(range(prompts), k=prompts)
        winner = _screened([[outcomes_of[place] for place in drawn] for outcomes_of in found])
        rates = [sum(found[arm][place][3] for place in drawn) / prompts for arm in arms]
        best = max(arms, key=lambda arm: (*_sums(found[arm], drawn), -arm))
        row = {"task_success_rate": rates[best], "n": prompts, "counts": {"task_success": round(rates[best] * prompts)}}
        bounds = success_interval(row)
        same += winner == best
        inside += bounds is not None and rates[winner] >= bounds[0]
        lost += rates[best] - rates[winner]
    return {"trials": trials, "same": same / trials, "inside": inside / trials, "mean_loss": lost / trials}


def _sums(found: Sequence[tuple[float, ...]], drawn: Sequence[int]) -> tuple[float, ...]:
    """What the exhaustive ranking compares."""
    return tuple(sum(found[place][key] for place in drawn) for key in range(len(KEYS)))


def _screened(drawn: Sequence[Sequence[tuple[float, ...]]]) -> int:
    """The arm that screening leaves; ties go to fewer steps, for these checkpoints have no validation loss."""
    at = 0

    def ask(left: Sequence[int], phase: Phase) -> dict[int, Sequence[tuple[float, ...]]]:
        nonlocal at
        start, at = at, phase.prompts
        return {arm: drawn[arm][start:at] for arm in left}

    ties = {arm: (float(-arm),) for arm in range(len(drawn))}
    survivors, _ = successive_rejects(ties, plan(len(drawn), len(drawn[0]), 1), ask, ties)
    return survivors[0]


def measure(root: Path, prompts: Path, scratch: Path, trials: int) -> dict[str, Any]:
    """One prompt set."""
    best = checkpoints(root)[-1].folder
    one = timed_evaluation(best, prompts, scratch / "one.json")
    screened, report = timed_sweep(root, prompts, scratch / "screened.json", "auto")
    again = time.monotonic()
    sweep.run(sweep.Settings.model_validate({**report_settings(scratch / "screened.json")}), Progress())
    repeated = time.monotonic() - again
    one_again = timed_evaluation(best, prompts, scratch / "one.json")
    every, exhaustive = timed_sweep(root, prompts, scratch / "every.json", "none")
    found = outcomes(exhaustive)
    single = (one + one_again) / 2
    return {
        "prompts": len(found[0]),
        "one_evaluation_s": single,
        "sweep_s": screened,
        "repeated_sweep_s": repeated,
        "exhaustive_s": every,
        "ratio_to_one": screened / single,
        "ratio_to_exhaustive": screened / every,
        "winner": report["ranked"][0]["step"],
        "exhaustive_winner": exhaustive["ranked"][0]["step"],
        "exhaustive_rates": {row["step"]: row["task_success_rate"] for row in exhaustive["ranked"]},
        "winner_interval": report["ranked"][0]["task_success_interval"],
        "screening": {**report["screening"], "phases": [phase["prompts"] for phase in report["screening"]["phases"]]},
        "replayed": replay(found, trials),
        "outcomes": found,
    }


def report_settings(path: Path) -> dict[str, Any]:
    """The settings of a sweep, from its report."""
    settings: dict[str, Any] = json.loads(path.read_text())["provenance"]["settings"]
    return settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--adapter-root", type=Path, default=ROOT / "models/ainl-phi3-lora-v5-aligned")
    parser.add_argument("--dev-prompts", type=int, default=64, help="0: leave the dev prompts out")
    parser.add_argument("--trials", type=int, default=2000)
    options = parser.parse_args()
    if not any(options.adapter_root.glob("checkpoint-*/manifest.json")):
        parser.error(f"{options.adapter_root} holds no checkpoint; run the cycle first, or give --adapter-root")
    sets = {"regression": suite("regression")}
    if options.dev_prompts:
        sets["dev"] = suite("dev")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        make_checkpoints(options.adapter_root, scratch / "adapter")
        for name, tasks in sets.items():
            path = scratch / f"{name}.jsonl"
            write_prompt_set(path, [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks])
            if name == "dev":
                write_prompt_set(path, evaluation.read_prompts(path, options.dev_prompts))
            results[name] = measure(scratch / "adapter", path, scratch, options.trials)
    for name, found in results.items():
        print(
            f"{name}: {found['prompts']} prompts, one evaluation {found['one_evaluation_s']:.1f} s, sweep of {COUNT} "
            f"{found['sweep_s']:.1f} s ({found['ratio_to_one']:.2f} times one), again {found['repeated_sweep_s']:.1f} "
            f"s, exhaustive {found['exhaustive_s']:.1f} s; winner {found['winner']}, exhaustive "
            f"{found['exhaustive_winner']}; replayed: same winner {found['replayed']['same']:.1%}, inside its interval "
            f"{found['replayed']['inside']:.1%}, {100 * found['replayed']['mean_loss']:.1f} points lost on average"
        )
    if options.json:
        worst = max(found["ratio_to_one"] for found in results.values())
        options.json.write_text(json.dumps({"ratio_to_one": worst, "sets": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
