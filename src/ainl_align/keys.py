"""Content keys: what a result was made from, part by part, so that a rerun knows what is still right and why not."""

import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path

Key = Mapping[str, str]
"""Name of a part (settings, data, base, code, libraries …) to the hash of its content."""

_PACKAGE = Path(__file__).parent
_LIBRARIES = ("ainativelang", "torch", "transformers", "trl", "peft", "accelerate", "llguidance")


@functools.cache
def code_hash(*rooms: str) -> str:
    """Hash of everything in the named rooms (folders or modules of this package): sources, schemas, data files."""
    digest = hashlib.sha256()
    for room in sorted(rooms):
        for path in _files(room):
            digest.update(f"{path.relative_to(_PACKAGE)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(room: str) -> list[Path]:
    folder = _PACKAGE / room
    if not folder.is_dir():
        return [folder.with_suffix(".py")]
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@functools.cache
def libraries_hash() -> str:
    """Hash of the versions of the libraries that results depend on."""
    return hashlib.sha256("\n".join(f"{name}=={_version(name)}" for name in _LIBRARIES).encode()).hexdigest()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def differing(one: Key, other: Key) -> list[str]:
    """Names of the parts in which two keys differ."""
    return [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]


def in_words(parts: Iterable[str]) -> str:
    """Names of parts as a phrase: "settings and data"."""
    names = list(parts)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
