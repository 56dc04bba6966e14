"""Cycles at the same time: on the same outputs, on others, and beside readers."""

import os
import time
from pathlib import Path

from ainl_align.locks import holder, lock_of_folder
from tests.chaos.compare import differences, leftovers
from tests.chaos.cycle import PASSED, Ended, TinyCycle


def same_outputs(cycle: TinyCycle) -> list[str]:
    """A second cycle on the same outputs is refused and named the first, which is not disturbed."""
    cycle.restore(None)
    began = time.monotonic()
    first = cycle.start()
    _wait_for_lock(cycle)
    second = _one(cycle, cycle.commands, "second.txt")
    ended = cycle.wait(first, began)
    problems = _not_whole(cycle, ended)
    if second.code != 2 or f"is in use by process {first} on" not in second.said:
        problems.append(f"the second ended with {second.code}: {second.said[-300:]}")
    return problems


def other_outputs(cycle: TinyCycle) -> list[str]:
    """Two cycles on different outputs, with the caches that they share, are both right."""
    cycle.restore(None)
    theirs = cycle.folder / "theirs"
    config = cycle.folder / "theirs.toml"
    config.write_text(cycle.config.read_text().replace(str(cycle.out), str(theirs)))
    began = time.monotonic()
    first = cycle.start()
    log = cycle.folder / "theirs.txt"
    second = cycle.start(commands=[["ainl-align", "run", "--config", str(config)]], log=log)
    problems = _not_whole(cycle, cycle.wait(first, began))
    ended = cycle.wait(second, began, log)
    if ended.code != PASSED:
        problems.append(f"the other ended with {ended.code}: {ended.said[-300:]}")
    problems += differences(theirs, cycle.folder / "kept" / "whole", lay=cycle.out)[:6]
    return problems


def readers(cycle: TinyCycle) -> list[str]:
    """status and report beside a running cycle, again and again: an answer or a sentence, never a traceback."""
    cycle.restore(None)
    began = time.monotonic()
    writer = cycle.start()
    _wait_for_lock(cycle)
    problems: list[str] = []
    looks = 0
    while os.waitpid(writer, os.WNOHANG)[0] == 0:
        words = [
            ["status", "--corpus-dir", str(cycle.out / "corpus"), "--json"],
            ["report", str(cycle.curated), "--output", str(cycle.folder / "page.html")],
        ][looks % 2]
        looks += 1
        seen = _one(cycle, [["ainl-align", *words]], "reader.txt")
        if seen.code not in (PASSED, 2) or "Traceback" in seen.said:
            problems.append(f"{words[0]} ended with {seen.code}: {seen.said[-300:]}")
    again = cycle.run()
    problems += _not_whole(cycle, again)
    print(f"    {looks} looks in {time.monotonic() - began:.0f} s")
    return problems


def _one(cycle: TinyCycle, commands: list[list[str]], name: str) -> Ended:
    log = cycle.folder / name
    began = time.monotonic()
    return cycle.wait(cycle.start(commands=commands, log=log), began, log)


def _not_whole(cycle: TinyCycle, ended: Ended) -> list[str]:
    if ended.code != PASSED:
        return [f"the first ended with {ended.code}: {ended.said[-300:]}"]
    whole: Path = cycle.folder / "kept" / "whole"
    return [*differences(cycle.out, whole)[:6], *(f"left over: {name}" for name in leftovers(cycle.out))]


def _wait_for_lock(cycle: TinyCycle) -> None:
    while holder(lock_of_folder(cycle.out / "corpus")) is None:
        time.sleep(0.005)


TOGETHER = {"two on the same outputs": same_outputs, "two on others": other_outputs, "readers beside": readers}
