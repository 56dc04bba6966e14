"""Killable worker processes for untrusted programs: a hang, a crash or full memory fails one item and no other.

Each worker is a pair of processes. The keeper is started clean (no fork of the caller, whose threads and devices stay
out of it), loads the language once, and forks the runner, which does the work behind ``guard``. The keeper kills a
runner that is late and forks the next one in milliseconds. Both end with the caller, however it ends.
"""

import gc
import io
import itertools
import json
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, Final, Literal, NoReturn, Self, TypeVar

from ainl_align.errors import StageError
from ainl_align.language import guard

T = TypeVar("T")
R = TypeVar("R")

_BOOT: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from ainl_align.language.sandbox import _keep; _keep(*map(int, sys.argv[2:4]), sys.argv[4:])"
)
_AHEAD: Final = 64
"""Results that a worker may be ahead of the slowest one; bounds memory while results keep their order."""
_TRIES: Final = 3
"""How often an item is sent again whose process was killed from outside (an operator, the kernel short of memory)."""
_SWEPT_AFTER: Final = 200
"""Items after which a runner collects its garbage: the collector by itself waits for tens of MiB of it."""
_LARGEST: Final = 64 * 2**20
"""Bytes of the largest answer that is taken from a runner."""
_FROM_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM})
"""Signals that no program in a runner causes."""
_FINE: Final = b"\0"
_FATAL: Final = b"\1"
_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent"}
"""All that a worker sees of an environment; nothing of it is the caller's."""


@dataclass(frozen=True)
class SandboxFailure:
    """An item that gave no result."""

    kind: Literal["timeout", "memory", "crash", "killed", "error"]
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Sandbox:
    """Context manager around ``workers`` workers.

    ``memory_mb`` is what a runner may use beyond what it starts with. ``preload`` names modules that a keeper imports
    once, so that a fresh runner need not.

    Workers see no environment of the caller and none of its files but Python's modules; they can open no file for
    writing, no socket and no process. Answers may hold builtins and this package's own classes only. They are no
    defence against machine code; AINL programs have no way to run any.
    """

    def __init__(self, *, workers: int = 2, memory_mb: int = 512, preload: Sequence[str] = ()) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; at least one is needed")
        self._count = workers
        self._memory_mb = memory_mb
        self._preload = tuple(preload)
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        try:
            for _ in range(self._count):
                self._workers.append(_Worker(self._memory_mb, self._preload))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill all workers, whatever they do."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def map(self, function: Callable[[T], R], items: Iterable[T], timeout_s: float) -> Iterator[R | SandboxFailure]:
        """Apply an importable function to every item; results in the order of the items, as soon as they are there.

        ``timeout_s`` is wall time for one item. An exception of the function is a SandboxFailure of kind "error".
        One ``map`` at a time; what is still running when the caller stops reading is killed.

        An item whose process is killed from outside is no worse for it: it gets another. Raises StageError when that
        goes on, because such an item cannot be called failed.
        """
        source = enumerate(items)
        busy: dict[Connection, tuple[_Worker, _Sent]] = {}
        try:
            yield from self._drive(function, source, timeout_s, busy)
        finally:
            for worker, _ in busy.values():
                worker.kill()

    def _drive(
        self,
        function: Callable[[T], R],
        source: Iterator[tuple[int, T]],
        timeout_s: float,
        busy: dict[Connection, tuple["_Worker", "_Sent"]],
    ) -> Iterator[R | SandboxFailure]:
        idle = list(self._workers)
        ready: dict[int, R | SandboxFailure] = {}
        exhausted, following = False, 0
        while True:
            while idle and not exhausted and len(ready) < _AHEAD * self._count:
                entry = next(source, None)
                if entry is None:
                    exhausted = True
                    break
                worker = idle.pop()
                sent = _Sent(entry[0], pickle.dumps((function, entry[1])))
                worker.send(sent.task, timeout_s)
                busy[worker.connection] = worker, sent
            if not busy:
                return
            answered = wait(list(busy))
            for connection in [connection for connection in busy if connection in answered]:
                worker, sent = busy.pop(connection)
                result = worker.receive()
                if isinstance(result, SandboxFailure) and result.kind == "killed":
                    sent.again(result)
                    worker.send(sent.task, timeout_s)
                    busy[worker.connection] = worker, sent
                    continue
                ready[sent.index] = result
                idle.append(worker)
            while following in ready:
                yield ready.pop(following)
                following += 1


@dataclass
class _Sent:
    """An item on its way: its place, its message, and how often its process was killed from outside."""

    index: int
    task: bytes
    killed: int = 0

    def again(self, failure: SandboxFailure) -> None:
        self.killed += 1
        if self.killed == _TRIES:
            raise StageError(
                f"the processes that run programs are killed from outside, {_TRIES} times in turn ({failure.message}); "
                "see whether memory or a process limit is short, then run the same command again"
            )


class _Worker:
    """The caller's end of one worker."""

    def __init__(self, memory_mb: int, preload: Sequence[str]) -> None:
        self._arguments = [str(memory_mb), *preload]
        self._start()

    def _start(self) -> None:
        self.connection, theirs = Pipe()
        # -P and the caller's own path: the worker imports what the caller imports, and nothing from its folder.
        places = json.dumps([os.path.abspath(place) for place in sys.path])
        command = [sys.executable, "-P", "-c", _BOOT, places, str(theirs.fileno()), *self._arguments]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,  # an interrupt from the keyboard reaches the caller alone, which then kills us
            )
        finally:
            theirs.close()

    def send(self, task: bytes, timeout_s: float) -> None:
        message = pickle.dumps((task, timeout_s))
        try:
            self.connection.send_bytes(message)
        except OSError:  # the keeper was killed: by an earlier map, or from outside
            self.kill()
            self._start()
            self.connection.send_bytes(message)

    def receive(self) -> Any:
        try:
            answer = self.connection.recv_bytes(_LARGEST)
        except (EOFError, OSError):
            self.kill()
            self._start()
            return SandboxFailure("killed", "a keeper ended; its last words, if any, are on standard error")
        try:
            return _Answer(io.BytesIO(answer)).load()
        except Exception as error:  # bytes that no honest worker sends
            return SandboxFailure("error", f"the answer cannot be read ({type(error).__name__}: {error})"[:500])

    def kill(self) -> None:
        self.connection.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # keeper and runner
        self._process.wait()


class _Answer(pickle.Unpickler):
    """Reads what a worker sends: it may name classes of this package, but call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "Counter"):
            return super().find_class(module, name)
        if module.split(".")[0] == "ainl_align" and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and found.__module__ == module:
                return found
        raise pickle.UnpicklingError(f"a worker's answer names {module}.{name}")


def _keep(descriptor: int, memory_mb: int, preload: Sequence[str]) -> None:
    """Main of the keeper: pass items to a runner, and kill it when it is late or the caller is gone."""
    for name in preload:
        import_module(name)
    caller = Connection(descriptor)
    gc.collect()
    gc.freeze()  # runners share this memory; the collector would copy it by touching it
    runner = _Runner(caller, memory_mb)
    while True:
        try:
            task, timeout_s = pickle.loads(caller.recv_bytes())
        except (EOFError, OSError):
            runner.kill()
            return
        answer = runner.run(task, timeout_s)
        if answer is None:
            return
        try:
            caller.send_bytes(answer)
        except OSError:  # killed while the item was done
            runner.kill()
            return


class _Runner:
    """The keeper's end of the process that does the work."""

    def __init__(self, caller: Connection, memory_mb: int) -> None:
        self._caller = caller
        self._memory_mb = memory_mb
        self._start()

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._caller.close()
            self._connection.close()
            _run(theirs, self._memory_mb)
        theirs.close()

    def run(self, task: bytes, timeout_s: float) -> bytes | None:
        """The pickled result of one item; None when the caller is gone."""
        try:
            self._connection.send_bytes(pickle.dumps((task, timeout_s)))
        except OSError:
            return self._replace(SandboxFailure("crash", ""))
        deadline = time.monotonic() + timeout_s
        while True:
            left = max(deadline - time.monotonic(), 0)
            readable, _, _ = select.select([self._connection, self._caller], [], [], left)
            if self._connection in readable:
                break
            if self._caller in readable:  # nothing is sent to a busy worker: this is the end of the caller
                self.kill()
                return None
            if time.monotonic() >= deadline:
                return self._replace(SandboxFailure("timeout", f"no result within {timeout_s:g} s"))
        try:
            message = self._connection.recv_bytes(_LARGEST)
        except EOFError:
            return self._replace(SandboxFailure("crash", ""))
        except OSError:
            return self._replace(SandboxFailure("memory", f"an answer of more than {_LARGEST >> 20} MiB"))
        fatal, answer = message[:1] == _FATAL, message[1:]
        if fatal:  # a process that ran out of memory is not trusted with another item
            self.kill()
            self._start()
        return answer

    def _replace(self, failure: SandboxFailure) -> bytes:
        status = self.kill()
        self._start()
        if failure.kind == "crash":
            outside = os.WIFSIGNALED(status) and os.WTERMSIG(status) in _FROM_OUTSIDE
            failure = SandboxFailure("killed" if outside else "crash", _died(status))
        return pickle.dumps(failure)

    def kill(self) -> int:
        """Kill and reap; returns the wait status."""
        os.kill(self._pid, signal.SIGKILL)  # ours and not reaped yet, so the number cannot belong to another
        _, status = os.waitpid(self._pid, 0)
        self._connection.close()
        return status


def _died(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"the process died of {signal.Signals(os.WTERMSIG(status)).name}"
    return f"the process ended with exit code {os.WEXITSTATUS(status)}"


def _run(keeper: Connection, memory_mb: int) -> NoReturn:
    """Main of the runner; ends with the process, never returns into the keeper's code."""
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        gc.set_threshold(50_000)  # compiling makes many objects and few cycles
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_AS, _address_space() + memory_mb * 2**20)
        sys.dont_write_bytecode = True
        guard.forbid([*sys.path, sys.prefix, sys.base_prefix])
        for number in itertools.count(1):
            if number % _SWEPT_AFTER == 0:
                gc.collect()
            try:
                task, timeout_s = pickle.loads(keeper.recv_bytes())
            except (EOFError, OSError):
                os._exit(0)
            # A spinning runner whose keeper was killed has nobody to stop it but the kernel.
            used = resource.getrusage(resource.RUSAGE_SELF)
            spent = used.ru_utime + used.ru_stime
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (int(spent + timeout_s) + 5, hard))
            keeper.send_bytes(_answer(task))
    finally:
        os._exit(1)


def _answer(task: bytes) -> bytes:
    """One byte that says whether the process should be given up, then the pickled result."""
    try:
        function, item = pickle.loads(task)
        return _FINE + pickle.dumps(function(item))
    except MemoryError:
        return _FATAL + pickle.dumps(SandboxFailure("memory", "out of memory"))
    except Exception as error:  # the boundary of the sandbox: the item fails, the worker goes on
        return _FINE + pickle.dumps(SandboxFailure("error", f"{type(error).__name__}: {error}"[:500]))


def _limit(which: int, value: int) -> None:
    most = resource.getrlimit(which)[1]  # what the caller lives under, and may not be raised
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(which, (value, value))


def _address_space() -> int:
    """Bytes of address space in use now; an assumed 1 GiB where the system does not say."""
    try:
        with open("/proc/self/statm") as handle:
            return int(handle.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30
