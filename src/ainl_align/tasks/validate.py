"""Proof that tasks carry their meaning: golds pass, mutants of them and trivial programs do not."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ainl_align.tasks.mutants import mutants
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.task_model import Task

KILL_RATE = 0.98
"""Least share of mutants that the scenarios must tell from the gold."""


@dataclass(frozen=True)
class Survivor:
    """A mutant that passed every scenario of its task."""

    task: str
    kind: str
    line: int
    text: str
    """The changed line."""


@dataclass
class ValidationReport:
    """What ``validate`` found. ``ok`` says whether the tasks may be used."""

    tasks: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    """(task id, reason) of golds that do not pass."""
    made: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    survivors: list[Survivor] = field(default_factory=list)
    trivial_passes: list[tuple[str, str]] = field(default_factory=list)
    """(task id, name of the trivial program) of trivial programs that passed."""

    @property
    def kill_rate(self) -> float:
        """Killed mutants over all; 1.0 when none was made."""
        made = self.made.total()
        return self.killed.total() / made if made else 1.0

    @property
    def ok(self) -> bool:
        """All golds pass, enough mutants die, and nothing trivial passes."""
        return not self.broken and not self.trivial_passes and self.kill_rate >= KILL_RATE

    def table(self) -> list[tuple[str, int, int, str]]:
        """(kind, made, killed, rate) rows, the total last."""
        rows = [
            (kind, self.made[kind], self.killed[kind], _rate(self.killed[kind], self.made[kind]))
            for kind in sorted(self.made)
        ]
        return [*rows, ("all", self.made.total(), self.killed.total(), _rate(self.killed.total(), self.made.total()))]


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def validate(tasks: Sequence[Task], *, mutants_per_task: int | None = None, seed: int = 0) -> ValidationReport:
    """Judge every gold, its mutants (a sample of ``mutants_per_task``, or all) and the trivial programs.

    Runs in this process: all programs come from golds. Deterministic for a seed.
    """
    report = ValidationReport(tasks=len(tasks))
    rng = random.Random(seed)
    common = Counter(task.gold for task in tasks).most_common(1)
    for task in tasks:
        outcome = judge(task.gold, task)
        if not outcome.success:
            failed = [f"{name}: {why}" for name, passed, why in outcome.scenarios if not passed]
            report.broken.append((task.id, "; ".join([*outcome.reasons, *failed])))
            continue
        _mutate(task, report, rng, mutants_per_task)
        for name, program in trivial_programs(task, common[0][0]):
            if program != task.gold and judge(program, task).success:
                report.trivial_passes.append((task.id, name))
    return report


def _mutate(task: Task, report: ValidationReport, rng: random.Random, limit: int | None) -> None:
    made = mutants(task.gold)
    if limit is not None and len(made) > limit:
        made = rng.sample(made, limit)
    for mutant in made:
        report.made[mutant.kind] += 1
        if judge(mutant.program, task).success:
            text = mutant.program.split("\n")[mutant.line - 1]
            report.survivors.append(Survivor(task.id, mutant.kind, mutant.line, text))
        else:
            report.killed[mutant.kind] += 1


def trivial_programs(task: Task, common_gold: str) -> list[tuple[str, str]]:
    """(name, text) of answers that know nothing of the task, or only its trigger."""
    header = [line for line in task.gold.split("\n") if line and not line.startswith((" ", "L_"))]
    body = ["L_main:", '  Set out "ok"', "  J out"]
    return [
        ("empty", ""),
        ("constant", 'S app core noop\nL_main:\n  J "ok"\n'),
        ("trigger only", "\n".join([*header, *body]) + "\n"),
        ("one line", header[0] + "\n"),
        ("prompt echoed", task.prompt),
        ("most common gold", common_gold),
    ]
