"""What a runner may not do: an audit hook (PEP 578) that refuses files, network, processes and native code.

A second wall. The simulated world gives a program nothing of the host to begin with; this one also holds when a
library under it would open a file, a socket or a process by itself. It cannot be removed once it stands. It is no
defence against machine code inside the process.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

_REFUSED: Final = frozenset(
    [f"os.{name}" for name in ("system", "exec", "posix_spawn", "spawn", "startfile", "fork", "forkpty", "kill")]
    + [f"os.{name}" for name in ("killpg", "remove", "rename", "mkdir", "rmdir", "link", "symlink", "truncate")]
    + [f"os.{name}" for name in ("chmod", "chown", "chflags", "utime", "setxattr", "removexattr", "lockf")]
    + ["subprocess.Popen", "pty.spawn", "sqlite3.enable_load_extension", "sqlite3.load_extension"]
)
_REFUSED_FAMILIES: Final = (
    "socket",
    "ctypes",
    "urllib",
    "http",
    "ftplib",
    "smtplib",
    "shutil",
    "tempfile",
    "webbrowser",
)
_LISTINGS: Final = frozenset({"os.listdir", "os.scandir"})
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def forbid(readable: Iterable[str]) -> None:
    """Refuse everything above in this process from now on, with PermissionError; ``readable`` are the folders whose
    files may be read (modules that are imported late).

    Descriptors that are open already go on working.
    """
    sys.addaudithook(hook(readable))


def hook(readable: Iterable[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook of ``forbid``."""
    folders = tuple(os.path.join(os.path.realpath(folder), "") for folder in readable)

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "builtins.id":  # by far the most frequent: copy.deepcopy asks for every object
            return
        if event == "open":
            path, _, flags = args
            if (isinstance(flags, int) and flags & _WRITING) or not _inside(path, folders):
                raise _no(event, path)
        elif event in _LISTINGS:
            if not _inside(args[0], folders):
                raise _no(event, args[0])
        elif event == "sqlite3.connect":
            if args[0] != ":memory:":
                raise _no(event, args[0])
        elif event in _REFUSED or event.partition(".")[0] in _REFUSED_FAMILIES:
            raise _no(event, args[0] if args else "")

    return refuse


def _inside(path: Any, folders: tuple[str, ...]) -> bool:
    try:
        return os.path.join(os.path.realpath(os.fsdecode(path)), "").startswith(folders)
    except (TypeError, ValueError):  # a descriptor, or no path at all
        return False


def _no(event: str, what: object) -> PermissionError:
    return PermissionError(errno.EPERM, f"{event} is not allowed in the sandbox", str(what)[:200])
