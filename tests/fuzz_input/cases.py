"""One case of the input fuzz: a command on damaged input, run in this process, and what must hold afterwards."""

import contextlib
import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ainl_align.cli import main

REFUSED = 2


@dataclass(frozen=True)
class Case:
    """A command line, the exit codes that its input may end in, and the folders of which nothing may change.

    ``outputs`` are paths in them that a command that goes well may write; one that refuses its input may not, but for
    ``withdrawn``: a verdict that no longer holds is taken away. ``log`` may only be added to.
    """

    words: Sequence[str]
    codes: Sequence[int]
    guarded: Sequence[Path]
    outputs: Sequence[Path] = ()
    withdrawn: Sequence[Path] = ()
    log: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    site: Path | None = None
    """A folder of packages that come before the installed ones."""


@dataclass(frozen=True)
class Ending:
    """How a case ended; ``wrong`` says what it must not have done, or is empty."""

    code: int | None
    said: str
    wrong: str


def run(case: Case, here: Path) -> Ending:
    """Run a case in the folder ``here`` and judge it."""
    before = _snapshot(case.guarded)
    kept = case.log.read_bytes() if case.log is not None else b""
    environment, folder = dict(os.environ), Path.cwd()
    out, err = io.StringIO(), io.StringIO()
    words, sys.argv = sys.argv, ["ainl-align", *case.words]
    os.environ.update(case.environment)
    if case.site is not None:
        sys.path.insert(0, str(case.site))
    os.chdir(here)
    code, wrong = None, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        wrong = f"{type(error).__name__} came through: {error}"[:500]
    finally:
        sys.argv = words
        if case.site is not None:
            sys.path.remove(str(case.site))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
    said = err.getvalue()
    after = _snapshot(case.guarded)
    written = (*case.outputs, *([case.log] if case.log else ())) if code != REFUSED else ()
    free = {str(path) for path in (*written, *case.withdrawn)}
    if case.log is not None and not case.log.read_bytes().startswith(_whole(kept)):
        wrong = wrong or f"changed earlier lines of {case.log}"
    changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    touched = [path for path in changed if not any(path == name or path.startswith(f"{name}/") for name in free)]
    return Ending(
        code, said, wrong or _wrong(case, code, out.getvalue(), said) or (f"changed {touched}" if touched else "")
    )


def _wrong(case: Case, code: int | None, out: str, said: str) -> str:
    if "Traceback" in said or "Traceback" in out:
        return "printed a traceback"
    if code not in case.codes:
        return f"exit code {code}, not one of {tuple(case.codes)}"
    if code == REFUSED:
        # Usage that typer itself refuses is a box.
        messages = [line for line in said.splitlines() if line.startswith(("ainl-align: ", "╭─ Error"))]
        if len(messages) != 1:
            return f"{len(messages)} messages"
        if len(messages[0]) > 2000:
            return f"a message of {len(messages[0])} characters"
    return ""


def _whole(log: bytes) -> bytes:
    """A log without the half line that a killed writer would have left."""
    ended = log.rfind(b"\n") + 1
    try:
        json.loads(log[ended:])
    except ValueError:
        return log[:ended]
    return log


def _snapshot(folders: Sequence[Path]) -> dict[str, str]:
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.is_symlink():
                found[str(path)] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.is_dir():
                found[str(path)] = "folder"
    return found
