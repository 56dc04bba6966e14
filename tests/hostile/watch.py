"""Runs a hostile program in a worker and writes down what it tried there; imported by the worker itself."""

import os
import re
import sys
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from ainl_align.language.world import Limits, Trigger, run_program
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.task_model import Expect, Scenario, Task
from tests.hostile.programs import PLAIN, WORLD, plain

SECRET = "canary-5d2f9b"
MARK = "/ainl-align-hostile"
"""A path that is asked for before and after each program, so that a trace of system calls shows where it ran."""
# Events of the interpreter itself while it runs Python that is loaded already. Everything else is written down.
_QUIET = frozenset(
    {
        *("builtins.id", "compile", "exec", "object.__getattr__", "object.__setattr__", "sys._getframe"),
        *("sqlite3.connect/handle", "pickle.find_class", "code.__new__", "function.__new__", "cpython.run_string"),
    }
)
seen: list[str] | None = None


@dataclass(frozen=True)
class Item:
    """One program for a worker; ``wall_s`` limits the run without the judge."""

    program: str
    trigger: Trigger = PLAIN
    judged: bool = True
    wall_s: float = 2.0


def run_watched(item: Item) -> dict[str, Any]:
    """What the judge said, how the bare run ended, what was tried (``seen``) and what came out (``leaks``).

    The program is run twice: by the judge, which refuses most at the front door, and in a world without the judge.
    """
    global seen
    _ready()
    os.environ["AINL_HOSTILE_SECRET"] = SECRET
    started, cpu = time.monotonic(), time.process_time()
    seen = []
    os.access(f"{MARK}/begin", os.F_OK)
    try:
        outcome = judge(item.program, task(item.trigger)) if item.judged else None
        trace = run_program(item.program, WORLD, trigger=item.trigger, limits=Limits(wall_s=item.wall_s))
    finally:
        os.access(f"{MARK}/end", os.F_OK)
        tried, seen = seen, None
    said = repr(trace) + repr(outcome)
    return {
        "reason": "" if outcome is None else "; ".join(outcome.reasons)[:200] or "none",
        "success": outcome is not None and outcome.success,
        "error": trace.error,
        "seen": tried[:20],
        "leaks": _leaks(said),
        "seconds": time.monotonic() - started,
        "cpu": time.process_time() - cpu,
    }


@cache
def _ready() -> None:
    """Load what is loaded late."""
    for program in (plain('Set out "x"'), plain('R sqlite.QUERY "SELECT date()" ->out'), plain('R http.GET "x" ->out')):
        judge(program, task(PLAIN))
        run_program(program, WORLD, trigger=PLAIN)


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if seen is None or event in _QUIET:
        return
    if event == "sqlite3.connect" and args[0] == ":memory:":
        return
    if event == "open" and args[1] == "r" and str(args[0]).endswith(".py"):
        return  # the source lines of a traceback
    seen.append(f"{event} {args!r}"[:200])


def _leaks(said: str) -> list[str]:
    """What the host knows and a result says."""
    now = time.time()
    secrets = {SECRET: "environment", os.uname().nodename: "host name", time.strftime("%Y-%m-%d"): "date"}
    found = [name for text, name in secrets.items() if len(text) > 3 and text in said]
    found += ["time" for digits in re.findall(r"\b1\d{9}\b", said) if abs(int(digits) - now) < 86_400]
    found += ["object of the host" for _ in re.finditer(r"<(?!function )[\w.]+ object at 0x", said)]
    return sorted(set(found))


@cache
def task(trigger: Trigger) -> Task:
    """A task that any canonical program with this trigger may try."""
    scenario = Scenario(name="any", world=WORLD, expect=Expect(returned="never this"))
    return Task(
        id="hostile",
        prompt="x",
        family="f",
        tier="T1",
        cluster="c",
        split="dev",
        trigger=trigger,
        gold="",
        scenarios=(scenario, scenario.model_copy(update={"name": "again"})),
    )


if (
    os.environ.get("HOME") == "/nonexistent"
):  # in a worker, before its guard: hooks after one that refuses are not asked
    sys.addaudithook(_watch)
