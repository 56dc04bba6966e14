"""Processes that share a stage's work, one a core. What comes out does not depend on how many there are."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self, TypeVar

from ainl_align.errors import StageError

T = TypeVar("T")
R = TypeVar("R")

_WORTH = 400
"""Tasks from which on it pays to start processes: each takes a second to begin."""


class Crew:
    """Applies functions to items in ``count`` processes, or in this one when that is 1. Leave it with ``with``."""

    def __init__(self, count: int) -> None:
        self.count = count
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, _start) if count > 1 else None

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """The results in the order of the items; ``function`` is importable. The last items are begun first: of
        families they are the ones that take longest. StageError when a process was killed."""
        if self._pool is None:
            yield from map(function, items)
            return
        try:
            futures = [self._pool.submit(function, item) for item in reversed(items)]
            while futures:
                yield futures.pop().result()
        except BrokenProcessPool as error:
            raise StageError("a worker process was killed (out of memory?); run the same command again") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)


ALONE = Crew(1)


def crew_for(tasks: int) -> Crew:
    """A crew for so many tasks: one process a core that this process may use, if the tasks are worth it."""
    if tasks < _WORTH:
        return ALONE
    return Crew(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _start() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt from the keyboard is the parent's to deal with
    gc.freeze()
    gc.set_threshold(50_000)  # compiling makes many objects and few cycles
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
