"""The files of one run, found from its health: each is the one that the run wrote, or missing with a reason.

Later runs overwrite most paths that a health file names, so a file counts only when its hash is the recorded one;
the history folder beside the health keeps copies by run id.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ainl_align.artifacts import check_part, file_hash, parse_json, read_json, read_jsonl
from ainl_align.errors import UserError

HEALTH = "alignment_run_health"
EVALUATION = "model_eval_report"
TRENDS = "model_eval_trends"
SWEEP = "checkpoint_sweep_report"
HEALTH_FILE = f"{HEALTH}.json"


@dataclass(frozen=True)
class RunFiles:
    """What is known of one run. A file that is missing is None (or empty), and ``missing`` says why."""

    path: Path
    health: Mapping[str, Any]
    evaluation: Mapping[str, Any] | None = None
    trends: Mapping[str, Any] | None = None
    sweep: Mapping[str, Any] | None = None
    cards: tuple[Mapping[str, Any], ...] = ()
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Prompt id to the task behind it, for prompts that the run asked."""
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Earlier evaluation reports that the gate compared with: ``champion``, ``previous``."""
    losses: tuple[Mapping[str, Any], ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's name."""
        return str(self.health["run_id"])


def find_health(run: str | None, curated: Path) -> Path:
    """The health file that a user means: nothing (the last run), a file, a folder that holds one, or a run id.

    Raises UserError when there is none.
    """
    if run is None:
        return curated / HEALTH_FILE
    named = Path(run)
    if named.is_dir():
        for folder in (named, named / "curated", named / "corpus" / "curated"):
            if (folder / HEALTH_FILE).is_file():
                return folder / HEALTH_FILE
        raise UserError(f"{named}: holds no {HEALTH_FILE}; name the folder of a run's reports, or its health file")
    if not named.exists() and "/" not in run and not run.endswith(".json"):
        for path in _by_run_id(run, curated):
            return path
        raise UserError(f"run '{run}': {curated} knows no such run; its history/ folder lists the ids")
    return named


def _by_run_id(run_id: str, curated: Path) -> Iterator[Path]:
    kept = curated / "history" / f"{HEALTH}_{run_id}.json"
    if kept.is_file():
        yield kept
    latest = curated / HEALTH_FILE
    if latest.is_file() and read_json(latest, HEALTH)["run_id"] == run_id:
        yield latest


def load(path: Path) -> RunFiles:
    """Read a run from its health file. UserError when that one is unusable; every other gap is only recorded."""
    health = read_json(path, HEALTH)
    if health["gate"] is not None:
        check_part(path, "gate", health["gate"], TRENDS, "gate")
    missing: dict[str, str] = {}

    def artifact(name: str) -> Mapping[str, Any] | None:
        found = locate(path, health, name)
        if isinstance(found, str):
            missing[name] = found
            return None
        try:
            return read_json(found, name)
        except UserError as error:
            missing[name] = str(error)
            return None

    evaluation, trends, sweep = artifact(EVALUATION), artifact(TRENDS), artifact(SWEEP)
    return RunFiles(
        path=path,
        health=health,
        evaluation=evaluation,
        trends=trends,
        sweep=sweep,
        cards=tuple(_cards(path, health, missing)),
        tasks=tasks_of(path, evaluation, missing) if evaluation else {},
        references=_references(path, health, trends, missing),
        losses=_losses(health, missing),
        missing=missing,
    )


def locate(health_path: Path, health: Mapping[str, Any], name: str) -> Path | str:
    """The file of an artifact as the run wrote it, or the reason why there is none."""
    recorded = health["artifacts"].get(name)
    if recorded is None:
        return "the run ended before it was written"
    wanted = health["provenance"]["data"].get(name, {}).get("sha256")
    here = health_path.parent
    own = f"{name}_{health['run_id']}.json"
    candidates = (Path(recorded), here / Path(recorded).name, here / "history" / own, here / own)
    present = [path for path in candidates if path.is_file()]
    for path in present:
        if wanted is None or file_hash(path) == wanted:
            return path
    return "overwritten by a later run" if present else f"{recorded} is gone"


def _cards(path: Path, health: Mapping[str, Any], missing: dict[str, str]) -> Iterator[Mapping[str, Any]]:
    """The cards of the run's datasets; a card belongs to the run when it names the dataset's hash."""
    for name, recorded in health["artifacts"].items():
        if not name.startswith("dataset_"):
            continue
        if recorded is None:
            missing[name] = "the run did not write it"
            continue
        wanted = health["provenance"]["data"].get(name, {}).get("sha256")
        card = f"{Path(recorded).stem}_card.json"
        for place in (Path(recorded).parent / card, path.parent.parent / card, path.parent / card):
            if not place.is_file():
                continue
            try:
                content = read_json(place, "dataset_card")
            except UserError as error:
                missing[name] = str(error)
                break
            if wanted in (None, content["files"].get("all", {}).get("sha256")):
                missing.pop(name, None)
                yield content
                break
            missing[name] = "its card was overwritten by a later run"
        else:
            missing.setdefault(name, f"{card} is gone")


def tasks_of(path: Path, evaluation: Mapping[str, Any], missing: dict[str, str]) -> dict[str, Mapping[str, Any]]:
    """Golds and scenarios of the prompts that a report asked, from its prompt sets; ``path`` lies in their folder.

    A prompt set that has changed since gives those whose prompt is the same.
    """
    asked = {row["id"]: row["prompt"] for row in evaluation["results"]}
    tasks: dict[str, Mapping[str, Any]] = {}
    for name in ("prompt_set", "held_out_set"):
        if not evaluation.get(name):
            continue
        recorded = Path(evaluation[name])
        places = (recorded, path.parent / recorded.name, path.parent.parent / recorded.name)
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            missing[name] = f"{recorded} is gone, so its golds cannot be shown"
            continue
        try:
            rows = read_jsonl(found)
        except UserError as error:
            missing[name] = str(error)
            continue
        for _, row in rows:
            task, identity = row.get("task"), row.get("id")
            if not isinstance(task, dict) or not isinstance(task.get("gold"), str) or not isinstance(identity, str):
                continue
            if identity in asked and asked[identity] == row.get("prompt"):
                tasks[identity] = task
    return tasks


def _references(
    path: Path, health: Mapping[str, Any], trends: Mapping[str, Any] | None, missing: dict[str, str]
) -> dict[str, Mapping[str, Any]]:
    """The earlier reports that the gate compared with, looked for at their path, then in the history."""
    found: dict[str, Mapping[str, Any]] = {}
    comparisons = (health["gate"] or {}).get("comparisons") or {}
    rows = (trends or {}).get("summary", {})
    for role in ("champion", "previous"):
        row = comparisons.get(role) or rows.get(role)
        if row and row.get("path") and row.get("compared", True):
            report = _earlier_report(path, row)
            if isinstance(report, str):
                missing[f"{role} report"] = report
            else:
                found[role] = report
    return found


def _earlier_report(path: Path, row: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """An evaluation report by the path and run id that a row names, or the reason why it cannot be shown."""
    recorded, run_id = Path(row["path"]), row.get("run_id")
    history = path.parent if path.parent.name == "history" else path.parent / "history"
    names = [recorded, history / recorded.name, *([history / f"{EVALUATION}_{run_id}.json"] if run_id else [])]
    problem = f"{recorded} is gone"
    for name in names:
        if not name.is_file():
            continue
        try:
            content = read_json(name, EVALUATION)
        except UserError as error:
            problem = str(error)
            continue
        if content.get("run_id") == run_id:
            return content
        problem = f"{recorded} was overwritten by a later run"
    return problem


def _losses(health: Mapping[str, Any], missing: dict[str, str]) -> tuple[Mapping[str, Any], ...]:
    """The training log beside the selected checkpoint: rows with a step, and a loss or an eval_loss."""
    adapter = health["selected_adapter"]
    if adapter is None:
        return ()
    try:
        state = parse_json(Path(adapter) / "trainer_state.json")
        return tuple(row for row in state["log_history"] if "step" in row)
    except (UserError, KeyError, TypeError) as error:
        missing["training log"] = str(error) if isinstance(error, UserError) else "trainer_state.json has no log"
        return ()


def short_hash(text: str) -> str:
    """Ten characters that name a text: anchors of samples, whose ids may hold anything."""
    return hashlib.blake2s(text.encode(), digest_size=5).hexdigest()
