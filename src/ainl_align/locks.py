"""Locks on what a run writes: a second run on the same outputs stops, and names the first.

A lock is the kernel's (a POSIX record lock on a hidden file), so it ends with its process, however that ends. The file
holds who has it: process, host, since when, which command. It is removed when the lock is given back.
"""

import errno
import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ainl_align.artifacts import explain, remove_temporaries
from ainl_align.errors import UserError
from ainl_align.progress import Progress

_BUSY = frozenset({errno.EACCES, errno.EAGAIN})
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
_PATIENCE_S = 0.25
"""Somebody who only looks (``holder``) has the lock for microseconds; this is longer."""
# Record locks belong to the process: within one they exclude nobody, and closing any descriptor of the file ends them.
_held: dict[Path, "Holder"] = {}
_guard = threading.Lock()


@dataclass(frozen=True)
class Holder:
    """Who has a lock."""

    pid: int
    host: str
    since: str
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since} ({self.command})"


@contextmanager
def locked(
    progress: Progress, *, folders: Sequence[Path] = (), files: Sequence[Path] = (), wait: bool = False
) -> Iterator[None]:
    """Hold the locks of output folders and single output files while the block runs.

    What a killed run left half-written in them is removed. ``wait``: wait for the holder instead of refusing.
    Raises UserError that names the holder, and when a folder cannot be written.
    """
    with ExitStack() as stack:
        for folder in dict.fromkeys(path.absolute() for path in folders):
            stack.enter_context(_lock(folder, lock_of_folder(folder), progress, wait))
            remove_temporaries(folder)
        for file in dict.fromkeys(path.absolute() for path in files):
            stack.enter_context(_lock(file, lock_of_file(file), progress, wait))
            remove_temporaries(file.parent, file.name)
        yield


def lock_of_folder(folder: Path) -> Path:
    """The lock file of an output folder."""
    return folder / ".ainl-align.lock"


def lock_of_file(file: Path) -> Path:
    """The lock file of a single output file."""
    return file.parent / f".{file.name}.lock"


def holder(lock: Path) -> Holder | None:
    """Who has a lock now; None when nobody has, or who has it cannot be seen."""
    lock = lock.resolve()
    with _guard:
        if lock in _held:
            return _held[lock]
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None


@contextmanager
def _lock(target: Path, lock: Path, progress: Progress, wait: bool) -> Iterator[None]:
    made = [folder for folder in (lock.parent, *lock.parent.parents) if not folder.exists()]
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock = lock.resolve()
        me = Holder(os.getpid(), socket.gethostname(), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", _command())
        _enter(target, lock, me, wait)
    except OSError as error:
        raise explain(error, target) from error
    try:
        descriptor = _take(target, lock, progress, wait)
        if descriptor is None:  # this file system has no locks
            yield
            return
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(me)).encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise explain(error, target) from error
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # while it is held: whoever opens a new file finds no other's name in it
            os.close(descriptor)
    finally:
        with _guard:
            _held.pop(lock, None)
        with suppress(OSError):  # what came to nothing leaves no empty folders
            for folder in made:
                folder.rmdir()


def _enter(target: Path, lock: Path, me: Holder, wait: bool) -> None:
    """Exclude other threads of this process."""
    while True:
        with _guard:
            if lock not in _held:
                _held[lock] = me
                return
            other = _held[lock]
        if not wait:
            raise _refusal(target, other)
        time.sleep(_PATIENCE_S / 5)


def _take(target: Path, lock: Path, progress: Progress, wait: bool) -> int | None:
    """A descriptor that has the lock; None where the file system has no locks."""
    deadline = time.monotonic() + _PATIENCE_S
    told = False
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise explain(error, target) from error
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = _read(descriptor)
            os.close(descriptor)
            if error.errno in _UNSUPPORTED:
                progress.fallback(f"{target}: its file system has no locks; do not start a second run on it")
                return None
            if error.errno not in _BUSY:
                raise explain(error, target) from error
            if not wait and time.monotonic() > deadline:
                raise _refusal(target, other) from None
            if wait and not told:
                told = True
                progress.say(f"{target}: waiting for {other or 'another process'}")
            time.sleep(_PATIENCE_S / 5)
            continue
        if _is_at(descriptor, lock):
            left = _read(descriptor)
            if left is not None:
                progress.say(f"{target}: took over the lock of {left}, which is gone")
            return descriptor
        os.close(descriptor)  # the holder before removed this file; the next attempt makes or opens another


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _read(descriptor: int) -> Holder | None:
    try:
        return Holder(**json.loads(os.pread(descriptor, 10_000, 0)))
    except (OSError, ValueError, TypeError):
        return None


def _refusal(target: Path, other: Holder | None) -> UserError:
    mend = f"stop it (kill {other.pid} on {other.host})" if other else "stop it"
    return UserError(
        f"{target}: is in use by {other or 'another process'}; wait until it ends, {mend}, or give this run other "
        "output paths"
    )


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:300]
