"""Throw every fault at a tiny cycle and print the table, or kill training and sweep at random moments.

python -m tests.chaos [--only WORD] [--seed N] [--most N] [--json FILE]
python -m tests.chaos --training N [--seed N] [--json FILE]
python -m tests.chaos --together
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # results are bitwise the same at one number of threads
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tests.chaos.cycle import Forked, TinyCycle, TrainAndSweep
from tests.chaos.faults import Fault
from tests.chaos.plan import boundaries, faults, moments
from tests.chaos.together import TOGETHER
from tests.chaos.trial import Trial, attempt


def main() -> int:
    """Returns 1 when a fault had a bad outcome."""
    parser = argparse.ArgumentParser(description="throw faults at a tiny cycle")
    parser.add_argument("--only", default="", metavar="WORD,WORD", help="only faults whose kind or name holds one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=None, metavar="N", help="at most so many faults, evenly chosen")
    parser.add_argument("--training", type=int, default=None, metavar="N", help="kill train and sweep at N moments")
    parser.add_argument("--together", action="store_true", help="cycles and readers at the same time, no faults")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ainl-chaos-") as folder:
        if given.training is not None:
            chaos: Forked = TrainAndSweep(Path(folder))
            chosen = list(moments(chaos, given.training, given.seed))
        elif given.together:
            return _together(TinyCycle(Path(folder)))
        else:
            chaos, chosen = _cycle(Path(folder), given)
        trials = [_told(attempt(chaos, fault)) for fault in chosen]
    _table(trials)
    print(f"{sum(bool(trial.problems) for trial in trials)} of {len(trials)} ended wrongly")
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps([trial.as_json() for trial in trials], indent=2) + "\n", encoding="utf-8")
    return int(any(trial.problems for trial in trials))


def _together(cycle: TinyCycle) -> int:
    boundaries(cycle)
    bad = 0
    for name, look in TOGETHER.items():
        problems = look(cycle)
        bad += bool(problems)
        print(f"{'BAD' if problems else 'right':6} {name}", *problems, sep="\n    ", flush=True)
    return int(bad > 0)


def _cycle(folder: Path, given: argparse.Namespace) -> tuple[Forked, list[Fault]]:
    cycle = TinyCycle(folder)
    began = time.monotonic()
    starts = boundaries(cycle)
    every = faults(starts, time.monotonic() - began, given.seed)
    words = given.only.split(",")
    chosen = [fault for fault in every if any(word in fault.kind or word in fault.name for word in words)]
    if given.most is not None:
        chosen = chosen[:: max(1, len(chosen) // given.most)][: given.most]
    return cycle, chosen


def _told(trial: Trial) -> Trial:
    print(f"{trial.outcome:12} {trial.fault.kind:20} {trial.fault.name:28} {trial.note}", flush=True)
    for problem in trial.problems:
        print(f"    {problem}", flush=True)
    return trial


def _table(trials: list[Trial]) -> None:
    kinds = list(dict.fromkeys(trial.fault.kind for trial in trials))
    outcomes = list(dict.fromkeys(trial.outcome for trial in trials))
    counts = Counter((trial.fault.kind, trial.outcome) for trial in trials)
    print(f"\n{len(trials)} faults\n| fault | " + " | ".join(outcomes) + " |\n| --- |" + " --- |" * len(outcomes))
    for kind in kinds:
        print(f"| {kind} | " + " | ".join(str(counts[kind, outcome] or "") for outcome in outcomes) + " |")


if __name__ == "__main__":
    sys.exit(main())
