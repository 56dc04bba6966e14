"""One error boundary: a message and an exit code for every failure, a traceback on the terminal for none."""

import errno
import functools
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, ParamSpec

from ainl_align.errors import AlignError, ExitCode, out_of_memory
from ainl_align.redact import redacted, without_secrets

P = ParamSpec("P")
INTERRUPTED = 130
_LONGEST = 1500
"""Characters of a message."""
# Errors of the file system that a user mends by choosing another path or its permissions.
_PATH_ERRORS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ENOTDIR, errno.ENOENT, errno.ENAMETOOLONG}
)


def guarded(action: Callable[P, int]) -> Callable[P, NoReturn]:
    """Wrap a command so that it ends the process with its exit code, whatever happens in it."""

    @functools.wraps(action)
    def command(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        # Threads of GNU OpenMP (torch's on Linux) wait for one another in a busy loop, of 300,000 turns as it comes:
        # where another process takes a core meanwhile, decoding is several times slower (docs/log.md). Read when
        # torch is loaded.
        if "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault("GOMP_SPINCOUNT", "30000")
        sys.exit(int(_outcome(lambda: action(*args, **kwargs))))

    return command


def _outcome(action: Callable[[], int]) -> int:
    try:
        with _stoppable():
            code = action()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _tell("interrupted; what was finished is kept, run the same command again")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); keep the interpreter from complaining at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CRASH
    except Exception as error:
        return _failure(error)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: what it has finished is kept, its outputs are whole."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _failure(error: Exception) -> int:
    if _disk_full(error):
        _tell(str(error) if isinstance(error, AlignError) else f"no space left on the disk; free some ({error})")
        return ExitCode.USAGE
    if isinstance(error, AlignError):
        _tell(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno in _PATH_ERRORS and error.filename is not None:
        _tell(f"{error.filename}: cannot be used ({error.strerror}); choose another path or fix its permissions")
        return ExitCode.USAGE
    if out_of_memory(error):
        _tell(
            f"out of memory ({_first_line(error)}); what was finished is kept: free some, or raise the limit, and run "
            "the same command again"
        )
        return ExitCode.CRASH
    _tell(f"crashed: {type(error).__name__}: {_first_line(error)}; the traceback is in {_save_traceback(error)}")
    return ExitCode.CRASH


def _disk_full(error: BaseException) -> bool:
    """Whether a full disk is anywhere in the chain of causes; safetensors reports it as text only."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "os error 28" in str(link) or "No space left on device" in str(link):
            return True
        link = link.__cause__ or link.__context__
    return False


def _save_traceback(error: Exception) -> str:
    text = redacted("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="ainl-align-crash-", suffix=".txt", delete=False, encoding="utf-8"
        ) as handle:
            handle.write(text)
    except OSError as problem:
        sys.stderr.write(text)
        return f"the lines above (no file could be written: {problem.strerror})"
    return handle.name


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def _tell(text: str) -> None:
    text = without_secrets(text)
    if len(text) > _LONGEST:  # it quotes something of the user's; both ends say more than the middle
        text = f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
    print(f"ainl-align: {text}", file=sys.stderr)
