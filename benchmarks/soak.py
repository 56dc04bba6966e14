"""Memory of long runs: judging, evaluation and sweep over many prompts, and its slope.

    .venv/bin/python benchmarks/soak.py [--json FILE] [--only sweep] [--prompts 10000] [--round 500]
    .venv/bin/python benchmarks/soak.py --only sweep --base-model smollm2-135m --prompts 200 --round 20

A two-layer model with random weights answers (its programs are valid by the constraint, and wrong) unless a base is
named, so that the figures are about our own memory: constraint caches, remembered places, compiled programs, the
workers that judge. Every round takes other prompts in the same process, and a sweep reads what all sweeps before it
kept. What is printed is the slope of its own memory (private pages, children included) over the rounds, by Theil and
Sen (the median of the slopes between all pairs, which one jump does not move), after half of them to warm up: the
memories of programs and places are full after some 4,000. "flat" is less than 1 MiB in 1,000 prompts. Exit 1 when one
is not. FILE is written after every round; what it says of other parts stays.
A sweep takes some 60 ms of CPU a prompt, and five seconds a round to start the processes that judge.
"""

import argparse
import ctypes
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from scipy.stats import theilslopes

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for the tests' tiny models

from ainl_align.evaluation import run as evaluation  # noqa: E402
from ainl_align.language.sandbox import Sandbox  # noqa: E402
from ainl_align.progress import Progress  # noqa: E402
from ainl_align.sweep import run as sweep  # noqa: E402
from ainl_align.tasks import scenario  # noqa: E402
from ainl_align.tasks.families import FAMILIES  # noqa: E402
from ainl_align.tasks.prompts import PromptRow, write_prompt_set  # noqa: E402
from ainl_align.tasks.suites import generate  # noqa: E402
from ainl_align.tasks.task_model import Task  # noqa: E402
from ainl_align.training import finetune  # noqa: E402
from tests.tiny import byte_tokenizer, make_base, write_chat_rows  # noqa: E402

FLAT = 1.0
"""MiB in 1,000 prompts."""
_MIB = 2**20


def resident(process: psutil.Process) -> float:
    """MiB that a process and its children wrote for themselves, after what can be given back is given back."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return sum(_own(part) for part in (process, *process.children(recursive=True))) / _MIB


def _own(process: psutil.Process) -> int:
    """Bytes. Pages of a library turn private when another process that has it loaded ends: not counted on Linux."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return int(process.memory_full_info().uss)
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))


def slope(points: list[tuple[int, float]]) -> tuple[float, float, float]:
    """MiB in 1,000 prompts, of (prompts, MiB), and its 95% interval (Sen 1968)."""
    prompts, memory = zip(*points, strict=True)
    found = theilslopes(memory, [count / 1000 for count in prompts])
    return float(found.slope), float(found.low_slope), float(found.high_slope)


def measured(name: str, rounds: Iterator[int]) -> Iterator[dict[str, Any]]:
    """Look at the memory after every round, each of which gives the number of its prompts.

    Gives what is known so far, from the second round on, so that a run that is cut off leaves something.
    """
    process = psutil.Process()
    points: list[tuple[int, float]] = []
    started, own, load = time.perf_counter(), time.process_time(), os.getloadavg()[0]
    done = 0
    for count in rounds:
        done += count
        points.append((done, resident(process)))
        print(f"{name}: {done} prompts, {points[-1][1]:.1f} MiB", file=sys.stderr, flush=True)
        if len(points) == 1:
            continue
        middle, low, high = slope(points[min(len(points) // 2, len(points) - 2) :])
        yield {
            "prompts": done,
            "seconds": time.perf_counter() - started,
            "own_cpu_seconds": time.process_time() - own,
            "load_before": load,
            "first_mib": points[0][1],
            "last_mib": points[-1][1],
            "slope_mib_per_1000": middle,
            "slope_interval": [low, high],
            "points": points,
            "flat": middle < FLAT,
        }


def sentence(name: str, row: dict[str, Any]) -> str:
    """What a whole run showed."""
    low, high = row["slope_interval"]
    return (
        f"{name}: {row['slope_mib_per_1000']:+.2f} ({low:+.2f} to {high:+.2f}) MiB in 1,000 prompts "
        f"({row['prompts']} prompts, {row['seconds']:.0f} s, {row['first_mib']:.0f} MiB after the first round, "
        f"{row['last_mib']:.0f} at the end): {'flat' if row['flat'] else 'NOT flat'}"
    )


def judging(tasks: list[Task], size: int) -> Iterator[int]:
    """One sandbox judges everything: its two workers are alive while the memory is looked at."""
    with Sandbox(workers=2, preload=[scenario.__name__]) as sandbox:
        for start in range(0, len(tasks), size):
            part = tasks[start : start + size]
            for _ in sandbox.map(scenario.judge_pair, ((task.gold, task) for task in part), scenario.ITEM_TIMEOUT_S):
                pass
            yield len(part)


def evaluating(tasks: list[Task], size: int, folder: Path, base: str) -> Iterator[int]:
    """Evaluations of ``size`` prompts each."""
    for number, start in enumerate(range(0, len(tasks), size)):
        part = tasks[start : start + size]
        evaluation.run(
            evaluation.Settings(
                **_decoding(base),
                adapter_path=folder / "adapter",
                prompt_set=_prompts(folder, part),
                output_json=folder / f"eval-{number}" / "report.json",
                skip_base_eval=True,
            ),
            _silent(),
        )
        yield len(part)


def sweeping(tasks: list[Task], size: int, folder: Path, base: str) -> Iterator[int]:
    """Sweeps of three checkpoints, of ``size`` prompts each."""
    for number, start in enumerate(range(0, len(tasks), size)):
        part = tasks[start : start + size]
        sweep.run(
            sweep.Settings(
                **_decoding(base),
                adapter_root=folder / "adapter",
                prompt_set=_prompts(folder, part),
                output_json=folder / f"sweep-{number}" / "report.json",
            ),
            _silent(),
        )
        yield len(part)


def _decoding(base: str) -> dict[str, Any]:
    return {"base_model": base, "device": "cpu", "max_new_tokens": 40, "repair_attempts": 0}


def _prompts(folder: Path, tasks: list[Task]) -> Path:
    path = folder / "prompts.jsonl"
    write_prompt_set(path, (PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks))
    return path


def _silent() -> Progress:
    return Progress(open(os.devnull, "w", encoding="utf-8"))


def prepare(folder: Path, base: str | None) -> str:
    """An adapter of three checkpoints on a base, or on a tiny one that is made here; the base."""
    base = base or str(make_base(folder / "base", byte_tokenizer()))
    settings = finetune.Settings(
        base_model=base,
        data_path=write_chat_rows(folder / "rows.jsonl", 6),
        eval_data_path=None,
        output_dir=folder / "adapter",
        epochs=1,
        batch_size=2,
        save_steps=1,
        train_device="cpu",
        int8_base="off",
    )
    finetune.run(settings, _silent())
    return base


def main() -> int:
    """Print the slopes and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--round", type=int, default=500)
    parser.add_argument("--base-model", help="instead of the tiny model; its results are kept under its name")
    parser.add_argument("--only", choices=("judging", "evaluation", "sweep"))
    options = parser.parse_args()
    if 2 * options.round > options.prompts:
        parser.error("a slope takes two rounds: give --round at most half of --prompts")
    made = generate("train", seed=11, per_family=-(-options.prompts // len(FAMILIES)))
    tasks = [*made][: options.prompts]
    tasks = [tasks[place] for start in range(101) for place in range(start, len(tasks), 101)]  # families mixed
    known = options.json is not None and options.json.is_file()
    results: dict[str, Any] = json.loads(options.json.read_text(encoding="utf-8")) if known else {}
    with tempfile.TemporaryDirectory() as made_here:
        folder = Path(made_here)
        base = prepare(folder, options.base_model)
        work: dict[str, Callable[[], Iterator[int]]] = {
            "judging": lambda: judging(tasks, options.round),
            "evaluation": lambda: evaluating(tasks, options.round, folder, base),
            "sweep": lambda: sweeping(tasks, options.round, folder, base),
        }
        kinds = [options.only] if options.only else [*work]
        flat = True
        for kind in kinds:
            name = kind if options.base_model is None else f"{kind}, {options.base_model}"
            for row in measured(name, work[kind]()):
                results[name] = row
                if options.json:
                    options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            print(sentence(name, results[name]), flush=True)
            flat = flat and results[name]["flat"]
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
