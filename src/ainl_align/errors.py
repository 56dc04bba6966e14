"""Every failure that a user can meet, with its exit code.

The command line turns these into one message and an exit status; nothing else in the package catches them,
except the cycle, which records them in the run health before it stops.
"""

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command (contract, section 5)."""

    OK = 0
    CRASH = 1
    USAGE = 2
    GATE_FAIL = 10
    GATE_INCONCLUSIVE = 11


class AlignError(Exception):
    """A failure with a message for the user: what is wrong, where, and the mend.

    ``str(error)`` is the whole message. Subclasses differ only in their exit code.
    """

    exit_code = ExitCode.CRASH


class UserError(AlignError):
    """Bad input or wrong usage: names the file, the line or field, and the mend."""

    exit_code = ExitCode.USAGE


class StageError(AlignError):
    """A stage could not finish although its input was good."""


class ConstraintDeadEnd(AlignError):
    """The decoder reached a state in which no token is allowed: a bug of ours, never the model's."""


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out anywhere in the chain of causes; torch says so in words only."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError) or (isinstance(link, OSError) and link.errno == errno.ENOMEM):
            return True
        if any(words in str(link).lower() for words in ("out of memory", "allocate memory")):
            return True
        link = link.__cause__ or link.__context__
    return False
