"""Which faults are thrown: seeded, over all stages, from outputs as they are at each stage's boundary."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.cycle import PASSED, Forked, TinyCycle
from tests.chaos.faults import (
    Fault,
    after,
    at_write,
    clock_back,
    damaged,
    little_memory,
    read_only,
    screening_starved,
    with_little_disk,
    worker_killed,
)

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
_KILLED = frozenset({-KILL, PASSED})
_STOPPED = frozenset({130, PASSED})
"""A signal may come when the run has ended."""
_REFUSED = frozenset({2})
_HOW = ("truncated", "overwritten", "emptied", "removed")


def boundaries(cycle: TinyCycle) -> list[str]:
    """Run undisturbed once, and keep the outputs as they are before each change of the state file and at the end."""
    import os
    import sys

    kept = cycle.folder / "kept"

    def inside() -> None:
        number = 0
        busy = False

        def hook(event: str, words: tuple[object, ...]) -> None:
            nonlocal number, busy
            if event == "os.rename" and str(words[1]) == str(cycle.state) and not busy:
                busy = True
                cycle.save(f"before-{number:02d}")
                number += 1
                busy = False

        sys.addaudithook(hook)

    cycle.restore(None)
    ended = cycle.run(inside)
    assert ended.code == PASSED, ended.said[-3000:]
    cycle.save("whole")
    return sorted(name for name in os.listdir(kept) if name.startswith("before-"))


def moments(chaos: Forked, count: int, seed: int) -> Iterator[Fault]:
    """Kills at random instants and writes of a run from nothing; runs undisturbed first."""
    chaos.restore(None)
    ended = chaos.run()
    assert ended.code == PASSED, ended.said[-3000:]
    chaos.save("whole")
    draw = random.Random(seed)
    for number in range(count):
        if number % 2:
            moment = draw.uniform(0.02, 0.95) * ended.seconds
            yield Fault(f"kill after {moment:.2f} s", "kill at an instant", None, after(KILL, moment), _KILLED)
        else:
            write = draw.randint(1, 90)
            yield Fault(f"kill at write {write}", "kill at a write", None, at_write(KILL, write), _KILLED)


def faults(starts: list[str], seconds: float, seed: int) -> Iterator[Fault]:
    """All faults. ``starts`` are kept outputs in order, ``seconds`` what an undisturbed cycle takes."""
    draw = random.Random(seed)
    late = starts[len(starts) // 2 :]
    for number, start in enumerate(starts):
        yield Fault(
            f"kill at boundary {number}", "kill at a boundary", start, at_write(KILL, 1, "cycle_state"), _KILLED
        )
    for _ in range(14):
        start = draw.choice(starts)
        write = draw.randint(1, 40)
        yield Fault(f"kill at write {write}", "kill at a write", start, at_write(KILL, write), _KILLED)
    for _ in range(8):
        moment = draw.uniform(0.05, 0.8) * seconds / 2
        yield Fault(
            f"kill after {moment:.1f} s", "kill at an instant", draw.choice(starts), after(KILL, moment), _KILLED
        )
    for how in (TERM, INT):
        for _ in range(5):
            write = draw.randint(1, 25)
            name = f"{how.name} at write {write}"
            yield Fault(name, f"{how.name}", draw.choice(starts), at_write(how, write), _STOPPED)
    for _ in range(6):
        room = draw.choice((16, 64, 160, 300, 500)) * 1024
        expected = frozenset({2, PASSED})
        yield Fault(f"{room // 1024} KB of disk", "disk full", draw.choice(starts), with_little_disk(room), expected)
    for part in ("corpus", "corpus/curated", "adapter"):
        yield Fault(f"read-only {part}", "read-only output", draw.choice(late), read_only(part), _REFUSED)
    yield from _damages(draw, late)
    for _ in range(2):
        hours = draw.uniform(1, 1000)
        yield Fault(
            f"clock {hours:.0f} h back", "clock set back", draw.choice(starts), clock_back(hours), _only(PASSED)
        )
    for number in range(6):
        wait = draw.uniform(0.0, 4.0)
        name = f"{('keeper', 'runner')[number % 2]} killed after {wait:.1f} s"
        yield Fault(name, "worker killed", None, worker_killed(wait, number % 2), _only(PASSED))
    for kilobytes in (0, 0, 256, 256, 1024, 4096):
        write = draw.randint(1, 12)
        name = f"{kilobytes} KB more at write {write}"
        expected = frozenset({1, PASSED})
        yield Fault(name, "memory limit", draw.choice(starts), little_memory(kilobytes, write), expected)
    yield Fault("none left for screening", "memory limit", starts[0], screening_starved, _only(PASSED))


def _damages(draw: random.Random, late: list[str]) -> Iterator[Fault]:
    def those(*patterns: str) -> object:
        return lambda out: [path for pattern in patterns for path in Path(out).glob(pattern)]

    kinds = {
        "artifact damaged": those(
            "corpus/curated/*report*.json", "corpus/curated/*health.json", "corpus/curated/*trends.json"
        ),
        "dataset damaged": those("corpus/train_*.jsonl", "corpus/curated/*prompts.jsonl"),
        "adapter damaged": those("adapter/*.safetensors", "adapter/checkpoint-*/*.safetensors", "adapter/*.json"),
        "manifest damaged": those("adapter/manifest.json", "adapter/checkpoint-*/manifest.json"),
        "cache damaged": those("adapter/sweep/answers/*"),
        "state damaged": those("corpus/curated/alignment_cycle_state.json"),
        "kept copy damaged": those("corpus/curated/history/*.json", "corpus/curated/*.html", "corpus/curated/*.xml"),
    }
    for kind, choose in kinds.items():
        for number in range(2):
            how, seed = _HOW[(number * 2 + draw.randrange(2)) % 4], draw.randrange(10**6)
            start = "whole" if number == 0 or kind == "kept copy damaged" else late[-2]
            yield Fault(f"{kind[:-8]} {how}", kind, start, damaged(choose, how, seed), _only(PASSED))  # type: ignore[arg-type]


def _only(code: int) -> frozenset[int]:
    return frozenset({code})
