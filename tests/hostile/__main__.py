"""The table of hostile programs: ``make hostile``, or ``python -m tests.hostile [--trace]``.

Every program is run by the judge and once more without it. Printed by kind: how the runs ended, what they changed or
learnt (nothing is right), and the longest. With ``--trace`` the workers' system calls are watched as well (strace).
Exit 1 when any program did harm.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ainl_align.language.sandbox import SandboxFailure
from tests.hostile import runs, watch
from tests.hostile.programs import PROGRAMS

_CALLS = (
    "open,openat,openat2,creat,connect,bind,sendto,sendmsg,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,"
    "rmdir,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat,execve,execveat,fork,vfork,access,faccessat,faccessat2"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", action="store_true", help="also watch system calls, with strace")
    parser.add_argument("--verbose", action="store_true", help="one line for each program")
    options = parser.parse_args()
    if options.trace:
        return _traced()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, runs.surroundings(Path(folder).resolve()) as around:
        before = around.snapshot()
        endings = runs.run(PROGRAMS, around, judged=True, wall_s=2.0)
        changed = sorted(set(before.items()) ^ set(around.snapshot().items()))
        visitors = list(around.visitors)
    if options.verbose:
        for item in endings:
            spent = (
                ""
                if isinstance(item.result, SandboxFailure)
                else f"{item.result['seconds']:6.2f} s {item.result['cpu']:5.2f} s CPU"
            )
            said = (
                item.result
                if isinstance(item.result, SandboxFailure)
                else item.result["error"] or item.result["reason"]
            )
            print(f"{item.hostile.kind:12} {item.hostile.name:36} {item.how:18} {spent} {str(said)[:100]}")
    _table(endings)
    harm = [(item.hostile.name, text) for item in endings for text in item.harm]
    for name, text in harm:
        print(f"HARM: {name}: {text}")
    print(
        f"{len(endings)} programs in {time.monotonic() - started:.0f} s: {len(harm)} did harm, {len(changed)} files "
        f"changed, {len(visitors)} connections"
    )
    return 1 if harm or changed or visitors else 0


def _table(endings: list[runs.Ending]) -> None:
    columns = ("refused", "limit", "failed call", "ran in its world", "stopped")
    print("| kind | programs | " + " | ".join(columns) + " | longest, s | of CPU |\n|" + " --- |" * (len(columns) + 4))
    for kind in dict.fromkeys(item.hostile.kind for item in endings):
        rows = [item for item in endings if item.hostile.kind == kind]
        counts = Counter(item.how.split(" (")[0] for item in rows)
        done = [item.result for item in rows if not isinstance(item.result, SandboxFailure)]
        wall, cpu = (max((result[name] for result in done), default=0) for name in ("seconds", "cpu"))
        cells = " | ".join(str(counts[name]) for name in columns)
        print(f"| {kind} | {len(rows)} | {cells} | {wall:.1f} | {cpu:.1f} |")


def _traced() -> int:
    """Run the table under strace; every call between a program's two marks is judged."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        command = [
            "strace",
            "-f",
            "-qq",
            "-s",
            "120",
            "-o",
            str(log),
            "-e",
            f"trace={_CALLS}",
            sys.executable,
            "-m",
            __package__,
        ]
        try:
            code = subprocess.run(command, check=False).returncode
        except FileNotFoundError:
            print("strace is not installed: system calls are not watched")
            return 1
        inside: set[str] = set()
        ran, calls = 0, []
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            process, _, call = line.partition(" ")
            call = call.strip()
            if watch.MARK in call:
                begins = f"{watch.MARK}/begin" in call
                ran += begins
                inside.add(process) if begins else inside.discard(process)
            elif process in inside and re.match(r"[a-z]", call):
                calls.append(call)
    wrong = [call for call in calls if not _reads_a_module(call)]
    for call in wrong:
        print(f"HARM: {call}")
    print(
        f"system calls: {ran} programs ran, {len(calls)} calls that open, connect, change or start, "
        f"{len(wrong)} forbidden"
    )
    return 1 if wrong or not ran else code


def _reads_a_module(call: str) -> bool:
    return bool(re.match(r'(openat|open|access)\(.*"[^"]*\.(py|pyc|so)"', call)) and "O_CREAT" not in call


if __name__ == "__main__":
    sys.exit(main())
