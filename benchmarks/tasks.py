"""Speed of the tasks: programs judged a second, one sandboxed worker, and time to generate many tasks.

    .venv/bin/python benchmarks/tasks.py [--json FILE] [--programs 400] [--tasks 10000]

Judging is compile, canonical checks and all scenarios. The programs are golds and their mutants, as a model's outputs
are right and wrong ones; each is different, so nothing is remembered from one to the next. The worker is warm.
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


def pairs(count: int, seed: int) -> list[tuple[str, Task]]:
    """``count`` different programs with their tasks: every gold, and one mutant of it."""
    tasks = generate("train", seed=seed, per_family=count // (2 * len(FAMILIES)) + 1)
    rng = random.Random(seed)
    found = [pair for task in tasks for pair in ((task.gold, task), (rng.choice(mutants(task.gold)).program, task))]
    return rng.sample(found, count)


def judging(count: int) -> dict[str, Any]:
    """Programs a second in one worker process, results and their way back included; and, as other processes slow that
    down, programs a second of CPU time in this process."""
    work = pairs(count + _WARM_UP, seed=5)
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
    results = {"judging": judging(options.programs), "generating": generating(options.tasks), "load_before": load}
    judged, made = results["judging"], results["generating"]
    print(f"machine: load {load:.1f} on {os.cpu_count()} cores before the start")
    print(f"judging: {judged['programs_per_s']:6.1f} programs/s  ({judged['programs']} in {judged['seconds']:.1f} s)")
    print(f"judging without isolation: {judged['programs_per_cpu_s']:6.1f} programs a second of CPU time")
    print(f"generating: {made['seconds']:5.1f} s for {made['tasks']} tasks  ({made['tasks_per_s']:.0f} a second)")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
