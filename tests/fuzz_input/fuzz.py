"""Makes and runs cases of a target, each in its own folder."""

import importlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ainl_align.errors import UserError
from tests.fuzz_input import cases
from tests.fuzz_input.kit import Kit
from tests.fuzz_input.targets import Target

ACCEPTED = "these settings are accepted"


@dataclass
class Tally:
    """What became of the cases of a target."""

    name: str
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many ran."""
        return sum(self.codes.values())


def run(kit: Kit, target: Target, count: int, folder: Path, *, first: int = 0) -> Tally:
    """Run ``count`` cases of a target; their seeds are their names, so that each can be run alone."""
    tally = Tally(target.name)
    with _dry(target.dry):
        for number in range(first, first + count):
            place = folder / f"case-{number}"
            place.mkdir(parents=True)
            case = target.make(kit, random.Random(f"{target.name}|{number}"), place)
            ending = cases.run(case, place)
            tally.codes["accepted" if ACCEPTED in ending.said else str(ending.code)] += 1
            if ending.wrong:
                words = " ".join(case.words)
                tally.wrong.append(f"{target.name} {number}: {ending.wrong}\n  {words[:300]}\n  {ending.said[-600:]}")
            shutil.rmtree(place, ignore_errors=True)
    return tally


@contextmanager
def _dry(module: str) -> Iterator[None]:
    """Replace the work of a stage, when only its settings are tested."""
    if not module:
        yield
        return

    def accept(*_: Any) -> None:
        raise UserError(ACCEPTED)

    found: Any = importlib.import_module(module)
    real, found.run = found.run, accept
    try:
        yield
    finally:
        found.run = real
