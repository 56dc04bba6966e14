"""What choosing among twelve checkpoints costs beside evaluating one, and whether screening finds the same winner.

    .venv/bin/python benchmarks/sweep.py [--json FILE] [--adapter-root FOLDER] [--dev-prompts 64] [--trials 2000]

Twelve checkpoints are made from the real ones under the adapter root (default: the cycle's): their LoRA matrices
scaled down, so that qualities differ. On the twelve regression prompts and on dev prompts, timed here: one evaluation
of the best real checkpoint (before the sweep and after it), the sweep with screening, and the same sweep again, which
knows every answer. ``ratio_to_one`` is the worse of the two sets' wall time of the sweep by that of one evaluation.

Whether the winner is right is not timed: every checkpoint answers the prompts that screening spared it, in the same
shared batches, and from that whole table trials are replayed, nothing being decoded again: prompts are drawn with
replacement, in random order, and screening and the exhaustive ranking choose on the same draw. ``--trials 0`` leaves
the table out. Results go to the JSON file as they come.
"""

import argparse
import json
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from ainl_align.config import ROOT
from ainl_align.evaluation import run as evaluation
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.progress import Progress
from ainl_align.sweep import run as sweep
from ainl_align.sweep.rejects import Outcome, Phase, halve, plan
from ainl_align.sweep.screening import Screening, outcome
from ainl_align.sweep.select import success_interval
from ainl_align.sweep.workers import Alone
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import suite
from ainl_align.training.base import EMBEDDED, resolve
from ainl_align.training.checkpoints import WEIGHTS, checkpoints, seal
from ainl_align.training.precision import pick_device

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
COUNT = 12
KEYS = 5
"""So many numbers of an outcome are what the exhaustive ranking compares; the last one is for screening alone."""


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


def outcomes(root: Path, prompts: Path) -> list[list[Outcome]]:
    """By checkpoint in the order of steps, and by prompt: what screening sees when nobody is rejected before the end.

    Answers that a sweep kept under ``root`` are not given again.
    """
    found, rows, progress = checkpoints(root), evaluation.read_prompts(prompts, None), Progress()
    wardrobe = Wardrobe(resolve(EMBEDDED), pick_device("auto"), "none", progress)
    settings = DecodingSettings(base_model=EMBEDDED).answering()
    screening = Screening("none", settings, wardrobe, Alone(wardrobe, progress), root / "sweep" / "answers", progress)
    done = screening.run(found, range(len(found)), rows, [Phase(len(rows), len(found) - 1)])
    return [
        [outcome(row, item) for row, item in zip(done.sides[arm].answers.rows, done.sides[arm].final, strict=True)]
        for arm in range(len(found))
    ]


def replay(found: Sequence[Sequence[Outcome]], trials: int) -> dict[str, float]:
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


def _sums(found: Sequence[Outcome], drawn: Sequence[int]) -> tuple[float, ...]:
    """What the exhaustive ranking compares."""
    return tuple(sum(found[place][key] for place in drawn) for key in range(KEYS))


def _screened(drawn: Sequence[Sequence[Outcome]]) -> int:
    """The arm that screening leaves; ties go to fewer steps, for these checkpoints have no validation loss."""
    at = 0

    def ask(left: Sequence[int], phase: Phase) -> dict[int, Sequence[Outcome]]:
        nonlocal at
        start, at = at, phase.prompts
        return {arm: drawn[arm][start:at] for arm in left}

    ties = {arm: (float(-arm),) for arm in range(len(drawn))}
    survivors, _ = halve(ties, plan(len(drawn), len(drawn[0]), 1), ask, ties)
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
    single = (one + one_again) / 2
    found: dict[str, Any] = {
        "prompts": len(evaluation.read_prompts(prompts, None)),
        "one_evaluation_s": single,
        "sweep_s": screened,
        "repeated_sweep_s": repeated,
        "ratio_to_one": screened / single,
        "ratio_to_twelve": screened / (COUNT * single),
        "winner": report["ranked"][0]["step"],
        "winner_interval": report["ranked"][0]["task_success_interval"],
        "screening": {**report["screening"], "phases": [phase["prompts"] for phase in report["screening"]["phases"]]},
    }
    if trials:
        table = outcomes(root, prompts)
        rates = {10 * (arm + 1): sum(item[3] for item in row) / len(row) for arm, row in enumerate(table)}
        best_arm = max(range(COUNT), key=lambda arm: (*_sums(table[arm], range(len(table[arm]))), -arm))
        found |= {
            "exhaustive_winner": 10 * (best_arm + 1),
            "exhaustive_rates": rates,
            "replayed": replay(table, trials),
            "outcomes": table,
        }
    return found


def tell(name: str, found: Mapping[str, Any]) -> None:
    """One set's result on a line or two, and how much memory the process has needed."""
    print(
        f"{name}: {found['prompts']} prompts, one evaluation {found['one_evaluation_s']:.1f} s, sweep of {COUNT} "
        f"{found['sweep_s']:.1f} s ({found['ratio_to_one']:.2f} times one, {found['ratio_to_twelve']:.2f} times "
        f"{COUNT}), again {found['repeated_sweep_s']:.1f} s; winner {found['winner']}; "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB",
        flush=True,
    )
    if "replayed" in found:
        told = found["replayed"]
        print(
            f"{name}, replayed from the table of all answers: exhaustive winner {found['exhaustive_winner']}; of "
            f"{told['trials']} draws the same winner {told['same']:.1%}, inside its interval {told['inside']:.1%}, "
            f"{100 * told['mean_loss']:.1f} points lost on average",
            flush=True,
        )


def report_settings(path: Path) -> dict[str, Any]:
    """The settings of a sweep, from its report."""
    settings: dict[str, Any] = json.loads(path.read_text())["provenance"]["settings"]
    return settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--adapter-root", type=Path, default=ROOT / "models/ainl-phi3-lora-v5-aligned")
    parser.add_argument("--dev-prompts", type=int, default=64, help="0: leave the dev prompts out")
    parser.add_argument("--trials", type=int, default=2000, help="0: time the sweep and make no table")
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
            tell(name, results[name])
            if options.json:
                worst = max(found["ratio_to_one"] for found in results.values())
                options.json.write_text(json.dumps({"ratio_to_one": worst, "sets": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
