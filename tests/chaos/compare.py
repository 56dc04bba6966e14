"""Whether two cycles left the same: everything but times, run names, and what tells that a run was resumed."""

import json
import re
from pathlib import Path
from typing import Any

RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_TIMES = frozenset(
    {
        *("created", "at", "since", "started", "seconds", "seconds_max", "phases", "timing_totals", "parts", "note"),
        *("replayed", "code", "host", "pid", "traceback", "timing", "slowest", "seconds_by_stage"),
    }
)
"""Keys that may differ: times, how a run was put together, and the code's version, which names no content."""
_TEXTS = (".html", ".xml", ".md")
"""Files that hold times in their text; that they are there and end well is what is compared."""
_LEFT_OUT = re.compile(r"alignment_cycle_state\.json|/sweep/answers/")


def differences(one: Path, other: Path, lay: Path | None = None) -> list[str]:
    """What differs between the outputs of two cycles in words; empty when they are the same.

    ``other`` is a copy of outputs that lay where ``one`` lies, or at ``lay``.
    """
    mine, theirs = _files(one), _files(other)
    found = [
        f"{name}: only in {'the rerun' if name in mine else 'the undisturbed'}" for name in mine.keys() ^ theirs.keys()
    ]
    for name in sorted(mine.keys() & theirs.keys()):
        found += _differences(name, mine[name], theirs[name], (str(one), str(lay or one)))
    return sorted(found)


def leftovers(out: Path) -> list[str]:
    """Temporary files, locks and half-written folders."""
    names = [path for path in out.rglob("*") if path.name.startswith(".") or path.name in ("resume",)]
    half = [path for path in out.rglob("checkpoint-*") if path.is_dir() and not (path / "manifest.json").is_file()]
    return [str(path.relative_to(out)) for path in (*names, *half)]


def _files(out: Path) -> dict[str, Path]:
    found = {}
    for path in out.rglob("*"):
        name = str(path.relative_to(out))
        if (path.is_symlink() or path.is_file()) and not _LEFT_OUT.search(name):
            found[RUN_ID.sub("RUN", name)] = path
    return found


def _differences(name: str, mine: Path, theirs: Path, places: tuple[str, str]) -> list[str]:
    if mine.is_symlink() or theirs.is_symlink():
        same = mine.is_symlink() and theirs.is_symlink() and mine.readlink() == theirs.readlink()
        return [] if same else [f"{name}: points elsewhere"]
    if mine.suffix in _TEXTS:
        ends = [path.read_text(encoding="utf-8").rstrip()[-7:] for path in (mine, theirs)]
        return [] if ends[0] == ends[1] else [f"{name}: ends otherwise"]
    if mine.name == "runs.jsonl":
        same = _events(mine) == _events(theirs)
        return [] if same else [f"{name}: {_events(mine)} and {_events(theirs)}"]
    if mine.suffix == ".json":
        return _apart(name, _plain(mine, places[0]), _plain(theirs, places[1]))
    return [] if mine.read_bytes() == theirs.read_bytes() else [f"{name}: other bytes"]


def _events(path: Path) -> set[tuple[Any, ...]]:
    """What a history tells, but for how often."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(line["event"], line.get("status"), line.get("policy")) for line in lines}


def _plain(path: Path, place: str) -> Any:
    return json.loads(RUN_ID.sub("RUN", path.read_text(encoding="utf-8").replace(place, "OUT")))


def _apart(where: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = {key for key in one.keys() | other.keys() if key not in _TIMES}
        if ".provenance.data." in f"{where}." and str(one.get("path", "")).endswith((".json", *_TEXTS)):
            keys.discard("sha256")  # of a file that holds times
        return [part for key in sorted(keys) for part in _apart(f"{where}.{key}", one.get(key), other.get(key))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [part for index in range(len(one)) for part in _apart(f"{where}.{index}", one[index], other[index])]
    if isinstance(one, float) and isinstance(other, float) and abs(one - other) <= 1e-4 * max(1.0, abs(one)):
        return []
    return [] if one == other else [f"{where}: {str(one)[:80]} and {str(other)[:80]}"]
