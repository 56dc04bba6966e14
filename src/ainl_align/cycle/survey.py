"""What a rerun of a cycle would find: finished, stale, running or missing, stage by stage. Nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.config import CycleSettings
from ainl_align.cycle.run import Work
from ainl_align.cycle.stages import NAMES, Stages
from ainl_align.cycle.state import CycleState
from ainl_align.locks import Holder
from ainl_align.progress import Progress


@dataclass(frozen=True)
class Finding:
    """One stage: done, stale, running, interrupted, missing or off; and why, or since when."""

    name: str
    status: str
    note: str = ""
    seconds: float | None = None
    run_id: str | None = None


def survey(settings: CycleSettings, state: CycleState, base: Any, holder: Holder | None) -> list[Finding]:
    """Every stage of a cycle with these settings; ``holder`` is the process at work on it, if any."""
    seen = _Survey(Stages(settings, Progress(), base), state, holder)
    return [seen.find(name) for name in NAMES]


class _Survey:
    def __init__(self, stages: Stages, state: CycleState, holder: Holder | None) -> None:
        self._stages = stages
        self._state = state
        self._holder = holder
        self._first: str | None = None
        self._works = self._plan()

    def _plan(self) -> Iterator[tuple[str, Work]]:
        """The stages in order, as far as what was found says what they would be given."""
        stages, done = self._stages, self._state.stages
        yield "check", stages.check()
        for name in stages.datasets():
            yield name, stages.build(name)
        yield "finetune", stages.train()
        budget, checkpoints = done["check"].facts["budget"], done["finetune"].facts["checkpoints"]
        yield "sweep", stages.sweep(budget, checkpoints)
        adapter = Path(done["sweep"].facts["top1"]["adapter_path"])
        run_id = done["evaluation"].run_id if "evaluation" in done else ""
        yield "evaluation", stages.evaluate(budget, adapter, checkpoints, run_id)
        yield "gate", stages.gate(run_id)

    def find(self, name: str) -> Finding:
        """The state of a stage; they are asked for in order."""
        if name in ("distill", "boost") and name not in self._stages.datasets():
            return Finding(name, "off", "the settings leave it out")
        done, running = self._state.stages.get(name), self._state.running
        if done is None:
            first, self._first = self._first, self._first or name
            if running is not None and running["stage"] == name:
                status = "running" if self._holder is not None else "interrupted"
                return Finding(name, status, f"since {running['since']}")
            return Finding(name, "missing", f"{first} comes first" if first else "")
        if self._first is not None:
            return Finding(name, "stale", f"{self._first} comes first", done.seconds, done.run_id)
        found, work = next(self._works)
        assert found == name, (found, name)
        problem = done.problem(work.key(), self._pruned() if name == "finetune" else ())
        if problem is not None:
            self._first = name
            return Finding(name, "stale", problem, done.seconds, done.run_id)
        return Finding(name, "done", f"at {done.at}", done.seconds, done.run_id)

    def _pruned(self) -> list[str]:
        swept = self._state.stages.get("sweep")
        return list(swept.facts["pruned"]) if swept is not None else []
