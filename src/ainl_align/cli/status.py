"""status: how far the cycle is, and what a rerun would do."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from ainl_align.artifacts import read_json
from ainl_align.cli.output import print_table
from ainl_align.cli.run import cycle_settings, forced
from ainl_align.config import CycleSettings
from ainl_align.cycle.paths import Paths
from ainl_align.cycle.state import CycleState, read_or_empty
from ainl_align.cycle.survey import Finding, survey
from ainl_align.errors import ExitCode
from ainl_align.locks import Holder, holder, lock_of_folder
from ainl_align.pipeline import resolve_inputs
from ainl_align.progress import Progress

_ENDS = {0: "passed", 10: "failed the gate", 11: "was inconclusive"}


def status(context: typer.Context) -> int:
    """Show how far the cycle is: which stages are done, stale (and why), running, interrupted or missing."""
    _, words = forced([word for word in context.args if word != "--json"])
    settings = cycle_settings(words, "ainl-align status", _DESCRIPTION)
    state, damage = read_or_empty(settings.curated)
    if damage is not None:
        Progress().say(damage)
    if settings.model_fields_set <= {"corpus_dir"} and state.run_id is not None:
        settings = _recorded(state)
    at_work = holder(lock_of_folder(settings.corpus_dir))
    found = survey(settings, state, resolve_inputs(settings), at_work) if state.run_id else []
    if "--json" in context.args:
        print(json.dumps(_document(settings, state, at_work, found), indent=2, ensure_ascii=False))
        return ExitCode.OK
    print(_headline(settings, state, at_work))
    if found:
        table = Table("stage", "", "time", "", box=None)
        for row in found:
            spent = "" if row.seconds is None else f"{row.seconds:.1f} s"
            table.add_row(row.name, row.status, spent, row.note)
        print_table(table)
    return ExitCode.OK


_DESCRIPTION = (
    "Show which stages of the cycle are done, stale (and why), running, interrupted or missing. Without options: for "
    "the settings of the last run in the corpus folder; with the options of run: for a run with those."
)


def _recorded(state: CycleState) -> CycleSettings:
    """The last run's settings; artifacts name the home folder ``~``."""
    given = {name: state.settings[name] for name in state.given}
    paths = {name: str(Path(text).expanduser()) for name, text in given.items() if _is_path(text)}
    return CycleSettings.model_validate({**given, **paths})


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("~")


def _headline(settings: CycleSettings, state: CycleState, at_work: Holder | None) -> str:
    if state.run_id is None:
        return f"{settings.corpus_dir}: no cycle has run here yet" + (f"; {at_work} is at work" if at_work else "")
    if at_work is not None:
        return f"run {state.run_id}: {at_work} is at work"
    if state.status == "finished":
        return f"run {state.run_id}: {_ENDS.get(state.exit_code or 0, 'ended')}{_elsewhere(settings)}"
    last = state.parts[-1]["ended"] if state.parts else None
    return f"run {state.run_id}: {last or 'killed'}; the same command goes on with it"


def _elsewhere(settings: CycleSettings) -> str:
    health = Paths(settings.corpus_dir, settings.adapter_out).health
    return f"; run health: {health}" if health.is_file() else f"; {health} is gone"


def _document(
    settings: CycleSettings, state: CycleState, at_work: Holder | None, found: list[Finding]
) -> dict[str, Any]:
    health = Paths(settings.corpus_dir, settings.adapter_out).health
    return {
        "run_id": state.run_id,
        "status": "running" if at_work else (state.status if state.run_id else "missing"),
        "exit_code": state.exit_code,
        "at_work": asdict(at_work) if at_work else None,
        "stages": [asdict(row) for row in found],
        "parts": state.parts,
        "result": read_json(health, "alignment_run_health")["status"] if health.is_file() else None,
    }
