"""What choosing among twelve checkpoints costs beside evaluating one, and whether screening finds the same winner.

    .venv/bin/python benchmarks/sweep.py [--json FILE] [--adapter-root FOLDER] [--dev-prompts 64] [--trials 2000]

Twelve checkpoints are made from the real ones under the adapter root (default: the cycle's): their LoRA matrices
scaled down, so that qualities differ. ``--as-they-are`` takes the root's own checkpoints instead, however many. On the
twelve regression prompts and on dev prompts, timed here: one evaluation of the last checkpoint (before the sweep and
after it), the sweep with screening, and the same sweep again, which knows every answer; with ``--without-likelihood``
also the sweep whose first round writes programs. ``ratio_to_one`` is the worse of the two sets' wall time of the sweep
by that of one evaluation.

Whether the winner is right is not timed: every checkpoint answers the prompts that screening spared it, in the same
shared batches, and is weighed on every known program, and from those two tables trials are replayed, nothing being
computed again: prompts are drawn with replacement, in random order, and screening and the exhaustive ranking choose on
the same draw. Beside the sweep's own way stand others: without the round of likelihoods, and with that round on other
numbers of programs, by other sums and leaving other numbers of checkpoints. ``--trials 0`` leaves the tables out,
``--no-timing`` the times. Results go to the JSON file as they come.
"""

import argparse
import json
import math
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors.torch import load_file, save_file

from ainl_align.config import ROOT
from ainl_align.evaluation import run as evaluation
from ainl_align.evaluation.likelihood import known_programs
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.progress import Progress
from ainl_align.sweep import run as sweep
from ainl_align.sweep.likelihood import LEAST, MANY_PROMPTS, MOST, kept, most_kept
from ainl_align.sweep.rejects import SHARE, Outcome, Phase, answers_of, halve, plan, screening_prompts
from ainl_align.sweep.screening import Screening, Together, outcome
from ainl_align.sweep.select import success_interval
from ainl_align.sweep.workers import Alone
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import suite
from ainl_align.training.base import EMBEDDED, resolve
from ainl_align.training.checkpoints import WEIGHTS, checkpoints, seal
from ainl_align.training.precision import pick_device

SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
COUNT = 12


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


class Watch:
    """Seconds since it was made, by the clock on the wall and of the processor (all threads, and children that ended).

    On a shared machine the second says more, with one thread to a process at least: threads that wait for others spin.
    """

    def __init__(self) -> None:
        self._start = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        return time.monotonic(), sum(os.times()[:4])

    def read(self) -> tuple[float, float]:
        """Wall, processor."""
        (wall, processor), (wall_then, processor_then) = self._now(), self._start
        return wall - wall_then, processor - processor_then


def timed_sweep(root: Path, prompts: Path, output: Path, **changes: Any) -> tuple[tuple[float, float], dict[str, Any]]:
    """Times and report of a sweep that knows no answer; ``changes`` are settings."""
    shutil.rmtree(root / "sweep", ignore_errors=True)
    settings = sweep.Settings(
        base_model=EMBEDDED,
        adapter_root=root,
        prompt_set=prompts,
        output_json=output,
        promote_best_link=False,
        **changes,
    )
    watch = Watch()
    report = sweep.run(settings, Progress())
    return watch.read(), report


def timed_evaluation(adapter: Path, prompts: Path, output: Path) -> tuple[float, float]:
    """Times of one evaluation."""
    settings = evaluation.Settings(
        base_model=EMBEDDED, adapter_path=adapter, prompt_set=prompts, output_json=output, skip_base_eval=True
    )
    watch = Watch()
    evaluation.run(settings, Progress())
    return watch.read()


def outcomes(root: Path, prompts: Path) -> list[list[Outcome]]:
    """By checkpoint in the order of steps, and by prompt: what screening sees when nobody is rejected before the end.

    Answers that a sweep kept under ``root`` are not given again.
    """
    found, rows, progress = checkpoints(root), evaluation.read_prompts(prompts, None), Progress()
    wardrobe = Wardrobe(resolve(EMBEDDED), pick_device("auto"), "none", progress)
    settings = DecodingSettings(base_model=EMBEDDED).answering()
    arms, kept_answers = range(len(found)), root / "sweep" / "answers"
    together = Together(found, arms, "none", settings, wardrobe, Alone(wardrobe, progress), kept_answers, progress)
    done = Screening(found, "none", together).run(arms, rows, [Phase(len(rows), len(found) - 1)], {})
    return [[outcome(result) for result in done.sides[arm].final] for arm in range(len(found))]


def weights(root: Path, prompts: Path) -> tuple[list[list[float]], list[int]]:
    """By checkpoint and prompt: the negative log-likelihood of the known program; and by prompt its tokens."""
    found, rows, progress = checkpoints(root), evaluation.read_prompts(prompts, None), Progress()
    wardrobe = Wardrobe(resolve(EMBEDDED), pick_device("auto"), "none", progress)
    programs = known_programs(wardrobe.tokenizer, rows)
    losses = list(wardrobe.losses(found, programs, "none", fused=True))
    return losses, [program.labelled for program in programs]


@dataclass(frozen=True)
class Way:
    """A way to screen. ``keeps``: checkpoints that likelihood leaves, 0 for no such round; ``programs``: most programs
    weighed; ``sum``: how a program counts (by its nats, by its nats a token, by its probability); ``share``: the
    part of the prompts that the last round sees; ``ties``: what decides between checkpoints that answered alike."""

    keeps: int = most_kept(MANY_PROMPTS)
    programs: int = MOST
    sum: Literal["nats", "per token", "probability"] = "probability"
    share: float = SHARE
    ties: Literal["likelihood", "steps"] = "likelihood"

    def __str__(self) -> str:
        first = (
            f"likelihood of {self.programs} programs ({self.sum}) keeps {self.keeps}" if self.keeps else "answers alone"
        )
        return f"{first}, answers to {self.share:.0%}, ties by {self.ties}"


WAYS = (
    Way(),
    Way(keeps=0, ties="steps"),
    Way(keeps=0, share=1.0, ties="steps"),
    Way(share=1.0),
    Way(ties="steps"),
    *(Way(programs=count) for count in (4, 6, 8, 16, 64) if count != MOST),
    Way(sum="per token"),
    Way(sum="nats"),
    *(Way(keeps=count) for count in (1, 2, 4)),
)


def replay(
    found: Sequence[Sequence[Outcome]], losses: Sequence[Sequence[float]], tokens: Sequence[int], trials: int, way: Way
) -> dict[str, float]:
    """How often a way of screening chooses what the exhaustive ranking of the same prompts chooses.

    ``kept``: how often the round of likelihoods keeps that one; ``answers``: by checkpoint and prompt, on average.
    """
    arms, prompts = range(len(found)), len(found[0])
    same = inside = kept_best = answers = 0
    lost = 0.0
    for trial in range(trials):
        drawn = random.Random(trial).choices(range(prompts), k=prompts)
        weighed = [[_counts(losses[arm][place], tokens[place], way.sum) for place in drawn] for arm in arms]
        left = _weighed(weighed, way)
        ties = {
            arm: (sum(weighed[arm][: way.programs]) if way.ties == "likelihood" else 0.0, -float(arm)) for arm in left
        }
        rates = [sum(found[arm][place][3] for place in drawn) / prompts for arm in arms]
        best = max(arms, key=lambda arm: (*_sums(found[arm], drawn), -arm))
        winner, asked = _screened({arm: [found[arm][place] for place in drawn] for arm in left}, way.share, ties)
        row = {"task_success_rate": rates[best], "n": prompts, "counts": {"task_success": round(rates[best] * prompts)}}
        bounds = success_interval(row)
        same += winner == best
        inside += bounds is not None and rates[winner] >= bounds[0]
        kept_best += any(rates[arm] == rates[best] for arm in left)
        lost += rates[best] - rates[winner]
        answers += asked
    return {
        "trials": trials,
        "same": same / trials,
        "inside": inside / trials,
        "kept_a_best": kept_best / trials,
        "mean_loss": lost / trials,
        "answers": answers / trials / prompts,
    }


def _counts(loss: float, tokens: int, how: str) -> float:
    return {"nats": -loss, "per token": -loss / tokens, "probability": math.exp(-loss)}[how]


def _sums(found: Sequence[Outcome], drawn: Sequence[int]) -> tuple[float, ...]:
    """What the exhaustive ranking compares."""
    return tuple(map(sum, zip(*(found[place] for place in drawn), strict=True)))


def _halved(drawn: Mapping[int, Sequence[Outcome]], phases: Sequence[Phase], ties: Mapping[int, Outcome]) -> list[int]:
    """The arms that are left, best first."""
    at = 0

    def ask(left: Sequence[int], phase: Phase) -> dict[int, Sequence[Outcome]]:
        nonlocal at
        start, at = at, phase.prompts
        return {arm: drawn[arm][start:at] for arm in left}

    return halve(drawn, phases, ask, ties)[0]


def _weighed(drawn: Sequence[Sequence[float]], way: Way) -> list[int]:
    """The arms that the round of likelihoods leaves."""
    arms = len(drawn)
    keep = kept(arms, way.keeps, 1) if way.keeps > 1 else way.keeps or arms
    phases = plan(arms, min(len(drawn[0]), way.programs), keep, LEAST)
    return _halved(
        {arm: [(value,) for value in drawn[arm]] for arm in range(arms)},
        phases,
        {arm: (-float(arm),) for arm in range(arms)},
    )


def _screened(drawn: Mapping[int, Sequence[Outcome]], share: float, ties: Mapping[int, Outcome]) -> tuple[int, int]:
    """The arm that answering leaves, and how many answers that took, those of the reference path not among them."""
    prompts = len(next(iter(drawn.values())))
    phases = plan(len(drawn), screening_prompts(prompts, share), 1)
    return _halved(drawn, phases, ties)[0], answers_of(phases, len(drawn))


def timed(root: Path, prompts: Path, scratch: Path, compare: bool) -> dict[str, Any]:
    """The times of one prompt set. ``compare``: also of the sweep without likelihoods."""
    best, count = checkpoints(root)[-1].folder, len(checkpoints(root))
    one = timed_evaluation(best, prompts, scratch / "one.json")
    screened, report = timed_sweep(root, prompts, scratch / "screened.json")
    watch = Watch()
    sweep.run(sweep.Settings.model_validate({**report_settings(scratch / "screened.json")}), Progress())
    repeated = watch.read()
    before = timed_sweep(root, prompts, scratch / "before.json", likelihood_keeps=0)[0] if compare else None
    single = [
        (first + second) / 2
        for first, second in zip(one, timed_evaluation(best, prompts, scratch / "one.json"), strict=True)
    ]
    done = report["screening"]
    return {
        "checkpoints": count,
        "prompts": len(evaluation.read_prompts(prompts, None)),
        "one_evaluation_s": single[0],
        "sweep_s": screened[0],
        "repeated_sweep_s": repeated[0],
        "ratio_to_one": screened[0] / single[0],
        "ratio_to_all": screened[0] / (count * single[0]),
        "processor_s": {"one_evaluation": single[1], "sweep": screened[1], "repeated_sweep": repeated[1]},
        "processor_ratio_to_one": screened[1] / single[1],
        "without_likelihood": None if before is None else {"s": before[0], "processor_s": before[1]},
        "winner": report["ranked"][0]["step"],
        "winner_interval": report["ranked"][0]["task_success_interval"],
        "answers": done["answers"],
        "phases": {
            "likelihood": [phase["prompts"] for phase in (done["likelihood"] or {"phases": []})["phases"]],
            "answers": [phase["prompts"] for phase in done["phases"]],
        },
    }


def replayed(root: Path, prompts: Path, trials: int) -> dict[str, Any]:
    """Both tables of one prompt set, and what the ways of screening make of them."""
    table = outcomes(root, prompts)
    losses, tokens = weights(root, prompts)
    steps = [adapter.step for adapter in checkpoints(root)]
    best = max(range(len(table)), key=lambda arm: (*_sums(table[arm], range(len(table[arm]))), -arm))
    return {
        "exhaustive_winner": steps[best],
        "exhaustive_rates": {
            step: sum(item[3] for item in row) / len(row) for step, row in zip(steps, table, strict=True)
        },
        "nats_per_token": {step: sum(row) / sum(tokens) for step, row in zip(steps, losses, strict=True)},
        "replayed": {str(way): replay(table, losses, tokens, trials, way) for way in WAYS},
        "outcomes": table,
        "losses": losses,
        "tokens": tokens,
    }


def tell(name: str, found: Mapping[str, Any]) -> None:
    """One set's result, and how much memory the process has needed."""
    if "sweep_s" in found:
        without = found["without_likelihood"]
        compared = "" if without is None else f"; without likelihoods {without['s']:.1f} s"
        print(
            f"{name}: {found['prompts']} prompts, one evaluation {found['one_evaluation_s']:.1f} s, sweep of "
            f"{found['checkpoints']} {found['sweep_s']:.1f} s ({found['ratio_to_one']:.2f} times one, "
            f"{found['ratio_to_all']:.2f} times all{compared}), again {found['repeated_sweep_s']:.1f} s; by processor "
            f"time {found['processor_ratio_to_one']:.2f} times one of {found['processor_s']['one_evaluation']:.1f} s; "
            f"winner {found['winner']}; {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB",
            flush=True,
        )
    if "replayed" in found:
        rates = ", ".join(f"{step}: {rate:.3f}" for step, rate in found["exhaustive_rates"].items())
        nats = ", ".join(f"{step}: {value:.3f}" for step, value in found["nats_per_token"].items())
        print(f"{name}: task success by step {rates}; nats a token of the known programs {nats}")
        print(f"{name}: way of screening | same winner | inside its interval | a best one kept | points lost | answers")
        for way, told in found["replayed"].items():
            print(
                f"{way} | {told['same']:.1%} | {told['inside']:.1%} | {told['kept_a_best']:.1%} | "
                f"{100 * told['mean_loss']:.1f} | {told['answers']:.2f}",
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
    parser.add_argument("--as-they-are", action="store_true", help="take the root's own checkpoints")
    parser.add_argument("--dev-prompts", type=int, default=64, help="0: leave the dev prompts out")
    parser.add_argument("--no-regression", action="store_true", help="leave the regression prompts out")
    parser.add_argument("--trials", type=int, default=2000, help="0: time the sweep and make no tables")
    parser.add_argument("--no-timing", action="store_true", help="make the tables and time nothing")
    parser.add_argument("--without-likelihood", action="store_true", help="time the sweep without likelihoods as well")
    options = parser.parse_args()
    if not any(options.adapter_root.glob("checkpoint-*/manifest.json")):
        parser.error(f"{options.adapter_root} holds no checkpoint; run the cycle first, or give --adapter-root")
    sets = {} if options.no_regression else {"regression": suite("regression")}
    if options.dev_prompts:
        sets["dev"] = suite("dev")
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        scratch, root = Path(folder), Path(folder) / "adapter"
        if options.as_they_are:
            shutil.copytree(options.adapter_root, root, ignore=shutil.ignore_patterns("sweep"))
        else:
            make_checkpoints(options.adapter_root, root)
        for name, tasks in sets.items():
            path = scratch / f"{name}.jsonl"
            write_prompt_set(path, [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks])
            if name == "dev":
                write_prompt_set(path, evaluation.read_prompts(path, options.dev_prompts))
            results[name] = {} if options.no_timing else timed(root, path, scratch, options.without_likelihood)
            tell(name, results[name])
            if options.trials:
                results[name] |= replayed(root, path, options.trials)
                tell(name, {key: value for key, value in results[name].items() if key != "sweep_s"})
            if options.json:
                worst = max(
                    (found["ratio_to_one"] for found in results.values() if "ratio_to_one" in found), default=None
                )
                options.json.write_text(json.dumps({"ratio_to_one": worst, "sets": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
