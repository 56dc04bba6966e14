"""What ``ainl-align tasks show | stats | validate | export`` does; the command line prints what these return."""

from collections import Counter
from pathlib import Path
from typing import Any

from ainl_align.artifacts import write_jsonl
from ainl_align.config import ROOT
from ainl_align.errors import UserError
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import SUITE_SIZES, generate, suite, suite_hash
from ainl_align.tasks.task_model import Task
from ainl_align.tasks.validate import ValidationReport
from ainl_align.tasks.validate import validate as validate_tasks

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


def stats(*, per_family: int = 20, seed: int = _TRAIN_SEED) -> list[dict[str, Any]]:
    """One row a family: tier, tasks in each split, compositions in ``per_family`` training tasks, held-out share."""
    train = Counter(task.family for task in generate("train", seed=seed, per_family=per_family))
    clusters: dict[str, set[str]] = {name: set() for name in FAMILIES}
    for task in generate("train", seed=seed, per_family=per_family):
        clusters[task.family].add(task.cluster)
    rows: list[dict[str, Any]] = []
    suites = {name: suite(name) for name in SUITE_SIZES}  # type: ignore[arg-type]  # the keys are suite names
    for name, family in FAMILIES.items():
        row: dict[str, Any] = {"family": name, "tier": family.tier, "train": train[name]}
        row["compositions"] = len(clusters[name])
        for split, tasks in suites.items():
            mine = [task for task in tasks if task.family == name]
            row[split] = len(mine)
            row[f"{split}_unseen"] = sum(held_out(task.cluster) for task in mine)
        rows.append(row)
    return rows


def validate(
    which: str, *, per_family: int = 3, seed: int = _TRAIN_SEED, mutants_per_task: int | None = None
) -> ValidationReport:
    """Validate a suite or generated training tasks; see ``ValidationReport.ok`` and ``table``."""
    return validate_tasks(select(which, per_family=per_family, seed=seed), mutants_per_task=mutants_per_task)


def export(which: str, path: Path, *, per_family: int = 3, seed: int = _TRAIN_SEED) -> int:
    """Write tasks as a prompt set with their meaning (``PromptRow`` lines); returns the number of rows."""
    tasks = select(which, per_family=per_family, seed=seed)
    return write_prompt_set(path, [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks])


def export_regression() -> int:
    """Write the tracked regression prompt set from the code."""
    return export("regression", REGRESSION_PROMPTS)


def lock_suites() -> dict[str, str]:
    """Write the hashes of the suites to the tracked lock file; returns them."""
    hashes = {name: suite_hash(name) for name in ("dev", "test", "regression")}
    write_jsonl(SUITES_LOCK, [hashes])
    return hashes
