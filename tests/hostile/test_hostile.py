"""Hostile programs: none reaches the host, none outlasts its limits. The whole table: ``make hostile``."""

import socket
from collections import Counter
from pathlib import Path

import pytest

from ainl_align.language.sandbox import Sandbox, SandboxFailure
from ainl_align.tasks.scenario import judge_all
from tests.hostile import runs, watch
from tests.hostile.programs import PLAIN, PROGRAMS

QUICK_S = 0.2


@pytest.fixture(scope="module")
def endings(tmp_path_factory: pytest.TempPathFactory) -> list[runs.Ending]:
    with runs.surroundings(tmp_path_factory.mktemp("around") / "root") as around:
        before = around.snapshot()
        found = runs.run(PROGRAMS, around, judged=False, wall_s=QUICK_S)
        assert around.snapshot() == before
        assert around.visitors == []
    return found


def test_no_program_reaches_the_host(endings: list[runs.Ending]) -> None:
    assert len({item.name for item in PROGRAMS}) == len(PROGRAMS) >= 100
    assert {item.hostile.name: item.harm for item in endings if item.harm} == {}


def test_no_program_has_to_be_killed(endings: list[runs.Ending]) -> None:
    stopped = {item.hostile.name: str(item.result) for item in endings if isinstance(item.result, SandboxFailure)}
    assert stopped == {}
    slow = {item.hostile.name: item.result["cpu"] for item in endings if item.result["cpu"] > 4}
    assert slow == {}


def test_programs_are_stopped_by_what_should_stop_them(endings: list[runs.Ending]) -> None:
    kinds = Counter((item.hostile.kind, item.how) for item in endings)
    assert kinds["loop", "limit"] >= 12
    assert kinds["SQL, reach", "failed call"] >= 15
    assert kinds["network", "failed call"] >= 17
    assert kinds["names", "ran in its world"] == 0


def test_the_judge_refuses_them(tmp_path: Path) -> None:
    with runs.surroundings(tmp_path / "root") as around:
        chosen = [item for item in PROGRAMS if item.kind in ("files", "names", "loop") and item.trigger == PLAIN]
        outcomes = judge_all([(around.fill(item.program), watch.task(item.trigger)) for item in chosen])
        assert [item.name for item, outcome in zip(chosen, outcomes, strict=True) if outcome.success] == []


def peek(path: str) -> list[str]:
    """What the watch saw of a function that opens a file and a database."""
    import sqlite3
    from contextlib import suppress

    watch.run_watched(watch.Item("", judged=False))
    watch.seen = []
    for opener in (open, sqlite3.connect):
        with suppress(PermissionError):
            opener(path)
    seen, watch.seen = watch.seen, None
    return seen


def test_the_watch_sees_what_there_is_to_see(tmp_path: Path) -> None:
    """So that an empty list above means something."""
    with Sandbox(workers=1, preload=[watch.__name__]) as sandbox:
        (seen,) = sandbox.map(peek, [str(tmp_path / "x")], 20)
    assert [text.split()[0] for text in seen] == ["open", "sqlite3.connect"]
    with runs.surroundings(tmp_path / "root") as around:
        before = around.snapshot()
        (around.root / "home" / "new").touch()
        assert around.snapshot() != before
        socket.create_connection(("127.0.0.1", around.port)).close()
        deadline = 100
        while not around.visitors and deadline:
            deadline -= 1
            watch.time.sleep(0.02)
        assert len(around.visitors) == 1
