"""One run of the cycle: what it skips, what it repeats and why, and what it remembers for the next call."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ainl_align.artifacts import content_hash
from ainl_align.config import CycleSettings
from ainl_align.cycle.state import CycleState, Done, now, output_hashes, read_or_empty
from ainl_align.keys import Key, code_hash, libraries_hash
from ainl_align.progress import Progress
from ainl_align.report.health import Health, new_run_id

_ALWAYS = ("artifacts", "schemas")
"""What every stage runs, beside its rooms."""


@dataclass(frozen=True)
class Work:
    """A stage as one run would do it.

    ``rooms``: whose code it runs. ``options``: its settings. ``data``: role to hash of what it reads. ``outputs``: the
    files that it leaves. ``run`` does it and returns what later stages need to know. ``late``: the stage adds to what
    it reads, so its key is taken after it.
    """

    rooms: tuple[str, ...]
    options: Mapping[str, Any]
    run: Callable[[], Mapping[str, Any]]
    outputs: Callable[[], Iterable[Path]]
    data: Callable[[], Mapping[str, str]] = dict
    model: str = ""
    late: bool = False

    def key(self) -> Key:
        """The content key. ``model`` identifies base model and device of stages that use them."""
        parts = {
            "settings": content_hash({name: _plain(value) for name, value in self.options.items()}),
            "data": content_hash(dict(self.data())),
            "code": code_hash(*self.rooms, *_ALWAYS),
            "libraries": libraries_hash(),
        }
        return {**parts, "base model or device": content_hash(self.model)} if self.model else parts


@dataclass
class CycleRun:
    """Bookkeeping of one call: the state on disk, the health, and which stages ran."""

    stages: tuple[str, ...]
    curated: Path
    settings: CycleSettings
    progress: Progress
    force: Sequence[str] = ()
    health: Health = field(init=False)
    state: CycleState = field(init=False)
    ran: list[str] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.health = Health(self.stages)
        self.state, self.damage = read_or_empty(self.curated)

    def open(self) -> None:
        """Begin a run, or go on with the one that was asked for in the same words and has not ended."""
        if self.damage is not None:
            self.progress.say(self.damage)
        settings = self.settings.model_dump(mode="json")
        asked = content_hash({"settings": settings, "force": sorted(self.force)})
        state = self.state
        self.finished_before = state.status == "finished"
        if state.run_id is not None and not self.finished_before and state.asked == asked:
            self.health.run_id = state.run_id
            for part in state.parts:
                part["ended"] = part["ended"] or "killed"
            told = "; ".join(f"{part['started']} {part['ended']}" for part in state.parts)
            self.progress.say(f"run {state.run_id} goes on where it stopped ({told})")
        else:
            state.run_id, state.parts, state.spent, state.begun = new_run_id(), [], {}, []
            self.health.run_id = state.run_id
        state.asked, state.settings, state.given = asked, settings, sorted(self.settings.model_fields_set)
        state.parts.append({"started": now(), "seconds": None, "ended": None})

    def do(self, stage: str, work: Work, gone: Sequence[str] = ()) -> Mapping[str, Any]:
        """Run a stage, or find that it need not; returns what later stages need to know of it."""
        began = time.monotonic()
        with self.health.stage(stage):
            key = work.key()
            known = stage in self.state.stages
            problem = self.problem(stage, key, gone)
            if problem is not None:
                if known:
                    self.progress.say(f"{stage}: runs again, because {problem}")
                try:
                    self._run(stage, work, key, began)
                except BaseException:
                    self.state.spent[stage] = self._spent(stage, began)
                    raise
        done = self.state.stages[stage]
        if problem is None:
            self._keep(stage, done)
        else:
            self._count_parts(stage)
        return done.facts

    def problem(self, stage: str, key: Key, gone: Sequence[str] = ()) -> str | None:
        """Why a stage that has finished must run again, or that it has not finished; None when it need not run."""
        done = self.state.stages.get(stage)
        if done is None:
            return "it has not finished"
        if self.is_forced(stage) and done.run_id != self.health.run_id:
            return "--force asks for it"
        return done.problem(key, gone)

    def is_forced(self, stage: str) -> bool:
        """Whether the stage is to run whatever it was made from."""
        return stage in self.force or "all" in self.force

    def begins_anew(self, stage: str) -> bool:
        """Whether what an earlier attempt at a forced stage left must not be gone on with."""
        return self.is_forced(stage) and stage not in self.state.begun

    def _run(self, stage: str, work: Work, key: Key, began: float) -> None:
        told = len(self.progress.fallbacks)
        self.ran.append(stage)
        self.state.status, self.state.exit_code = "running", None
        self.state.begin(stage, key, work.outputs())
        facts = work.run()
        seconds = self._spent(stage, began)
        self.record(stage, work, work.key() if work.late else key, facts, seconds, self.progress.fallbacks[told:])

    def record(
        self,
        stage: str,
        work: Work,
        key: Key,
        facts: Mapping[str, Any],
        seconds: float,
        fallbacks: Sequence[str] = (),
    ) -> None:
        """A stage is finished."""
        made = output_hashes(work.outputs())
        done = Done(key, made, self.health.run_id, now(), seconds, list(fallbacks), dict(facts))
        self.state.end(stage, done)

    def _spent(self, stage: str, began: float) -> float:
        return time.monotonic() - began + self.state.spent.get(stage, 0.0)

    def _count_parts(self, stage: str) -> None:
        earlier = self.state.spent.get(stage, 0.0)
        if earlier:
            self.health.add(stage, earlier, f"{earlier:.1f} s of it in earlier parts of this run")

    def _keep(self, stage: str, done: Done) -> None:
        mine = done.run_id == self.health.run_id
        whose = "an earlier part of this run" if mine else f"run {done.run_id}"
        note = f"finished in {whose} at {done.at}, and nothing that it depends on has changed"
        self.health.keep(stage, done.seconds if mine else 0.0, note)
        self.progress.fallbacks.extend(line for line in done.fallbacks if line not in self.progress.fallbacks)
        self.progress.say(f"{stage}: {note}")

    def nothing_new(self) -> bool:
        """Whether no stage ran, and what the finished run wrote at its end is still there as it wrote it."""
        final = self.state.final
        return not self.ran and self.finished_before and output_hashes(map(Path, final)) == final

    def part_ends(self, ended: str) -> None:
        """This process's work on the run is over; the health says so when there was other work before."""
        self.state.parts[-1].update(seconds=round(time.monotonic() - self._started, 3), ended=ended)
        self.health.parts = list(self.state.parts) if len(self.state.parts) > 1 else []

    def close(self, exit_code: int | None, final: Iterable[Path] = ()) -> None:
        """Remember how the run ended, with an exit code or before its end (None), and what it wrote at its end."""
        self.state.status = "stopped" if exit_code is None else "finished"
        self.state.exit_code = exit_code
        self.state.running = None
        self.state.final = output_hashes(final)
        self.state.save()


def _plain(value: Any) -> Any:
    return str(value.absolute()) if isinstance(value, Path) else value
