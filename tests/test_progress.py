"""Progress: plain lines where there is no terminal, bars where there is one, fallbacks kept."""

import io
import time

from ainl_align.progress import Progress


def test_plain_lines_show_count_time_left_and_note() -> None:
    stream = io.StringIO()
    progress = Progress(stream, line_every_s=0.01)
    with progress.task("decode", 4, "prompts") as task:
        for index in range(4):
            time.sleep(0.012)
            task.advance(note=f"[{index}]")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("decode: 1/4 prompts, 0.0 s, 0.0 s left  [0]")
    assert lines[-1].startswith("decode: 4 prompts, ")
    assert lines[-1].endswith("[3]")


def test_lines_are_rare_when_work_is_quick() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    with progress.task("judge", 1000) as task:
        for _ in range(1000):
            task.advance()
    assert len(stream.getvalue().splitlines()) == 1


def test_nested_tasks_and_unknown_totals() -> None:
    stream = io.StringIO()
    progress = Progress(stream, line_every_s=0)
    with progress.task("outer", 1) as outer, progress.task("inner") as inner:
        inner.advance(3)
        outer.advance()
    assert "inner: 3, 0.0 s" in stream.getvalue()


def test_a_terminal_gets_bars_and_the_summary_line_stays() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = Progress(stream)
    with progress.task("train [x]", 2, "steps") as task:
        task.advance(2)
    progress.say("[bold]kept as it is[/bold]")
    assert "train [x]: 2 steps" in stream.getvalue()
    assert "[bold]kept as it is[/bold]" in stream.getvalue()


def test_fallbacks_are_shown_and_kept() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.fallback("int8 is for the CPU path; full precision is used")
    assert progress.fallbacks == ["int8 is for the CPU path; full precision is used"]
    assert stream.getvalue() == "note: int8 is for the CPU path; full precision is used\n"


def test_a_task_ends_when_its_block_fails() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    try:
        with progress.task("train", 10) as task:
            task.advance(3)
            raise RuntimeError("x")
    except RuntimeError:
        pass
    assert stream.getvalue().startswith("train: 3, ")
