"""Progress of long work: live bars on a terminal, plain lines otherwise; always on standard error."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

LINE_EVERY_S = 10.0


class ProgressTask:
    """One piece of work that advances towards its total; may be advanced from several threads."""

    def __init__(self, owner: "Progress", label: str, total: int | None, unit: str) -> None:
        self._owner = owner
        self._label = label
        self._total = total
        self._unit = f" {unit}" if unit else ""
        self._lock = threading.Lock()
        self._started = self._last_line = time.monotonic()
        self._note = ""
        self.done = 0
        bars = owner._bars
        self._bar = bars.add_task(escape(label), total=total, unit=self._unit, note="") if bars else None

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count ``n`` more units as done; ``note`` (kept until the next) stands beside the bar."""
        with self._lock:
            self.done += n
            self._note = note or self._note
            if self._owner._bars is not None and self._bar is not None:
                self._owner._bars.update(self._bar, advance=n, note=escape(self._note))
                return
            now = time.monotonic()
            if now - self._last_line >= self._owner._line_every_s:
                self._last_line = now
                self._owner._line(self._describe(now))

    def _describe(self, now: float) -> str:
        spent = now - self._started
        of = f"/{self._total}" if self._total is not None else ""
        text = f"{self._label}: {self.done}{of}{self._unit}, {_clock(spent)}"
        if self._total is not None and 0 < self.done < self._total:
            text += f", {_clock(spent * (self._total - self.done) / self.done)} left"
        return f"{text}  {self._note}" if self._note else text

    def _finish(self) -> None:
        bars = self._owner._bars
        if bars is not None and self._bar is not None:
            bars.remove_task(self._bar)
        spent = time.monotonic() - self._started
        count = f"{self.done}{self._unit}, " if self.done else ""
        self._owner._line(f"{self._label}: {count}{_clock(spent)}" + (f"  {self._note}" if self._note else ""))


class Progress:
    """Shows what runs, how far it is and the time left, and keeps the fallbacks that happened for the reports.

    ``stream`` defaults to standard error; bars are drawn when it is a terminal, else one line every
    ``line_every_s`` seconds and one at the end of each task.
    """

    def __init__(self, stream: IO[str] | None = None, *, line_every_s: float = LINE_EVERY_S) -> None:
        self.console = Console(file=stream if stream is not None else sys.stderr, highlight=False, soft_wrap=True)
        self.fallbacks: list[str] = []
        self._line_every_s = line_every_s
        self._bars: Bars | None = None
        self._depth = 0

    @contextmanager
    def task(self, label: str, total: int | None = None, unit: str = "") -> Iterator[ProgressTask]:
        """Show a task while the block runs; tasks may be nested."""
        if self._depth == 0 and self.console.is_terminal:
            self._bars = _bars(self.console)
            self._bars.start()
        self._depth += 1
        task = ProgressTask(self, label, total, unit)
        try:
            yield task
        finally:
            task._finish()
            self._depth -= 1
            if self._depth == 0 and self._bars is not None:
                self._bars.stop()
                self._bars = None

    def say(self, text: str) -> None:
        """Print one line of text."""
        self._line(text)

    def fallback(self, text: str) -> None:
        """Say that something else happened than was asked for, and keep it in ``fallbacks``."""
        self.fallbacks.append(text)
        self._line(f"note: {text}")

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False)


def _bars(console: Console) -> Bars:
    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
    )


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"
