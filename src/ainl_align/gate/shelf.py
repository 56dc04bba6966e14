"""All reports that a gate can see, in the order of their runs, and what could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ainl_align.errors import UserError
from ainl_align.gate.history import History
from ainl_align.gate.reports import Report, read_report

_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Unreadable:
    """A report that cannot be used; ``ignored`` when a person named it, so that it does not fail the gate."""

    path: Path
    problem: str
    ignored: bool


@dataclass(frozen=True)
class Shelf:
    """Readable reports, oldest first, and the others."""

    reports: tuple[Report, ...]
    unreadable: tuple[Unreadable, ...]

    def find(self, run_id: str | None) -> Report | None:
        """The report of a run."""
        return next((report for report in self.reports if run_id is not None and report.key == run_id), None)


def fill(folder: Path, pattern: str, ignore: Sequence[str], history: History, also: Path | None = None) -> Shelf:
    """Every report under ``folder`` that matches, every recorded one, and ``also`` wherever it lies.

    Files with the same bytes count once. ``ignore`` holds file names or run ids to leave out. Recorded runs stand in
    the order of the log, others by the time inside them. Raises UserError when the folder is missing, or nothing is
    there.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name the folder of the evaluation reports (--reports-dir)")
    recorded = {entry.report.resolve(): entry for entry in history.runs.values()}
    by_digest: dict[str, Report] = {}
    unreadable = []
    for path in _candidates(folder, pattern, also, [entry.report for entry in history.runs.values()]):
        entry = recorded.get(path.resolve())
        left_out = path.name in ignore or (entry is not None and entry.run_id in ignore)
        try:
            report = history.report(entry.run_id) if entry is not None else read_unrecorded(path, history)
        except UserError as error:
            unreadable.append(Unreadable(path, str(error), left_out))
            continue
        if path == also or not (left_out or report.key in ignore):
            by_digest.setdefault(report.digest, report)
    if not by_digest and not unreadable:
        raise UserError(f"{folder}: holds no report that matches {pattern!r}; run the evaluation first")
    return Shelf(tuple(_ordered(list(by_digest.values()), history)), tuple(unreadable))


def read_unrecorded(path: Path, history: History) -> Report:
    """A report beside the history; UserError when its run is recorded with another content."""
    report = read_report(path, allow_older=any(entry.format == "older" for entry in history.runs.values()))
    entry = history.runs.get(report.key)
    if entry is not None and entry.digest != report.digest:
        raise UserError(f"{path}: differs from what was recorded for run {report.key}; evaluate again")
    if entry is None and report.format == "older":
        raise UserError(f"{path}: is a report in the older format; add it with: ainl-align gate import {path}")
    return report


def _candidates(folder: Path, pattern: str, also: Path | None, recorded: list[Path]) -> list[Path]:
    try:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        raise UserError(f"--glob {pattern!r}: {error}; give a pattern relative to {folder}") from error
    first = [also] if also is not None else []
    unique: dict[Path, Path] = {}
    for path in (*first, *found, *recorded):
        unique.setdefault(path.resolve(), path)
    return list(unique.values())


def _ordered(reports: list[Report], history: History) -> list[Report]:
    """Recorded ones as they were recorded; each other one after the last that is no younger."""
    place = {entry.digest: number for number, entry in enumerate(history.runs.values())}
    ordered = sorted((report for report in reports if report.digest in place), key=lambda item: place[item.digest])
    others = (report for report in reports if report.digest not in place)
    for report in sorted(others, key=lambda item: (item.created or _NO_TIME, str(item.path))):
        at = len(ordered)
        while at and (ordered[at - 1].created or _NO_TIME) > (report.created or _NO_TIME):
            at -= 1
        ordered.insert(at, report)
    return ordered
