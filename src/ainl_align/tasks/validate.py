"""Proof that tasks carry their meaning: golds pass, mutants of them and trivial programs do not."""

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ainl_align.errors import StageError
from ainl_align.language.sandbox import Sandbox, SandboxFailure
from ainl_align.language.semantics import verdict
from ainl_align.language.world import Trace, run_program
from ainl_align.tasks.mutants import KINDS, mutants
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.structure import structure
from ainl_align.tasks.task_model import Task

KILL_RATE: Final = 0.98
"""Least share of the mutants, equivalent ones apart, that the scenarios must tell from the gold."""
_TASK_TIMEOUT_S: Final = 120.0
_IN_PROCESS: Final = 24
"""Up to so many tasks are examined without worker processes, which take a second to start."""


@dataclass(frozen=True)
class Survivor:
    """A mutant that passed every scenario of its task, and why."""

    task: str
    kind: str
    line: int
    text: str
    """The line of the gold that was changed."""
    reason: str
    equivalent: bool
    """The change lies in what the request leaves open."""


@dataclass
class ValidationReport:
    """What ``validate`` found. ``ok`` says whether the tasks may be used."""

    tasks: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    """(task id, reason) of golds that do not pass."""
    killed: Counter[str] = field(default_factory=Counter)
    survivors: list[Survivor] = field(default_factory=list)
    trivial: Counter[str] = field(default_factory=Counter)
    """Trivial programs tried, by name."""
    trivial_passes: list[tuple[str, str]] = field(default_factory=list)
    """(task id, name of the trivial program) of trivial programs that passed."""

    @property
    def survived(self) -> Counter[str]:
        """Mutants that are wrong and passed, by kind."""
        return Counter(survivor.kind for survivor in self.survivors if not survivor.equivalent)

    @property
    def equivalent(self) -> Counter[str]:
        """Mutants that passed and may, by kind."""
        return Counter(survivor.kind for survivor in self.survivors if survivor.equivalent)

    @property
    def kill_rate(self) -> float:
        """Killed mutants over all that are not equivalent; 1.0 when there is none."""
        wrong = self.killed.total() + self.survived.total()
        return self.killed.total() / wrong if wrong else 1.0

    @property
    def ok(self) -> bool:
        """All golds pass, enough mutants die, and nothing trivial passes."""
        return not self.broken and not self.trivial_passes and self.kill_rate >= KILL_RATE

    def table(self) -> list[tuple[str, int, int, int, str]]:
        """(kind, killed, survived, equivalent, kill rate) rows, the total last."""
        survived, equivalent = self.survived, self.equivalent
        rows = [
            (kind, self.killed[kind], survived[kind], equivalent[kind], _rate(self.killed[kind], survived[kind]))
            for kind in KINDS
            if self.killed[kind] or survived[kind] or equivalent[kind]
        ]
        totals = self.killed.total(), survived.total(), equivalent.total()
        return [*rows, ("all", *totals, _rate(*totals[:2]))]

    def equivalences(self) -> Counter[tuple[str, str]]:
        """How many equivalent mutants there are, by kind and reason."""
        return Counter((found.kind, found.reason) for found in self.survivors if found.equivalent)

    def add(self, other: "ValidationReport") -> None:
        """Take over what was found on other tasks."""
        self.tasks += other.tasks
        self.broken += other.broken
        self.killed += other.killed
        self.survivors += other.survivors
        self.trivial += other.trivial
        self.trivial_passes += other.trivial_passes


def _rate(killed: int, survived: int) -> str:
    return f"{killed / (killed + survived):.1%}" if killed + survived else "-"


def validate(tasks: Sequence[Task], *, mutants_per_task: int | None = None, seed: int = 0) -> ValidationReport:
    """Judge every gold, its mutants (a sample of ``mutants_per_task``, or all) and the trivial programs.

    Deterministic for a seed. Mutants that are no canonical programs prove nothing and are left out.
    """
    common = common_gold(tasks)
    work = [(task, common, mutants_per_task, f"{seed}|{task.id}") for task in tasks]
    report = ValidationReport()
    for part in _examined(work):
        report.add(part)
    return report


_Work = tuple[Task, str, int | None, str]


def _examined(work: Sequence[_Work]) -> Iterable[ValidationReport]:
    if len(work) <= _IN_PROCESS:
        yield from map(_examine, work)
        return
    with Sandbox(workers=os.cpu_count() or 1, preload=[__name__]) as sandbox:
        for item, result in zip(work, sandbox.map(_examine, work, _TASK_TIMEOUT_S), strict=True):
            if isinstance(result, SandboxFailure):
                raise StageError(f"task {item[0].id} could not be validated: {result}")
            yield result


def _examine(work: _Work) -> ValidationReport:
    task, common, limit, seed = work
    report = ValidationReport(tasks=1)
    try:
        wrong = judge(task.gold, task).reasons
    except ValueError as error:  # of a world that cannot be built
        wrong = (str(error),)
    if wrong:
        report.broken.append((task.id, "; ".join(wrong)))
        return report
    made = [mutant for mutant in mutants(task.gold) if verdict(mutant.program).canonical]
    if limit is not None and len(made) > limit:
        made = random.Random(seed).sample(made, limit)
    for mutant in made:
        if not judge(mutant.program, task).success:
            report.killed[mutant.kind] += 1
            continue
        line = task.gold.split("\n")[mutant.line - 1].strip()
        reason, equivalent = why_it_passes(mutant.program, task)
        report.survivors.append(Survivor(task.id, mutant.kind, mutant.line, line, reason, equivalent))
    for name, program in trivial_programs(task, common):
        report.trivial[name] += 1
        if judge(program, task).success:
            report.trivial_passes.append((task.id, name))
    return report


def why_it_passes(program: str, task: Task) -> tuple[str, bool]:
    """What a passing program does otherwise than the gold, and whether the request leaves that open: only the value
    that is returned can be. Anything else that passes is a hole in the scenarios."""
    differs: set[str] = set()
    for scenario in task.scenarios:
        trigger = scenario.trigger or task.trigger
        runs = [
            _observed(run_program(text, scenario.world, trigger=trigger, body=scenario.body, query=scenario.query))
            for text in (task.gold, program)
        ]
        differs |= {name for name in runs[0] if runs[0][name] != runs[1][name]}
    if not differs:
        return f"runs as the gold does in all {len(task.scenarios)} scenarios", False
    said = f"differs in {', '.join(sorted(differs))} only"
    if differs == {"the returned value"}:
        return f"{said}, which the request leaves open", True
    return f"{said}, and no scenario minds", False


def _observed(trace: Trace) -> dict[str, object]:
    reads = {"http.GET", "http.HEAD", "sqlite.QUERY", "fs.READ", "fs.LIST", "cache.GET"}
    calls = [(call.name, repr(call.args)) for call in trace.calls]
    return {
        "the returned value": repr(trace.returned),
        "reads": [call for call in calls if call[0] in reads],
        "calls": [call for call in calls if call[0] not in reads],
        "retry waits": trace.delays_ms,
        "the error": trace.error,
        "tables": repr(trace.tables),
    }


def common_gold(tasks: Sequence[Task]) -> str:
    """The first gold of the structure that most golds have."""
    shapes = Counter(structure(task.gold) for task in tasks)
    return max((task.gold for task in tasks), key=lambda gold: shapes[structure(gold)], default="")


def trivial_programs(task: Task, common: str) -> list[tuple[str, str]]:
    """(name, text) of answers that know nothing of the task, or only its trigger; none is its gold."""
    header = [line for line in task.gold.split("\n") if line and not line.startswith((" ", "L_"))]
    body = ["L_main:", '  Set out "ok"', "  J out"]
    programs = [
        ("empty", ""),
        ("constant", 'S app core noop\nL_main:\n  J "ok"\n'),
        ("trigger only", "\n".join([*header, *body]) + "\n"),
        ("one line", header[0] + "\n"),
        ("prompt echoed", task.prompt),
        ("most common gold", common),
    ]
    return [(name, program) for name, program in programs if program != task.gold]
