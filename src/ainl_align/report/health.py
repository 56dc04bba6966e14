"""alignment_run_health.json: what one cycle did, what came out, and where it stopped."""

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from ainl_align.artifacts import provenance, write_json
from ainl_align.redact import redacted


def new_run_id() -> str:
    """A name for one run that sorts by time (UTC)."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"


@dataclass
class Health:
    """Collects a cycle's outcome; ``write`` gives it to disk whatever happened.

    ``stages`` names every stage in order; those that never started stay ``not_run``.
    """

    stages: tuple[str, ...]
    run_id: str = field(default_factory=new_run_id)
    artifacts: dict[str, Path | None] = field(default_factory=dict)
    selected_adapter: str | None = None
    metrics: dict[str, Any] | None = None
    checkpoint_top1: Mapping[str, Any] | None = None
    gate: Mapping[str, Any] | None = None
    max_new_tokens: int | None = None
    error: dict[str, Any] | None = None
    training_start: str | None = None
    """Which weights training began from, in words."""
    parts: list[dict[str, Any]] = field(default_factory=list)
    """The processes that worked on the run, this one last; empty when it is the only one."""
    _records: dict[str, dict[str, Any]] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> str:
        """pass, fail or inconclusive as the gate says; error when a stage crashed or the gate was not reached."""
        if self.error is not None or self.gate is None:
            return "error"
        return str(self.gate["status"])

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; an exception (Ctrl-C included) is recorded with the stage's name and goes on."""
        assert name in self.stages, name
        started = time.monotonic()
        status, message = "done", None
        try:
            yield
        except BaseException as error:
            status = "failed"
            message = redacted(str(error))
            message = message or ("interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__)
            self.error = {
                "stage": name,
                "message": message,
                "type": type(error).__name__,
                "traceback": redacted("".join(traceback.format_exception(error))),
            }
            raise
        finally:
            before = self._records.get(name, {}).get("seconds", 0.0)
            seconds = before + time.monotonic() - started
            self._records[name] = {"status": status, "seconds": seconds, "error": message}

    def off(self, name: str, note: str) -> None:
        """Record that a stage is left out, and why."""
        assert name in self.stages, name
        self._records[name] = {"status": "off", "seconds": 0.0, "note": note}

    def keep(self, name: str, seconds: float, note: str) -> None:
        """Record that a stage was finished before: in ``seconds`` of this run, and why it need not run."""
        assert name in self.stages, name
        self._records[name] = {"status": "done", "seconds": seconds, "note": note}

    def add(self, name: str, seconds: float, note: str) -> None:
        """Add the time that earlier parts of this run spent on a stage."""
        record = self._records[name]
        record.update(seconds=record["seconds"] + seconds, note=note)

    def stage_rows(self) -> list[dict[str, Any]]:
        """Every stage in order: name, status (done, off, failed, not_run), seconds, and note or error."""
        never = {"status": "not_run", "seconds": 0.0}
        return [{"name": name, **self._records.get(name, never)} for name in self.stages]

    def write(self, path: Path, settings: Mapping[str, Any], fallbacks: list[str], device: str) -> None:
        """Write the health file; artifacts that do not exist (yet) are null."""
        present = {name: item for name, item in self.artifacts.items() if item is not None and item.exists()}
        content = {
            "status": self.status,
            "run_id": self.run_id,
            "artifacts": {name: str(present[name]) if name in present else None for name in self.artifacts},
            "selected_adapter": self.selected_adapter,
            "metrics": self.metrics,
            "training_start": self.training_start,
            "checkpoint_top1": self.checkpoint_top1,
            "gate": self.gate,
            "max_new_tokens": self.max_new_tokens,
            "stages": self.stage_rows(),
            "fallbacks": redacted(fallbacks),
            "error": self.error,
            "seconds": time.monotonic() - self._started + sum(part["seconds"] or 0.0 for part in self.parts[:-1]),
            "parts": self.parts,
        }
        data = {name: item for name, item in present.items() if item.is_file() and item != path}
        write_json(path, "alignment_run_health", content, provenance(settings, data=data, device=device))
