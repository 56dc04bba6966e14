"""The threads of the int8 passes."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from ainl_align.training.cpu.weights import pool


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_threads_do_not_follow_a_fork_and_others_take_their_place() -> None:
    assert list(pool(2).map(abs, [-1, -2])) == [1, 2]
    child = os.fork()
    if child == 0:
        os._exit(0 if list(pool(2).map(abs, [-3])) == [3] else 1)
    with ThreadPoolExecutor(1) as waiter:
        try:
            _, status = waiter.submit(os.waitpid, child, 0).result(timeout=20)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise
    assert status == 0
    assert pool(2) is pool(2)
