"""Runs hostile programs in the sandbox, with a watch on the folders around them and on a port."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ainl_align.language.sandbox import Sandbox, SandboxFailure
from ainl_align.tasks.scenario import ITEM_TIMEOUT_S
from tests.hostile import watch
from tests.hostile.programs import Hostile


@dataclass
class Surroundings:
    """Folders with something in them, and a port that counts its visitors."""

    root: Path
    port: int
    visitors: list[Any] = field(default_factory=list)

    def fill(self, program: str) -> str:
        """The program, aimed at these surroundings."""
        here = {"{scratch}": str(self.root / "scratch"), "{home}": str(self.root / "home"), "{port}": str(self.port)}
        for name, value in here.items():
            program = program.replace(name, value)
        return program

    def snapshot(self) -> dict[str, tuple[int, int, str]]:
        """Every file and folder around a program: mode, time of its last change, hash of its content."""
        found = {}
        watched = [self.root, Path.home() / ".openclaw", Path("/dev/shm/ainl-hostile"), Path("/nonexistent")]
        for path in [item for folder in watched if folder.exists() for item in (folder, *sorted(folder.rglob("*")))]:
            state = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (state.st_mode, state.st_mtime_ns, content)
        return found


@contextmanager
def surroundings(root: Path) -> Iterator[Surroundings]:
    """Make them, with the current folder, HOME and the environment of this process inside."""
    for name in ("scratch", "home", "here"):
        (root / name).mkdir(parents=True)
    for name in ("scratch/secret.txt", "home/secret.txt", "here/secret.txt", "scratch/secret.ainl"):
        (root / name).write_text(f"{watch.SECRET}\n", encoding="utf-8")
    (root / "scratch" / "old.db").write_bytes(b"")
    before = Path.cwd(), dict(os.environ)
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Surroundings(root, server.getsockname()[1])
        threading.Thread(target=_count, args=(server, made.visitors), daemon=True).start()
        os.chdir(root / "here")
        os.environ.update(HOME=str(root / "home"), AINL_HOSTILE_SECRET=watch.SECRET, AINL_EXT_ALLOW_EXEC="1")
        try:
            yield made
        finally:
            os.chdir(before[0])
            os.environ.clear()
            os.environ.update(before[1])


def _count(server: socket.socket, visitors: list[Any]) -> None:
    while True:
        try:
            connection, address = server.accept()
        except OSError:
            return
        visitors.append(address)
        connection.close()


@dataclass(frozen=True)
class Ending:
    """How one program ended: ``result`` as ``run_watched`` gives it, or why the worker was stopped."""

    hostile: Hostile
    result: Mapping[str, Any] | SandboxFailure

    @property
    def harm(self) -> list[str]:
        """What it did that it must not do; empty for every program."""
        if isinstance(self.result, SandboxFailure):
            return []
        done = [f"tried {event}" for event in self.result["seen"]] + [
            f"learnt the {name}" for name in self.result["leaks"]
        ]
        return [*done, "passed its task"] if self.result["success"] else done

    @property
    def how(self) -> str:
        """The bare run: refused, limit, error, ran, or stopped with its process."""
        if isinstance(self.result, SandboxFailure):
            return f"stopped ({self.result.kind})"
        error = self.result["error"]
        if error is None:
            return "ran in its world"
        if error.startswith(("does not compile", "has steps", "has no ")):
            return "refused"
        return "limit" if error.startswith("limit: ") else "failed call"


def run(
    programs: Sequence[Hostile], around: Surroundings, *, judged: bool, wall_s: float, workers: int = 2
) -> list[Ending]:
    """Run programs in one batch."""
    items = [watch.Item(around.fill(item.program), item.trigger, judged, wall_s) for item in programs]
    with Sandbox(workers=workers, preload=[watch.__name__]) as sandbox:
        results = sandbox.map(watch.run_watched, items, ITEM_TIMEOUT_S)
        return [Ending(item, result) for item, result in zip(programs, results, strict=True)]
