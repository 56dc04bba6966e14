"""base and doctor: what this machine has, and what it lacks."""

import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from ainl_align.artifacts import check_writable
from ainl_align.cli.output import print_table
from ainl_align.config import DEFAULT_BASE, ROOT, default_base
from ainl_align.errors import AlignError, ExitCode

_NEEDED = (
    "ainativelang",
    "torch",
    "transformers",
    "peft",
    "safetensors",
    "numba",
    "llguidance",
    "scipy",
    "jinja2",
    "pydantic",
)
_DISK_NEEDED_GB = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``mend`` is empty when nothing is missing."""

    what: str
    found: str
    ok: bool
    mend: str = ""


def base(
    name: Annotated[str, typer.Argument(help="embedded name, folder or Hugging Face id")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Resolve a base model to its local folder (the default one when no name is given)."""
    from ainl_align.training.base import resolve

    model = resolve(name or default_base())
    rows = {"name": model.name, "folder": str(model.folder), "fingerprint": model.fingerprint, "source": model.source}
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        for key, value in rows.items():
            print(f"{key:12} {value}")
    return ExitCode.OK


def doctor(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> int:
    """Show what is installed, which devices and base models there are, and how to mend what is missing."""
    findings = list(_look())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("", "what", Column("found", overflow="fold"), Column("mend", overflow="fold"), box=None)
        for item in findings:
            table.add_row("ok" if item.ok else "MISSING", item.what, item.found, item.mend)
        print_table(table)
    return ExitCode.OK if all(finding.ok for finding in findings) else ExitCode.USAGE


def _look() -> Iterator[Finding]:
    yield Finding("python", platform.python_version(), True)
    for name in _NEEDED:
        yield _library(name)
    git = shutil.which("git")
    yield Finding("git", git or "not found", git is not None, "" if git else "install git; provenance names the commit")
    yield from _devices()
    names = dict.fromkeys([DEFAULT_BASE, default_base()])
    for name in names:
        yield _base_model(name)
    yield _shipped_adapter()
    for folder in (ROOT / "models", ROOT / "corpus"):
        yield _folder(folder)


def _library(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name), True)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", False, "run bash scripts/setup.sh")


def _devices() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding("devices", f"unknown ({error})", False, "run bash scripts/setup.sh")
        return
    yield Finding("device cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads", True)
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield Finding(f"device cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB", True)
    if torch.backends.mps.is_available():
        yield Finding("device mps", "present", True)
    from ainl_align.training.precision import pick_device

    yield Finding("device auto", pick_device("auto"), True)


def _base_model(name: str) -> Finding:
    from ainl_align.training.base import resolve

    try:
        model = resolve(name)
    except AlignError as error:
        return Finding(f"base {name}", "does not resolve", False, str(error))
    return Finding(f"base {name}", f"{model.folder} ({model.source})", True)


def _shipped_adapter() -> Finding:
    from ainl_align.training.checkpoints import load_adapter
    from ainl_align.training.shipped import shipped

    label, folder = "shipped adapter", shipped()
    if folder is None:
        return Finding(label, "none comes with this installation", True)
    try:
        load_adapter(folder)
    except AlignError as error:
        return Finding(label, f"{folder} (damaged)", False, str(error))
    return Finding(label, str(folder), True)


def _folder(folder: Path) -> Finding:
    label = f"folder {folder.relative_to(ROOT)}"
    try:
        check_writable(folder)
    except AlignError as error:
        return Finding(label, "not writable", False, str(error))
    free = shutil.disk_usage(folder).free / 1e9
    enough = free >= _DISK_NEEDED_GB
    mend = "" if enough else f"free {_DISK_NEEDED_GB - free:.1f} GB on this disk"
    return Finding(label, f"writable, {free:.0f} GB free", enough, mend)
