"""What a cycle has finished, and from what: the file that lets a rerun skip, resume, and say why it does not.

``alignment_cycle_state.json`` lies beside the reports. A stage is finished when its entry stands there, with the
content key of what it was made from and the hash of every file that it left.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ainl_align.artifacts import content_hash, file_hash, provenance, read_json, write_json
from ainl_align.errors import UserError
from ainl_align.keys import Key, differing, in_words
from ainl_align.redact import with_home

NAME = "alignment_cycle_state"


@dataclass(frozen=True)
class Done:
    """A finished stage: what it was made from, what it left, what later stages need to know of it."""

    key: Key
    outputs: Mapping[str, str]
    run_id: str
    at: str
    seconds: float
    fallbacks: list[str] = field(default_factory=list)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def problem(self, key: Key, gone: Iterable[str] = ()) -> str | None:
        """Why the stage must run again; None when it need not. Outputs in folders named by ``gone`` may be missing."""
        changed = differing(self.key, key)
        if changed:
            return f"{in_words(changed)} changed"
        folders = tuple(f"{folder}{os.sep}" for folder in gone)
        for name, digest in self.outputs.items():
            if not os.path.lexists(name):
                if not name.startswith(folders):
                    return f"{name} is gone"
            elif output_hash(Path(name)) != digest:
                return f"{name} was changed"
        return None


@dataclass
class CycleState:
    """The file's content. ``status``: running (also after a kill), stopped, or finished.

    ``begun`` names the stages that the run has started itself, ``running`` the one at work, with the hashes of its
    outputs before it; ``spent`` are seconds of earlier parts by stage. ``parts`` has one entry for each process that
    worked on the run, ``final`` the hashes of what it left at its end, beside its stages' outputs. ``settings`` are the
    run's, of which a person set those in ``given``.
    """

    path: Path
    run_id: str | None = None
    asked: str | None = None
    status: str = "stopped"
    exit_code: int | None = None
    final: dict[str, str] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    running: dict[str, Any] | None = None
    spent: dict[str, float] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    stages: dict[str, Done] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, source: Path) -> "CycleState":
        """The state that ``source`` holds; UserError when it cannot be read."""
        document = read_json(source, NAME)
        names = (
            "run_id",
            "asked",
            "given",
            "status",
            "exit_code",
            "final",
            "begun",
            "running",
            "spent",
            "parts",
        )
        return cls(
            path,
            **{name: document[name] for name in names},
            stages={name: Done(**entry) for name, entry in document["stages"].items()},
            settings=with_home(document["provenance"]["settings"]),
        )

    def save(self) -> None:
        """Write the file, and its spare copy."""
        content = {name: value for name, value in asdict(self).items() if name not in ("path", "settings")}
        made_by = provenance(self.settings, data={}, device="cpu")
        for path in (self.path, _spare(self.path)):
            write_json(path, NAME, content, made_by)

    def begin(self, stage: str, key: Key, outputs: Iterable[Path]) -> None:
        """A stage starts: what it left before counts no longer."""
        self.stages.pop(stage, None)
        self.begun = [*dict.fromkeys([*self.begun, stage])]
        self.running = {"stage": stage, "key": dict(key), "before": output_hashes(outputs), "since": now()}
        self.save()

    def end(self, stage: str, done: Done) -> None:
        """A stage is finished."""
        self.stages[stage] = done
        self.running = None
        self.save()


def read_or_empty(folder: Path) -> tuple[CycleState, str | None]:
    """The state in a folder, and what is wrong with the file: its spare copy counts then, or nothing is known."""
    path = folder / f"{NAME}.json"
    if not path.exists() and not _spare(path).exists():
        return CycleState(path), None
    try:
        return CycleState.read(path, path), None
    except UserError as error:
        problem = str(error)
    try:
        return CycleState.read(path, _spare(path)), f"{problem}; its spare copy is used"
    except UserError:
        return CycleState(path), f"{problem}; every stage is checked anew"


def _spare(path: Path) -> Path:
    return path.parent / "history" / path.name


def output_hash(path: Path) -> str:
    """Hash of a stage's output: a file's bytes, or where a link points to."""
    if path.is_symlink():
        return content_hash(os.readlink(path))
    return file_hash(path) if path.is_file() else "no file"


def output_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """The hashes of those of ``paths`` that exist."""
    return {str(path): output_hash(path) for path in paths if os.path.lexists(path)}


def now() -> str:
    """The time (UTC), to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
