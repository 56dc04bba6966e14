"""What ``ainl-align tasks show | stats | validate | export`` does; the command line prints what these return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.artifacts import write_jsonl
from ainl_align.config import ROOT
from ainl_align.errors import UserError
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, stratified, write_prompt_set
from ainl_align.tasks.suites import TIERS, generate, suite, suite_hash
from ainl_align.tasks.task_model import Task
from ainl_align.tasks.validate import ValidationReport
from ainl_align.tasks.validate import validate as validate_tasks
from ainl_align.tasks.wording import skeletons

REGRESSION_PROMPTS = ROOT / "corpus" / "curated" / "regression_prompts.jsonl"
SUITES_LOCK = Path(__file__).parent / "suites.lock.json"
_TRAIN_SEED = 42


def select(
    which: str, *, per_family: int = 3, seed: int = _TRAIN_SEED, families: list[str] | None = None
) -> list[Task]:
    """The tasks of a suite (dev, test, regression), or ``per_family`` generated training tasks (train)."""
    if which == "train":
        return generate("train", seed=seed, per_family=per_family, families=families)
    if which not in ("dev", "test", "regression"):
        raise UserError(f"{which!r}: is none of train, dev, test, regression; name one of them")
    tasks = suite(which)  # type: ignore[arg-type]  # checked above
    return [task for task in tasks if families is None or task.family in families]


def show(which: str, *, per_family: int = 1, seed: int = _TRAIN_SEED, families: list[str] | None = None) -> list[str]:
    """One printable text a task: what it is, the prompt, the gold, and its scenarios."""
    return [_describe(task) for task in select(which, per_family=per_family, seed=seed, families=families)]


def _describe(task: Task) -> str:
    lines = [f"{task.id}  {task.tier}  {task.cluster}", "", task.prompt, "", task.gold.rstrip("\n"), ""]
    for scenario in task.scenarios:
        expect = scenario.expect
        wanted = [f"{call.name} {', '.join(map(repr, call.args))}" for call in expect.writes]
        wanted += [f"table {name} = {rows}" for name, rows in expect.tables.items()]
        wanted += [f"returns {expect.returned!r}"] if expect.check_returned else []
        lines.append(f"- {scenario.name}: {'; '.join(wanted) or 'nothing is written'}")
    return "\n".join(lines)


@dataclass(frozen=True)
class Stats:
    """What there is: families x tiers x splits, and the phrases that requests are made of."""

    families: list[dict[str, Any]]
    """One row a family: ``train`` tasks as many as were asked for, their ``compositions``, and for each suite its tasks
    and how many of them are of compositions that training never sees (``_unseen``)."""
    tiers: list[dict[str, Any]]
    """The same sums by tier, the sum of all last."""
    skeletons: dict[str, tuple[int, int]]
    """Sentence skeletons of each pool of phrases: for training, and for dev and test."""


def stats(*, per_family: int = 20, seed: int = _TRAIN_SEED) -> Stats:
    """Count ``per_family`` training tasks and the sealed suites."""
    sets = {"train": generate("train", seed=seed, per_family=per_family), "dev": suite("dev"), "test": suite("test")}
    families: list[dict[str, Any]] = []
    for name, family in sorted(FAMILIES.items(), key=lambda entry: entry[1].tier):
        mine = {split: [task for task in tasks if task.family == name] for split, tasks in sets.items()}
        families.append({"family": name, "tier": family.tier, **_counts(mine)})
    tiers = [{"tier": tier, **_summed([row for row in families if row["tier"] == tier])} for tier in TIERS]
    return Stats(families, [*tiers, {"tier": "all", **_summed(families)}], skeletons())


def _counts(sets: Mapping[str, Sequence[Task]]) -> dict[str, int]:
    counts = {"train": len(sets["train"]), "compositions": len({task.cluster for task in sets["train"]})}
    for name in ("dev", "test"):
        counts[name] = len(sets[name])
        counts[f"{name}_unseen"] = sum(held_out(task.cluster) for task in sets[name])
    return counts


def _summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    names = ("train", "compositions", "dev", "dev_unseen", "test", "test_unseen")
    return {"families": len(rows)} | {name: sum(row[name] for row in rows) for name in names}


def validate(
    which: str,
    *,
    per_family: int = 3,
    seed: int = _TRAIN_SEED,
    mutants_per_task: int | None = None,
    limit: int | None = None,
    prompt_set: Path | None = None,
) -> ValidationReport:
    """Validate a suite, generated training tasks, or the tasks of a prompt set file; ``limit`` takes a stratified part.

    See ``ValidationReport.ok`` and ``table``. UserError for a prompt set without tasks.
    """
    if prompt_set is None:
        rows = [_row(task) for task in select(which, per_family=per_family, seed=seed)]
    else:
        rows = load_prompt_set(prompt_set)
        if all(row.task is None for row in rows):
            raise UserError(f"{prompt_set}: no row has a task, so there is nothing to validate")
    chosen = rows if limit is None else stratified(rows, limit)
    return validate_tasks([row.task for row in chosen if row.task is not None], mutants_per_task=mutants_per_task)


def _row(task: Task) -> PromptRow:
    return PromptRow(id=task.id, prompt=task.prompt, task=task)


def export(which: str, path: Path, *, per_family: int = 3, seed: int = _TRAIN_SEED) -> int:
    """Write tasks as a prompt set with their meaning (``PromptRow`` lines); returns the number of rows."""
    tasks = select(which, per_family=per_family, seed=seed)
    return write_prompt_set(path, [_row(task) for task in tasks])


def export_regression() -> int:
    """Write the tracked regression prompt set from the code."""
    return export("regression", REGRESSION_PROMPTS)


def lock_suites() -> dict[str, str]:
    """Write the hashes of the suites to the tracked lock file; returns them."""
    hashes = {name: suite_hash(name) for name in ("dev", "test", "regression")}
    write_jsonl(SUITES_LOCK, [hashes])
    return hashes
