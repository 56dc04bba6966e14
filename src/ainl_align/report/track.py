"""Optional tracking: a run's figures to trackio, in a process of its own that is stopped when it takes too long.

``python -m ainl_align.report.track HEALTH`` is that process.
"""

import importlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ainl_align.artifacts import read_json
from ainl_align.report.run_files import HEALTH

PROJECT = "ainl-align"
_LIMIT_S = 120.0


def track(health_path: Path, limit_s: float = _LIMIT_S) -> str | None:
    """Send the figures of a finished run; returns what went wrong, or None. Never raises for the tracker's sake."""
    command = [sys.executable, "-m", __name__, str(health_path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return f"tracking took more than {limit_s:.0f} s and was stopped; the run itself is complete"
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"tracking failed ({last[0][:200]}); the run itself is complete"
    return None


def figures(health: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a run by name: rates of the adapter and the base, and seconds by stage."""
    metrics = health["metrics"] or {}
    found = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
    found |= {f"base/{name}": value for name, value in (metrics.get("base") or {}).items() if value is not None}
    found |= {f"seconds/{row['name']}": row["seconds"] for row in health["stages"]}
    return {**found, "passed": float(health["status"] == "pass")}


def send(health: Mapping[str, Any]) -> None:
    """Log a run to trackio, in this process."""
    try:
        trackio: Any = importlib.import_module("trackio")
    except ImportError:
        sys.exit("trackio is not installed: pip install 'ainl-align[track]'")
    trackio.init(project=PROJECT, name=health["run_id"], config=health["provenance"]["settings"])
    trackio.log(figures(health))
    trackio.finish()


if __name__ == "__main__":
    send(read_json(Path(sys.argv[1]), HEALTH))
