"""Speed of the tasks: programs judged a second, one sandboxed worker, and time to generate many tasks.

    .venv/bin/python benchmarks/tasks.py [--json FILE] [--programs 400] [--tasks 10000]

Judging is compile, canonical checks and all scenarios: of golds, which run them all, and of golds and mutants in equal
parts, as a model's outputs are right and wrong ones. Each program is different, so nothing is remembered from one to
the next. The worker is warm.
"""

import argparse
import json
import os
import random
import time
from itertools import islice
from pathlib import Path
from typing import Any

from ainl_align.language.sandbox import Sandbox
from ainl_align.tasks import scenario
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.mutants import mutants
from ainl_align.tasks.suites import generate
from ainl_align.tasks.task_model import Task

_WARM_UP = 40


def golds(count: int, seed: int) -> list[tuple[str, Task]]:
    """``count`` golds with their tasks, shuffled."""
    tasks = generate("train", seed=seed, per_family=-(-count // len(FAMILIES)))
    return [(task.gold, task) for task in random.Random(seed).sample(tasks, count)]


def mixed(count: int, seed: int) -> list[tuple[str, Task]]:
    """Half golds, half one mutant of other golds."""
    rng = random.Random(seed)
    return [
        (rng.choice(mutants(gold)).program if number % 2 else gold, task)
        for number, (gold, task) in enumerate(golds(count, seed))
    ]


def judging(work: list[tuple[str, Task]]) -> dict[str, Any]:
    """Programs a second in one worker process, results and their way back included; and, as other processes slow that
    down, programs a second of CPU time in this process."""
    with Sandbox(workers=1, preload=[scenario.__name__]) as sandbox:
        results = sandbox.map(scenario.judge_pair, work, scenario.ITEM_TIMEOUT_S)
        for _ in islice(results, _WARM_UP):
            pass
        started = time.perf_counter()
        outcomes = list(results)
        seconds = time.perf_counter() - started
    cpu = time.process_time()
    for program, task in work[_WARM_UP:]:
        scenario.judge(program, task)
    cpu = time.process_time() - cpu
    return {
        "programs": len(outcomes),
        "seconds": seconds,
        "programs_per_s": len(outcomes) / seconds,
        "programs_per_cpu_s": len(outcomes) / cpu,
        "scenarios": sum(len(outcome.scenarios) for outcome in outcomes if isinstance(outcome, scenario.Outcome)),
    }


def generating(count: int) -> dict[str, Any]:
    """Seconds to generate ``count`` training tasks with prompts, golds and scenarios."""
    per_family = -(-count // len(FAMILIES))
    started = time.perf_counter()
    tasks = generate("train", seed=6, per_family=per_family)
    seconds = time.perf_counter() - started
    return {"tasks": len(tasks), "seconds": seconds, "tasks_per_s": len(tasks) / seconds}


def main() -> None:
    """Print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--tasks", type=int, default=10_000)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    results: dict[str, Any] = {"load_before": load, "cores": os.cpu_count()}
    print(f"machine: load {load:.1f} on {os.cpu_count()} cores before the start")
    count = options.programs + _WARM_UP
    for name, work in (("golds", golds(count, seed=5)), ("golds and mutants", mixed(count, seed=7))):
        judged = results[f"judging {name}"] = judging(work)
        print(
            f"judging {name}: {judged['programs_per_s']:.1f} programs/s ({judged['programs']} programs, "
            f"{judged['scenarios']} scenarios); without isolation {judged['programs_per_cpu_s']:.1f} a CPU second"
        )
    made = results["generating"] = generating(options.tasks)
    print(f"generating: {made['seconds']:.1f} s for {made['tasks']} tasks  ({made['tasks_per_s']:.0f} a second)")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
