"""The history of runs: copies of their reports, and a log of what became of them that is only ever added to.

The log (``runs.jsonl``) and the copies lie in one folder, ``history`` under the folder of the reports. Its order is the
order of the runs: file times change with every copy. Each line is one event of one run: ``run`` (its report became
part of the history, with the hash of its bytes), ``verdict`` (the gate judged it), ``accept`` (a person made it the
champion). Schema: ``schemas/gate_history.json``.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from ainl_align.artifacts import atomic_open, file_hash, is_json, load_schema, read_jsonl
from ainl_align.errors import UserError
from ainl_align.gate.reports import Report, read_report

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


@dataclass(frozen=True)
class Entry:
    """A recorded run."""

    run_id: str
    report: Path
    digest: str
    format: str


@dataclass
class History:
    """What the log of a folder says: runs in their order, their last verdicts, and the champion's run id."""

    folder: Path
    runs: dict[str, Entry] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    champion: str | None = None

    @property
    def log(self) -> Path:
        """The file that is added to."""
        return self.folder / "runs.jsonl"

    def record(self, path: Path) -> str:
        """Make a report part of the history and return its run id; the same report twice is recorded once.

        Raises UserError for a damaged report, and when another report is recorded under the same run id.
        """
        report = read_report(path, allow_older=True)
        known = self.runs.get(report.key)
        if known is not None and known.digest == report.digest:
            if not known.report.is_file() or file_hash(known.report) != known.digest:
                self._copy(path, known.report)
            return known.run_id
        if known is not None:
            raise UserError(
                f"{path}: run {report.key} is in {self.log} with another report; evaluate again under a new run id"
            )
        if not _NAME.fullmatch(report.key):
            raise UserError(f"{path}: field 'run_id' {report.key!r} is no name for a file; write the report again")
        name = f"model_eval_report_{report.key}.json"
        self._copy(path, self.folder / name)
        entry = Entry(report.key, self.folder / name, report.digest, report.format)
        self._append("run", entry.run_id, report=name, sha256=entry.digest, format=entry.format)
        self.runs[entry.run_id] = entry
        return entry.run_id

    def _copy(self, path: Path, target: Path) -> None:
        with atomic_open(target) as handle:
            # Decoded without a change to its line ends: the copy has the same bytes, and so the same hash.
            handle.write(path.read_bytes().decode())

    def judged(self, run_id: str, status: str, policy: str) -> None:
        """Add a verdict."""
        self._append("verdict", run_id, status=status, policy=policy)
        self.verdicts[run_id] = status

    def accept(self, run_id: str, reason: str) -> Report:
        """Make a recorded run the champion and return its report.

        Raises UserError when it is not recorded, its report is damaged or missing, or its gate did not pass and no
        reason is given.
        """
        if run_id not in self.runs:
            known = f"the last recorded is {list(self.runs)[-1]}" if self.runs else "no run is recorded yet"
            raise UserError(f"{run_id}: no such run in {self.log}; {known}")
        report = self.report(run_id)
        if self.champion == run_id:
            return report
        status = self.verdicts.get(run_id)
        if status != "pass" and not reason:
            said = f"its verdict was {status}" if status else "the gate has not judged it"
            raise UserError(f"{run_id}: {said}; give a --reason to accept it all the same")
        self._append("accept", run_id, reason=reason)
        self.champion = run_id
        return report

    def report(self, run_id: str) -> Report:
        """A recorded run's report; UserError when it is missing, or is not what was recorded."""
        entry = self.runs[run_id]
        if not entry.report.is_file():
            raise UserError(f"{entry.report}: the report of run {run_id} is gone; bring it back from a backup")
        if file_hash(entry.report) != entry.digest:
            raise UserError(f"{entry.report}: was changed after run {run_id} was recorded; bring back the original")
        return read_report(entry.report, allow_older=True)

    def _append(self, event: str, run_id: str, **fields: str) -> None:
        line = {"event": event, "run_id": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds"), **fields}
        jsonschema.validate(line, load_schema("gate_history"))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as handle:
                whole = _whole_lines(self.log)
                handle.truncate(whole)
                try:
                    between = b"\n" if whole and self.log.read_bytes()[whole - 1 : whole] != b"\n" else b""
                    handle.write(between + json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    handle.flush()
                    os.fsync(handle.fileno())
                except OSError:
                    handle.truncate(whole)  # a full disk takes half a line
                    raise
        except OSError as error:
            raise UserError(f"{self.log}: cannot be added to ({error.strerror}); fix its permissions") from error


def read_history(folder: Path) -> History:
    """The history in a folder, empty when it has no log; UserError names the line that is damaged."""
    history = History(folder)
    if not history.log.exists() or not _whole_lines(history.log):
        return history
    validator = jsonschema.Draft202012Validator(load_schema("gate_history"))
    for number, line in read_jsonl(history.log, whole_lines=True):
        where = f"{history.log}, line {number}"
        if not validator.is_valid(line):
            raise UserError(f"{where}: is no event of a run; remove what was not written by ainl-align")
        _apply(history, line, where)
    return history


def _whole_lines(log: Path) -> int:
    """Bytes of a log without the half line that a killed write left; a line that only lacks its end is whole."""
    content = log.read_bytes()
    ended = content.rfind(b"\n") + 1
    return len(content) if is_json(content[ended:]) else ended


def _apply(history: History, line: Mapping[str, Any], where: str) -> None:
    run_id = line["run_id"]
    if line["event"] == "run":
        if run_id in history.runs or Path(line["report"]).name != line["report"]:
            raise UserError(f"{where}: run {run_id} is recorded twice, or its report lies elsewhere; mend the log")
        history.runs[run_id] = Entry(run_id, history.folder / line["report"], line["sha256"], line["format"])
        return
    if run_id not in history.runs:
        raise UserError(f"{where}: run {run_id} was never recorded; mend the log")
    if line["event"] == "verdict":
        history.verdicts[run_id] = line["status"]
    else:
        history.champion = run_id
