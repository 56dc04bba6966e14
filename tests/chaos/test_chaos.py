"""A few of the faults, for CI; `make chaos` throws them all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def chaos(folder: Path, *words: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words, "--json", str(folder / "trials.json")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    trials: list[dict[str, object]] = json.loads((folder / "trials.json").read_text())
    return trials


def test_a_training_and_a_sweep_that_were_killed_end_as_if_not(tmp_path: Path) -> None:
    trials = chaos(tmp_path, "--training", "3", "--seed", "5")
    assert len(trials) == 3
    assert all(not trial["problems"] for trial in trials)


@pytest.mark.slow
def test_a_cycle_survives_every_kind_of_fault(tmp_path: Path) -> None:
    trials = chaos(tmp_path)
    assert len(trials) >= 60
    assert {trial["outcome"] for trial in trials} <= {
        *(
            "resumed",
            "went on",
            "went on, said how",
            "stopped, resumed",
            "refused, finished",
            "failed, finished",
            "skipped",
        )
    }
