"""Locks: the second stops and names the first, however the first ends."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ainl_align.artifacts import atomic_open
from ainl_align.errors import UserError
from ainl_align.locks import holder, lock_of_file, lock_of_folder, locked
from ainl_align.progress import Progress

HOLDER = """
import sys, time
from pathlib import Path
from ainl_align.locks import locked
from ainl_align.progress import Progress
with locked(Progress(), folders=[Path(sys.argv[1])]):
    print("locked", flush=True)
    time.sleep(60)
"""


def quiet() -> Progress:
    return Progress(io.StringIO())


def start_holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    return process


def test_a_second_process_is_refused_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    first = start_holder(tmp_path)
    try:
        with (
            pytest.raises(UserError, match=rf"{tmp_path}: is in use by process {first.pid} on .* since .* UTC"),
            locked(quiet(), folders=[tmp_path]),
        ):
            pytest.fail("two had the lock")
        found = holder(lock_of_folder(tmp_path))
        assert found is not None and found.pid == first.pid
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert holder(lock_of_folder(tmp_path)) is None
    said = io.StringIO()
    with locked(Progress(said), folders=[tmp_path]):
        found = holder(lock_of_folder(tmp_path))
        assert found is not None and found.pid == os.getpid()
    assert f"took over the lock of process {first.pid}" in said.getvalue()
    assert os.listdir(tmp_path) == []


def test_within_one_process_too(tmp_path: Path) -> None:
    with locked(quiet(), files=[tmp_path / "a.json"]):
        with (
            pytest.raises(UserError, match=r"a\.json: is in use by process"),
            locked(quiet(), files=[tmp_path / "a.json"]),
        ):
            pytest.fail("two had the lock")
        with locked(quiet(), files=[tmp_path / "b.json"], folders=[tmp_path / "c"]):
            assert lock_of_file(tmp_path / "b.json").exists()
    assert os.listdir(tmp_path) == [], "neither locks nor empty folders stay"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), locked(quiet(), folders=[tmp_path / "file" / "out"]):
        pytest.fail("there is no folder")
    with locked(quiet(), folders=[tmp_path]):
        pass


def test_what_a_killed_write_left_is_removed_and_one_at_work_is_not(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    left = tmp_path / "deep" / ".report.json.abcdefgh.ainl-tmp"
    left.write_text("half")
    link = tmp_path / ".best.123.ainl-tmp"
    link.symlink_to("nowhere")
    with atomic_open(tmp_path / "mine.json") as handle:
        handle.write("{}")
        with locked(quiet(), folders=[tmp_path]):
            assert not left.exists() and not link.is_symlink()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "mine.json"]
