"""One fault: strike, look for what must not be there, run the same command again, compare with the undisturbed."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.compare import differences, leftovers
from tests.chaos.cycle import PASSED, Ended, Forked
from tests.chaos.faults import Fault, NotPermitted

_FELL_BACK = re.compile("screening failed|the round of likelihoods failed")
_DIFFERS = re.compile(
    r"adapter/sweep/checkpoint-[^/]*: only in the rerun|.*\.fallbacks: "
    r"|.*/checkpoint_sweep_report_[^/]*\.(screening|(ranked|selected)\.\d+\.(?!adapter_path|step|ok|error)\w+)"
)
"""What may differ then: what checkpoints were asked and what became known of them; not which one was chosen."""


@dataclass
class Trial:
    """What became of a fault. ``problems`` is empty when all is as it must be."""

    fault: Fault
    outcome: str
    note: str = ""
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {
            "fault": self.fault.name,
            "kind": self.fault.kind,
            "start": self.fault.start,
            "outcome": self.outcome,
            "note": self.note,
            "problems": self.problems,
        }


def attempt(cycle: Forked, fault: Fault) -> Trial:
    """Throw a fault at outputs as they are at its start, then run the same command undisturbed.

    A run that ended before it could be killed is not run again: it has pruned what a second sweep would be about.
    """
    cycle.restore(fault.start)
    try:
        struck = fault.strike(cycle)
    except NotPermitted as error:
        return Trial(fault, "skipped", str(error))
    problems = []
    if struck.code not in fault.expected:
        problems.append(f"exit {struck.code}, expected {sorted(fault.expected)}: {_last(struck)}")
    if "Traceback" in struck.said:
        problems.append(f"a traceback on the terminal: {_last(struck)}")
    if struck.code != PASSED and (wrong := _wrong_pass(cycle)):
        problems.append(wrong)
    missed = struck.code == PASSED and fault.kind.startswith("kill")
    again = struck if missed else cycle.run()
    if again.code != PASSED:
        problems.append(f"the rerun ended with {again.code}: {_last(again)}")
    apart = differences(cycle.out, cycle.folder / "kept" / "whole")
    another_way = struck.code == PASSED and _another_way(cycle)
    if another_way:
        apart = [line for line in apart if not _DIFFERS.match(line)]
    problems += apart[:6]
    problems += [f"left over: {name}" for name in leftovers(cycle.out)]
    done = "ended before it" if missed else "went on, said how" if another_way else _outcome(struck)
    outcome = "BAD" if problems else done
    note = f"exit {struck.code} after {struck.seconds:.1f} s" + ("" if missed else f", rerun {again.seconds:.1f} s")
    if struck.code > 0:
        note += f"; {_last(struck, 1)}"
    return Trial(fault, outcome, note, problems)


def _another_way(cycle: Forked) -> bool:
    """Whether the cycle's health says that its sweep went on without screening."""
    path = cycle.out / "corpus/curated/alignment_run_health.json"
    if not path.is_file():
        return False
    return any(_FELL_BACK.match(line) for line in json.loads(path.read_text(encoding="utf-8"))["fallbacks"])


def _outcome(struck: Ended) -> str:
    if struck.code == PASSED:
        return "went on"
    if struck.code < 0:
        return "resumed"
    return {130: "stopped, resumed", 2: "refused, finished"}.get(struck.code, "failed, finished")


def _wrong_pass(cycle: Forked) -> str | None:
    """A health that says pass although its run did not end, unless it says so of what was really measured."""
    path = cycle.out / "corpus/curated/alignment_run_health.json"
    if not path.is_file():
        return None
    try:
        health = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    whole = json.loads((cycle.folder / "kept/whole/corpus/curated" / path.name).read_text(encoding="utf-8"))
    if health["status"] == "pass" and health["metrics"] != whole["metrics"]:
        return "a wrong PASS"
    return None


def _last(ended: Ended, count: int = 3) -> str:
    lines = [line for line in ended.said.strip().splitlines() if line.strip()]
    return " / ".join(lines[-count:])[-500:]
