"""The rooms of the package: imports run one way, and what needs no torch does not load it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "ainl_align"
SHARED = {"artifacts", "config", "errors", "keys", "locks", "progress", "redact"}
MAY_IMPORT = {
    "language": set(),
    "tasks": {"language"},
    "data": {"language", "tasks"},
    "training": {"language", "tasks", "data"},
    "decoding": {"language", "training"},
    "evaluation": {"language", "tasks", "data", "training", "decoding"},
    "sweep": {"language", "tasks", "data", "training", "decoding", "evaluation"},
    "gate": set(),
    "report": {"gate"},
}
"""Rooms that a room may import, beside itself and the shared modules."""
TOP = {"cli", "cycle", "pipeline"}
"""What puts the rooms together may import them all; no room imports it."""
WITHOUT_TORCH = (
    "language",
    "tasks",
    "data",
    "gate",
    "report",
    "config",
    "errors",
    "artifacts",
    "progress",
    "keys",
    "locks",
    "redact",
)
HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
MAX_LINES = 500


def modules_of(name: str) -> list[Path]:
    folder = SOURCE / name
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{name}.py"]


def imported(path: Path) -> set[str]:
    """Dotted names of the package's modules that a file imports, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: relative import; write the full name"
            base = node.module or ""
            found |= {f"{base}.{alias.name}" for alias in node.names} if base == "ainl_align" else {base}
    return {name for name in found if name.startswith("ainl_align.")}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_run_one_way(room: str) -> None:
    allowed = MAY_IMPORT[room] | SHARED | {room}
    wrong = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path in modules_of(room)
        for name in sorted(imported(path))
        if name.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", sorted(SHARED))
def test_shared_modules_import_no_room(module: str) -> None:
    wrong = [name for path in modules_of(module) for name in imported(path) if name.split(".")[1] not in SHARED]
    assert not wrong, f"{module} imports {wrong}"


def test_every_room_is_known() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.rglob("*.py"))} - TOP
    assert rooms == set(MAY_IMPORT), "add the new room to MAY_IMPORT, or remove the dead one"


def test_what_needs_no_torch_does_not_load_it() -> None:
    names = [
        ".".join(("ainl_align", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for name in WITHOUT_TORCH
        for path in modules_of(name)
    ]
    assert len(names) > 20, names
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]\n"
        "    if loaded:\n"
        "        sys.exit(f'{name} loads {loaded}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_files_stay_short() -> None:
    """But for lists of phrases, which nobody reads from end to end."""
    files = [path for path in SOURCE.rglob("*.py") if path.parent.name != "wording"]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    long = {str(path.relative_to(SOURCE)): length for path, length in lengths.items() if length > MAX_LINES}
    assert not long, f"over {MAX_LINES} lines: {long}"
