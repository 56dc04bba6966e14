"""The sandbox: order, and that hangs, crashes and full memory fail one item, leave nothing behind and stop nobody."""

import gc
import math
import os
import pickle
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from multiprocessing import Pipe
from pathlib import Path

import pytest

from ainl_align.errors import StageError
from ainl_align.language import sandbox as sandbox_module
from ainl_align.language.sandbox import Sandbox, SandboxFailure


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2, memory_mb=128) as shared:
        yield shared


def kinds(results: list[object]) -> list[object]:
    return [result.kind if isinstance(result, SandboxFailure) else result for result in results]


def test_results_keep_the_order_of_the_items(sandbox: Sandbox) -> None:
    assert list(sandbox.map(abs, range(-300, 0), 10)) == list(range(300, 0, -1))
    assert list(sandbox.map(time.sleep, [0.2, 0, 0, 0], 10)) == [None] * 4
    assert list(sandbox.map(abs, [], 10)) == []


def test_results_come_as_soon_as_they_are_there(sandbox: Sandbox) -> None:
    assert next(sandbox.map(abs, iter(range(10**12)), 10)) == 0
    assert list(sandbox.map(abs, [-5], 10)) == [5]


def test_a_hang_is_killed_and_the_others_go_on(sandbox: Sandbox) -> None:
    started = time.monotonic()
    results = list(sandbox.map(time.sleep, [0, 60, 0, 60, 0], 0.5))
    assert kinds(results) == [None, "timeout", None, "timeout", None]
    assert str(results[1]) == "timeout: no result within 0.5 s"
    assert time.monotonic() - started < 10


def test_code_that_never_returns_to_the_interpreter_is_killed(sandbox: Sandbox) -> None:
    assert kinds(list(sandbox.map(math.factorial, [10**8, 5], 0.5))) == ["timeout", 120]


def test_a_crash_is_that_items_failure(sandbox: Sandbox) -> None:
    results = list(sandbox.map(os._exit, [3], 10)) + list(sandbox.map(signal.raise_signal, [11, 0], 10))
    assert [str(result) for result in results] == [
        "crash: the process ended with exit code 3",
        "crash: the process died of SIGSEGV",
        "None",
    ]


def test_full_memory_is_that_items_failure(sandbox: Sandbox) -> None:
    assert kinds(list(sandbox.map(bytes, [3, 10**9, 2], 10))) == [b"\0\0\0", "memory", b"\0\0"]


def test_an_exception_is_a_failure_with_its_message(sandbox: Sandbox) -> None:
    (failure,) = sandbox.map(int, ["x"], 10)
    assert failure == SandboxFailure("error", "ValueError: invalid literal for int() with base 10: 'x'")


def test_workers_see_no_environment_and_cannot_fill_the_disk(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AINL_SECRET", "x")
    assert list(sandbox.map(os.getenv, ["AINL_SECRET", "PATH", "HOME"], 10)) == [None, None, "/nonexistent"]
    assert list(sandbox.map(os.path.abspath, ["x"], 10)) == ["/x"]
    (tmp_path / "old").write_bytes(bytes(10))
    (failure,) = sandbox.map(partial(shutil.copyfile, tmp_path / "old"), [str(tmp_path / "new")], 10)
    assert isinstance(failure, SandboxFailure)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (open, "/etc/hostname"),
        (os.listdir, "/"),
        (os.mkdir, "/tmp/ainl-align-test"),
        (os.remove, "/tmp/ainl-align-test"),
        (os.system, "true"),
        (subprocess.Popen, "true"),
        (sqlite3.connect, "/tmp/ainl-align-test.db"),
        (socket.create_connection, ("127.0.0.1", 9)),
        (import_module, "ctypes"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_workers_reach_neither_files_nor_sockets_nor_processes(
    sandbox: Sandbox, function: Callable[[object], object], argument: object
) -> None:
    (failure,) = sandbox.map(function, [argument], 10)
    assert isinstance(failure, SandboxFailure)
    assert "is not allowed in the sandbox" in failure.message


def test_workers_import_and_use_a_database_in_memory(sandbox: Sandbox) -> None:
    assert list(sandbox.map(import_name, ["wave", "json"], 10)) == ["wave", "json"]
    assert list(sandbox.map(in_memory, [1], 10)) == [1]


def import_name(name: str) -> str:
    return import_module(name).__name__


def in_memory(value: int) -> int:
    connection = sqlite3.connect(":memory:")
    try:
        return int(connection.execute("SELECT ?", (value,)).fetchone()[0])
    finally:
        connection.close()


class Trap:
    """Would run a command in whoever unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch /tmp/ainl-align-trap",)


def set_a_trap(_: int) -> Trap:
    return Trap()


def test_an_answer_cannot_call_anything_in_the_caller(sandbox: Sandbox) -> None:
    trap = Path("/tmp/ainl-align-trap")
    trap.unlink(missing_ok=True)
    (failure,) = sandbox.map(set_a_trap, [1], 10)
    assert isinstance(failure, SandboxFailure)
    assert "the answer cannot be read" in failure.message
    assert not trap.exists()


def test_an_answer_that_is_too_large_is_that_items_failure(sandbox: Sandbox) -> None:
    assert kinds(list(sandbox.map(bytes, [70 * 2**20, 1], 20))) == ["memory", b"\0"]


def test_a_worker_killed_from_outside_is_replaced() -> None:
    with Sandbox(workers=1) as sandbox:
        os.killpg(sandbox._workers[0]._process.pid, signal.SIGKILL)
        assert kinds(list(sandbox.map(abs, [-1, -2, -3], 10))) == [1, 2, 3]


def _runner(sandbox: Sandbox) -> int:
    keeper = sandbox._workers[0]._process.pid
    return int(Path(f"/proc/{keeper}/task/{keeper}/children").read_text())


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("part", ["keeper", "runner"])
def test_an_item_whose_process_is_killed_from_outside_is_run_again(part: str, how: signal.Signals) -> None:
    with Sandbox(workers=1) as sandbox:
        assert list(sandbox.map(abs, [-1], 10)) == [1]
        victim = _runner(sandbox) if part == "runner" else sandbox._workers[0]._process.pid
        threading.Timer(0.2, os.kill, (victim, how)).start()
        started = time.monotonic()
        assert list(sandbox.map(time.sleep, [0.5], 10)) == [None]
        assert time.monotonic() - started > 0.6


def test_what_is_killed_again_and_again_fails_nobody_but_the_run() -> None:
    stop = threading.Event()
    with Sandbox(workers=1) as sandbox:
        list(sandbox.map(abs, [1], 10))

        def kill() -> None:
            while not stop.wait(0.05):
                os.killpg(sandbox._workers[0]._process.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with pytest.raises(StageError, match="killed from outside, 3 times in turn"):
                list(sandbox.map(time.sleep, [30], 60))
        finally:
            stop.set()
            killer.join()


# A user's own limit on memory, which only root may raise: the capability to do so is dropped first.
_LIMITED = """
import ctypes, os, resource, sys
if len(sys.argv) == 1:
    ctypes.CDLL(None).prctl(24, 24)
    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
    os.execv(sys.executable, [sys.executable, __file__, "limited"])
from ainl_align.language.sandbox import Sandbox
if __name__ == "__main__":
    with Sandbox(workers=1) as sandbox:
        print(list(sandbox.map(abs, [-1], 10)))
"""


def test_it_works_under_a_limit_on_memory_that_it_may_not_raise(tmp_path: Path) -> None:
    script = tmp_path / "limited.py"
    script.write_text(_LIMITED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "[1]\n", done.stderr


def test_it_works_beside_threads_that_hold_locks() -> None:
    stop = threading.Event()
    lock = threading.Lock()

    def spin() -> None:
        while not stop.is_set():
            with lock:
                time.sleep(0.001)

    threads = [threading.Thread(target=spin) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        with Sandbox(workers=2) as sandbox:
            assert list(sandbox.map(abs, range(50), 10)) == list(range(50))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Sandbox(workers=0)


# A test run in the background inherits an ignored SIGINT, and so would the caller.
_CALLER = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from ainl_align.language.sandbox import Sandbox
from math import factorial
with Sandbox(workers=2) as sandbox:
    list(sandbox.map(abs, [1, 2, 3, 4], 10))
    print(*[worker._process.pid for worker in sandbox._workers], flush=True)
    list(sandbox.map(factorial, [10**8, 10**8], 60))
"""


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_caller(how: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.Popen(
        [sys.executable, "-c", _CALLER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    )
    try:
        assert caller.stdout is not None
        groups = [int(word) for word in caller.stdout.readline().split()]
        assert len(groups) == 2
        time.sleep(0.3)
        caller.send_signal(how)
        caller.wait(10)
        deadline = time.monotonic() + 10
        while any(_group_alive(group) for group in groups) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(_group_alive(group) for group in groups)
    finally:
        caller.kill()
        caller.wait()


def test_a_keeper_whose_caller_is_killed_while_an_item_is_done_ends_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there = Pipe()
    killed: list[bool] = []

    class Runner:
        def __init__(self, caller: object, memory_mb: int) -> None:
            pass

        def run(self, task: bytes, timeout_s: float) -> bytes:
            here.close()
            return b"done"

        def kill(self) -> None:
            killed.append(True)

    monkeypatch.setattr(sandbox_module, "_Runner", Runner)
    here.send_bytes(pickle.dumps((b"", 1.0)))
    try:
        sandbox_module._keep(os.dup(there.fileno()), 64, ())
    finally:
        gc.unfreeze()
        there.close()
    assert killed == [True]
