"""Stage 7: the trend over all evaluation reports, and the gate on the newest."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ainl_align.artifacts import provenance, read_json, write_json
from ainl_align.config import ROOT
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate.checks import Policy
from ainl_align.gate.history import History, read_history
from ainl_align.gate.limits import Limit, parse_all
from ainl_align.gate.reports import Report
from ainl_align.gate.rows import delta, row, series
from ainl_align.gate.selection import refuse_shared
from ainl_align.gate.shelf import Shelf, fill
from ainl_align.gate.verdict import References, Verdict, judge
from ainl_align.progress import Progress

Rate = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Options of scripts/analyze_eval_trends.py."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reports_dir: Path = Field(ROOT / "corpus/curated", description="folder of the evaluation reports")
    glob: str = Field("**/model_eval_report*.json", min_length=1, description="which files in it are reports")
    output_json: Path = Field(ROOT / "corpus/curated/model_eval_trends.json", description="where to write the trend")
    latest_n: int = Field(25, ge=1, description="newest reports that the trend lists")
    report: Path | None = Field(None, description="the report to judge; empty: the newest")
    run_id: str | None = Field(None, description="the run that the judged report must be of")
    history: Path | None = Field(None, description="folder of the history; empty: history in the reports' folder")
    ignore: tuple[str, ...] = Field((), description="file names or run ids of reports to leave out")
    selection_prompts: Path | None = Field(
        None, description="prompt set that the checkpoint was chosen by; the gate refuses to judge on any of it"
    )
    min_lora_strict_ainl_rate: Rate | None = Field(0.60, description="least strict AINL rate")
    min_lora_runtime_rate: Rate | None = Field(0.75, description="least runtime compile rate")
    min_lora_nonempty_rate: Rate | None = Field(0.70, description="least nonempty rate")
    min_lora_canonical_rate: Rate | None = Field(None, description="least canonical rate")
    min_lora_task_success_rate: Rate | None = Field(None, description="least task success rate")
    max_regression_strict: Rate | None = Field(0.05, description="largest drop of the strict AINL rate")
    max_regression_runtime: Rate | None = Field(0.05, description="largest drop of the runtime compile rate")
    max_regression_nonempty: Rate | None = Field(0.05, description="largest drop of the nonempty rate")
    max_regression_canonical: Rate | None = Field(None, description="largest drop of the canonical rate")
    max_regression_task_success: Rate | None = Field(None, description="largest drop of the task success rate")
    floor: tuple[str, ...] = Field(
        (), description="a further floor: METRIC=RATE, tier:T3:METRIC=RATE, family:NAME:METRIC=RATE, tier:*:METRIC=RATE"
    )
    max_drop: tuple[str, ...] = Field((), description="a further largest drop, written like --floor")
    policy: Policy = Field("certified", description="certified: 95% bounds decide; point: plain comparison")
    enforce_gate: bool = Field(False, description="exit with 10 when the gate fails, 11 when it is inconclusive")

    @field_validator("floor", "max_drop")
    @classmethod
    def _readable(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        parse_all("floor", texts)
        return texts

    def limits(self) -> list[Limit]:
        """Every threshold that is set."""
        floors = {
            "strict_ainl": self.min_lora_strict_ainl_rate,
            "runtime_compile": self.min_lora_runtime_rate,
            "nonempty": self.min_lora_nonempty_rate,
            "canonical": self.min_lora_canonical_rate,
            "task_success": self.min_lora_task_success_rate,
        }
        drops = {
            "strict_ainl": self.max_regression_strict,
            "runtime_compile": self.max_regression_runtime,
            "nonempty": self.max_regression_nonempty,
            "canonical": self.max_regression_canonical,
            "task_success": self.max_regression_task_success,
        }
        return [
            *(Limit("floor", metric, value) for metric, value in floors.items() if value is not None),
            *parse_all("floor", self.floor),
            *(Limit("regression", metric, value) for metric, value in drops.items() if value is not None),
            *parse_all("regression", self.max_drop),
        ]


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Read the reports, judge the newest (or ``settings.report``), write the trend file and return its content.

    A damaged report that is to be judged raises UserError; any other damaged one fails the gate unless ignored.
    """
    try:
        content = _run(settings, progress)
    except UserError:
        _forget(settings.output_json)
        raise
    return content


def _run(settings: Settings, progress: Progress) -> dict[str, Any]:
    history = read_history(settings.history or settings.reports_dir / "history")
    shelf = fill(settings.reports_dir, settings.glob, settings.ignore, history, settings.report)
    latest = _judged(shelf, settings)
    if settings.selection_prompts is not None:
        refuse_shared(latest, settings.selection_prompts)
    references = _references(shelf, latest, history)
    verdict = judge(
        latest,
        references,
        settings.limits(),
        settings.policy,
        damaged=[
            f"unreadable report (--ignore {item.path.name} leaves it out): {item.problem}"
            for item in shelf.unreadable
            if not item.ignored
        ],
    )
    content = _content(settings, shelf, latest, references, history, verdict)
    newest = {report.path.name: report.path for report in shelf.reports[-settings.latest_n :]}
    made_by = provenance(settings.model_dump(mode="json"), data=newest, device="cpu")
    write_json(settings.output_json, "model_eval_trends", content, made_by)
    if latest.key in history.runs:
        history.judged(latest.key, verdict.status, verdict.policy)
    progress.say(f"gate ({verdict.policy}): {verdict.status.upper()} on {latest.path}")
    for line in (*verdict.failures, *verdict.notes):
        progress.say(f"  {line}")
    return content


def _content(
    settings: Settings, shelf: Shelf, latest: Report, references: References, history: History, verdict: Verdict
) -> dict[str, Any]:
    roles: dict[str, list[str]] = {}
    for role in ("previous", "champion", "first"):
        report = getattr(references, role)
        if report is not None:
            roles.setdefault(report.digest, []).append(role)
    roles.setdefault(latest.digest, []).append("latest")

    def as_row(report: Report) -> dict[str, Any]:
        told = verdict.status if report is latest else history.verdicts.get(report.key)
        return row(report, comparable=latest.comparable(report), roles=roles.get(report.digest, ()), verdict=told)

    rows = [as_row(report) for report in shelf.reports[-settings.latest_n :]]
    previous, champion = references.previous, shelf.find(history.champion)
    return {
        "reports_dir": str(settings.reports_dir),
        "glob": settings.glob,
        "history": str(history.log) if history.runs else None,
        "reports": len(shelf.reports),
        "unreadable": [
            {"path": str(item.path), "error": item.problem, "ignored": item.ignored} for item in shelf.unreadable
        ],
        "summary": {
            "latest": as_row(latest),
            "previous": as_row(previous) if previous else None,
            "champion": as_row(champion) if champion else None,
            "delta_vs_previous": delta(latest, previous) if previous else None,
            "gate": verdict.as_json(),
        },
        "latest_rows": rows,
        "trends": series(rows),
    }


def _judged(shelf: Shelf, settings: Settings) -> Report:
    """The newest report, or the one at ``settings.report``; UserError when it is damaged, or of another run."""
    for item in shelf.unreadable:
        if item.path == settings.report:
            raise UserError(item.problem)
    if not shelf.reports:
        raise UserError(shelf.unreadable[0].problem)
    found = shelf.reports[-1]
    if settings.report is not None:
        found = next(report for report in shelf.reports if report.path == settings.report)
    if settings.run_id is not None and found.run_id != settings.run_id:
        raise UserError(
            f"{found.path}: is of run {found.run_id}, not of {settings.run_id}; this run's own report is needed"
        )
    return found


def _references(shelf: Shelf, latest: Report, history: History) -> References:
    earlier = shelf.reports[: shelf.reports.index(latest)]
    comparable = [report for report in earlier if latest.comparable(report)]
    found = References(previous=comparable[-1] if comparable else None, first=comparable[0] if comparable else None)
    if history.champion is None:
        return found
    champion = shelf.find(history.champion)
    reason = None
    if champion is None:
        reason = f"the champion's report (run {history.champion}) cannot be read"
    elif champion.digest == latest.digest:
        reason = "the judged run is the champion itself"
    elif differing := latest.differences(champion):
        reason = f"the champion (run {history.champion}) differs in {', '.join(differing)}"
    if reason is not None:
        return References(found.previous, None, found.first, reason)
    return References(found.previous, champion, found.first, "")


def _forget(path: Path) -> None:
    """Remove an earlier verdict: it must not be read as the one that could not be reached now."""
    try:
        read_json(path, "model_eval_trends")
        path.unlink()
    except (UserError, OSError):
        return


def exit_code(settings: Settings, content: dict[str, Any]) -> ExitCode:
    """Exit code of the script: the verdict's with ``--enforce-gate``, else 0."""
    if not settings.enforce_gate:
        return ExitCode.OK
    return gate_exit_code(content["summary"]["gate"]["status"])


def gate_exit_code(status: str) -> ExitCode:
    """The contract's exit code of a gate status."""
    codes = {"pass": ExitCode.OK, "fail": ExitCode.GATE_FAIL, "inconclusive": ExitCode.GATE_INCONCLUSIVE}
    return codes[status]
