"""The faults: what happens to a run, or to what it left, at a seeded moment."""

import ctypes
import gc
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos.cycle import Ended, Forked

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class NotPermitted(Exception):
    """This machine does not let the fault happen."""


@dataclass(frozen=True)
class Fault:
    """A fault by name. ``strike`` runs the cycle with it, from outputs kept under ``start``; ``expected`` are the exit
    codes that the struck run may have."""

    name: str
    kind: str
    start: str | None
    strike: Callable[[Forked], Ended]
    expected: frozenset[int]


def on_write(out: Path, number: int, action: Callable[[], None], only: str = "") -> Callable[[], None]:
    """Arrange, in a run, for ``action`` at the ``number``-th change of a file under ``out`` whose name has ``only``.

    Changes are what Python's audit events show before they happen: files opened for writing, renamed, removed, made.
    """

    def arrange() -> None:
        seen = 0
        prefix = str(out)

        def hook(event: str, words: tuple[Any, ...]) -> None:
            nonlocal seen
            if event == "open":
                target = words[0] if isinstance(words[2], int) and words[2] & _WRITES else None
            elif event in ("os.rename", "os.link", "os.symlink"):
                target = words[1]
            elif event in ("os.remove", "os.mkdir", "os.rmdir", "os.truncate"):
                target = words[0]
            else:
                return
            if isinstance(target, str | os.PathLike) and str(target).startswith(prefix) and only in str(target):
                seen += 1
                if seen == number:
                    action()

        sys.addaudithook(hook)

    return arrange


def send(how: signal.Signals) -> Callable[[], None]:
    """Send a signal to the run itself."""
    return lambda: os.kill(os.getpid(), how)


def at_write(how: signal.Signals, number: int, only: str = "") -> Callable[[Forked], Ended]:
    """A signal at a change of a file."""
    return lambda cycle: cycle.run(on_write(cycle.out, number, send(how), only))


def after(how: signal.Signals, seconds: float) -> Callable[[Forked], Ended]:
    """A signal after so many seconds."""

    def strike(cycle: Forked) -> Ended:
        began = time.monotonic()
        pid = cycle.start()
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        return cycle.wait(pid, began)

    return strike


def with_little_disk(room: int) -> Callable[[Forked], Ended]:
    """Outputs on a disk with so many bytes of room beyond what is there."""

    def strike(cycle: Forked) -> Ended:
        with disk(cycle, room):
            ended = cycle.run()
            left = cycle.folder / "kept" / "after-full-disk"
            cycle.save(left.name)
        cycle.restore(left.name)
        return ended

    return strike


@contextmanager
def disk(cycle: Forked, room: int) -> Iterator[None]:
    """Mount a small tmpfs over the outputs, with their content; NotPermitted where that is not possible."""
    cycle.out.mkdir(exist_ok=True)
    cycle.save("before-disk")
    used = sum(-(-path.stat().st_size // 4096) * 4096 for path in cycle.out.rglob("*") if path.is_file())
    _mount(cycle.out, f"size={used + room}")
    try:
        cycle.restore("before-disk")
        yield
    finally:
        _libc().umount2(str(cycle.out).encode(), 2)


def _mount(folder: Path, options: str) -> None:
    if _libc().mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options.encode()):
        raise NotPermitted("this process may not mount a disk")


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def read_only(part: str) -> Callable[[Forked], Ended]:
    """A folder of the outputs that cannot be written, for this run."""

    def strike(cycle: Forked) -> Ended:
        folder = str(cycle.out / part).encode()
        Path(os.fsdecode(folder)).mkdir(parents=True, exist_ok=True)
        bind, remount = 4096, 4096 | 32 | 1
        if _libc().mount(folder, folder, None, bind, None) or _libc().mount(None, folder, None, remount, None):
            _libc().umount2(folder, 2)
            raise NotPermitted("this process may not mount a folder read-only")
        try:
            return cycle.run()
        finally:
            _libc().umount2(folder, 2)

    return strike


def damaged(choose: Callable[[Path], list[Path]], how: str, seed: int) -> Callable[[Forked], Ended]:
    """One file, chosen among ``choose(out)``, is truncated, overwritten, emptied or removed; then the cycle runs."""

    def strike(cycle: Forked) -> Ended:
        found = sorted(path for path in choose(cycle.out) if path.is_file() and not path.is_symlink())
        path = random.Random(seed).choice(found)
        damage(path, how, seed)
        ended = cycle.run()
        return Ended(ended.code, f"[{how} {path.relative_to(cycle.out)}]\n{ended.said}", ended.seconds)

    return strike


def damage(path: Path, how: str, seed: int) -> None:
    """Damage one file."""
    content = bytearray(path.read_bytes())
    at = random.Random(seed + 1).randrange(max(1, len(content)))
    if how == "removed":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(content[:at])
    elif how == "emptied":
        path.write_bytes(b"")
    else:
        content[at : at + 8] = b"\0\xffdamage"
        path.write_bytes(content)


def clock_back(hours: float) -> Callable[[Forked], Ended]:
    """A run whose clock is behind: everything that is there seems to come from the future."""

    class Behind(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=hours)

    def inside() -> None:
        import ainl_align.artifacts
        import ainl_align.cycle.state
        import ainl_align.gate.history
        import ainl_align.report.health

        original = time.time
        time.time = lambda: original() - hours * 3600
        for module in (
            ainl_align.artifacts,
            ainl_align.cycle.state,
            ainl_align.gate.history,
            ainl_align.report.health,
        ):
            module.datetime = Behind  # type: ignore[attr-defined]

    def strike(cycle: Forked) -> Ended:
        for path in cycle.out.rglob("*"):
            if not path.is_symlink():
                os.utime(path, (time.time() + hours * 3600,) * 2)
        return cycle.run(inside)

    return strike


def worker_killed(seconds: float, part: int) -> Callable[[Forked], Ended]:
    """The first process that judges programs and is there after so many seconds is killed.

    ``part`` 0: the keeper of a worker; 1: its runner. NotPermitted when there was none.
    """

    def strike(cycle: Forked) -> Ended:
        began = time.monotonic()
        pid = cycle.start()
        time.sleep(seconds)
        killed = False
        while not killed and _is_there(pid):
            workers = [child for child in _children(pid) if _is_worker(child)]
            for victim in [child for worker in workers for child in _children(worker)] if part else workers:
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                    killed = True
                    break
            time.sleep(0.005)
        ended = cycle.wait(pid, began)
        if not killed:
            raise NotPermitted("no program was judged")
        return ended

    return strike


def _is_worker(pid: int) -> bool:
    try:
        return b"sandbox import _keep" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split(") ")[-1][0] != "Z"


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def little_memory(kilobytes: int, number: int) -> Callable[[Forked], Ended]:
    """From a change of a file on, so much address space beyond what the run has then."""

    def limit() -> None:
        gc.collect()
        _libc().malloc_trim(0)  # or what Python has freed would serve for long
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + kilobytes * 1024
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return lambda cycle: cycle.run(on_write(cycle.out, number, limit))


def screening_starved(cycle: Forked) -> Ended:
    """Memory is out when checkpoints share a batch, and there again after."""

    def inside() -> None:
        from ainl_align.sweep.screening import Screening

        def starve(*_: object) -> None:
            raise MemoryError

        Screening.run = starve  # type: ignore[assignment, method-assign]

    return cycle.run(inside)
