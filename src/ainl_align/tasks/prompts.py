"""Prompt sets: JSON lines with ``id`` and ``prompt``, and the task behind the prompt where there is one."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ainl_align.artifacts import read_jsonl, write_jsonl
from ainl_align.errors import UserError
from ainl_align.language.world_model import Frozen
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.task_model import Task


class PromptRow(Frozen):
    """One line of a prompt set."""

    id: str
    prompt: str
    task: Task | None = None
    """What the prompt asks for, as it can be judged. In the file it lacks ``id`` and ``prompt``: they are the row's."""


def load_prompt_set(path: Path | str) -> list[PromptRow]:
    """Read a prompt set in file order; keys other than ``id``, ``prompt`` and ``task`` are ignored.

    UserError names the file and the line for malformed JSON, a row that is no object, a missing, empty or non-text
    ``id`` or ``prompt``, a task that does not fit, and ids that repeat (both lines); also for an empty file.
    """
    seen: dict[str, int] = {}
    rows = []
    for number, fields in read_jsonl(Path(path)):
        where = f"{path}, line {number}"
        identity, prompt = _text(fields, "id", where), _text(fields, "prompt", where)
        if identity in seen:
            raise UserError(f"{where}: id '{identity}' is on line {seen[identity]} already; give each row its own id")
        seen[identity] = number
        rows.append(PromptRow(id=identity, prompt=prompt, task=_task(fields, identity, prompt, where)))
    return rows


def write_prompt_set(path: Path | str, rows: Iterable[PromptRow]) -> int:
    """Write rows so that ``load_prompt_set`` reads the same; returns their number."""
    return write_jsonl(Path(path), (_fields(row) for row in rows))


def stratified(rows: Sequence[PromptRow], limit: int) -> list[PromptRow]:
    """``limit`` rows in file order: as even as they can be over tiers, then over families, then over compositions
    that training sees and those that it does not.

    The choice depends on the ids alone, and a smaller limit takes a part of what a larger one takes. Rows without a
    task count as one family.
    """
    by_chance = sorted(range(len(rows)), key=lambda index: hashlib.blake2s(rows[index].id.encode()).digest())
    strata = {index: _strata(rows[index]) for index in by_chance}
    taken: Counter[tuple[str, ...]] = Counter()
    chosen: set[int] = set()
    for _ in range(min(limit, len(rows))):
        rest = (index for index in by_chance if index not in chosen)
        best = min(rest, key=lambda index: [taken[stratum] for stratum in strata[index]])
        chosen.add(best)
        taken.update(strata[best])
    return [rows[index] for index in sorted(chosen)]


def _strata(row: PromptRow) -> tuple[tuple[str, ...], ...]:
    task = row.task
    if task is None:
        return (("",),)
    side = "unseen" if held_out(task.cluster) else "seen"
    return (task.tier,), (task.tier, task.family), (task.tier, side, ""), (task.tier, task.family, side, "")


def _fields(row: PromptRow) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": row.id, "prompt": row.prompt}
    if row.task is not None:
        fields["task"] = row.task.model_dump(mode="json", exclude={"id", "prompt"}, exclude_defaults=True)
    return fields


def _text(fields: dict[str, Any], name: str, where: str) -> str:
    if name not in fields:
        raise UserError(f"{where}: field '{name}' is missing; every row needs an id and a prompt")
    value = fields[name]
    if not isinstance(value, str):
        raise UserError(f"{where}: field '{name}' is a {type(value).__name__}, not text; quote it")
    if not value.strip():
        raise UserError(f"{where}: field '{name}' is empty; fill it in or remove the row")
    return value


def _task(fields: dict[str, Any], identity: str, prompt: str, where: str) -> Task | None:
    content = fields.get("task")
    if content is None:
        return None
    if not isinstance(content, dict):
        raise UserError(f"{where}: field 'task' is a {type(content).__name__}, not an object; mend or remove it")
    try:
        return Task.model_validate({**content, "id": identity, "prompt": prompt})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(["task", *(str(step) for step in first["loc"])])
        raise UserError(f"{where}: field '{place}': {first['msg']}; mend or remove the task") from error
