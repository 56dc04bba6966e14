"""The outcome as Markdown for GitHub's step summary.

GITHUB_STEP_SUMMARY is untrusted input: only an existing regular file is appended to, never a link, a device or a pipe,
and nothing that goes wrong there stops a run.
"""

import html
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from ainl_align.report.rates import rate_rows
from ainl_align.report.reasons import headline, reasons
from ainl_align.report.run_files import RunFiles
from ainl_align.report.view import STATUS

VARIABLE = "GITHUB_STEP_SUMMARY"
_MARKUP = {ord(sign): f"&#{ord(sign)};" for sign in "&<>\\`|*[]"}
_LARGEST = 1024 * 1024  # GitHub refuses a larger file


def append_step_summary(run: RunFiles, page: Path | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Append the summary where the variable says, once a run; returns what went wrong, or None."""
    target = environment.get(VARIABLE, "")
    if not target:
        return None
    marker = f"<!-- ainl-align run {html.escape(run.run_id)} {run.health['status']} -->"
    text = f"{marker}\n{markdown(run, page)}\n"
    try:
        descriptor = os.open(target, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{VARIABLE} ({target!r}): cannot be written ({reason}); the step summary is left out"
    try:
        problem = _append(descriptor, marker.encode(), text.encode())
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
    finally:
        os.close(descriptor)
    return problem and f"{VARIABLE} ({target!r}): {problem}; the step summary is left out"


def _append(descriptor: int, marker: bytes, text: bytes) -> str | None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if marker in os.pread(descriptor, _LARGEST, 0):
        return None
    if found.st_size + len(text) > _LARGEST:
        return "would grow over 1 MiB, which GitHub refuses"
    os.write(descriptor, text)
    return None


def markdown(run: RunFiles, page: Path | None) -> str:
    """Verdict, reasons and rates."""
    lines = [f"## {STATUS[run.health['status']]}: {_plain(headline(run))}", "", f"Run {_plain(run.run_id)}", ""]
    for reason in reasons(run):
        lines.append(f"- {_plain(reason.text)}")
        lines += [f"  - {_plain(line)}" for line in reason.where]
    if run.evaluation is not None:
        lines += [
            "",
            "| metric | rate | 95% bounds | floor | base | champion |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for row in rate_rows(run.evaluation, run.health["gate"], run.references):
            bounds = "–" if row["rate"] is None else f"{row['lower']:.3f} to {row['upper']:.3f}"
            cells = [_rate(row[name]) for name in ("floor", "base", "champion")]
            of = f"{_rate(row['rate'])} ({row['count']} of {row['n']})"
            lines.append(f"| {row['metric']} | {of} | {bounds} | {' | '.join(cells)} |")
    if page is not None:
        lines += ["", f"Report: {_plain(str(page))}"]
    return "\n".join(lines) + "\n"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _plain(text: str) -> str:
    """One line without markup of its own: messages may quote a prompt or a program."""
    return " ".join(text.split()).translate(_MARKUP)
