"""Stage 7: the trend over all evaluation reports, and the gate on the newest."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ainl_align.artifacts import provenance, write_json
from ainl_align.config import ROOT
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate.reports import METRICS, Report, find_reports
from ainl_align.gate.verdict import judge_reports
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
    ignore: tuple[str, ...] = Field((), description="file names of reports to leave out")
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
    policy: Literal["point", "certified"] = Field(
        "point", description="point: plain comparison; certified: 95% bounds decide"
    )
    enforce_gate: bool = Field(False, description="exit with 10 when the gate fails, 11 when it is inconclusive")

    def floors(self) -> dict[str, float]:
        """Floors by metric, for the thresholds that are set."""
        return _given(
            strict_ainl=self.min_lora_strict_ainl_rate,
            runtime_compile=self.min_lora_runtime_rate,
            nonempty=self.min_lora_nonempty_rate,
            canonical=self.min_lora_canonical_rate,
            task_success=self.min_lora_task_success_rate,
        )

    def regressions(self) -> dict[str, float]:
        """Largest drops by metric, for the thresholds that are set."""
        return _given(
            strict_ainl=self.max_regression_strict,
            runtime_compile=self.max_regression_runtime,
            nonempty=self.max_regression_nonempty,
            canonical=self.max_regression_canonical,
            task_success=self.max_regression_task_success,
        )


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Read the reports, judge the newest (or ``settings.report``), write the trend file and return its content.

    A damaged report that is to be judged raises UserError; any other damaged one fails the gate unless ignored.
    """
    reports, damaged = find_reports(settings.reports_dir, settings.glob, settings.ignore, settings.report)
    for path, problem in damaged:
        if settings.report is not None and path == settings.report:
            raise UserError(problem)
    if not reports:
        raise UserError(damaged[0][1])
    latest = _judged(reports, settings.report)
    earlier = [report for report in reports if report is not latest and report.created <= latest.created]
    previous = next((report for report in reversed(earlier) if latest.comparable(report)), None)
    verdict = judge_reports(
        latest,
        previous,
        floors=settings.floors(),
        regressions=settings.regressions(),
        policy=settings.policy,
        damaged=[f"unreadable report (--ignore {path.name} leaves it out): {problem}" for path, problem in damaged],
    )
    newest = reports[-settings.latest_n :]
    content: dict[str, Any] = {
        "reports_dir": str(settings.reports_dir),
        "glob": settings.glob,
        "reports": len(reports),
        "unreadable": [{"path": str(path), "error": problem} for path, problem in damaged],
        "summary": {
            "latest": latest.row(comparable=True),
            "previous": previous.row(comparable=True) if previous else None,
            "delta_vs_previous": _delta(latest, previous) if previous else None,
            "gate": verdict.as_json(),
        },
        "latest_rows": [report.row(comparable=latest.comparable(report)) for report in newest],
    }
    data = {report.path.name: report.path for report in newest}
    write_json(
        settings.output_json,
        "model_eval_trends",
        content,
        provenance(settings.model_dump(mode="json"), data=data, device="cpu"),
    )
    progress.say(f"gate ({verdict.policy}): {verdict.status.upper()} on {latest.path}")
    for line in (*verdict.failures, *verdict.notes):
        progress.say(f"  {line}")
    return content


def exit_code(settings: Settings, content: dict[str, Any]) -> ExitCode:
    """Exit code of the script: the verdict's with ``--enforce-gate``, else 0."""
    if not settings.enforce_gate:
        return ExitCode.OK
    return gate_exit_code(content["summary"]["gate"]["status"])


def gate_exit_code(status: str) -> ExitCode:
    """The contract's exit code of a gate status."""
    codes = {"pass": ExitCode.OK, "fail": ExitCode.GATE_FAIL, "inconclusive": ExitCode.GATE_INCONCLUSIVE}
    return codes[status]


def _judged(reports: list[Report], path: Path | None) -> Report:
    """The newest report, or the one at ``path``."""
    if path is None:
        return reports[-1]
    return next(report for report in reports if report.path == path)


def _delta(latest: Report, previous: Report) -> dict[str, float | None]:
    delta: dict[str, float | None] = {}
    for metric in METRICS:
        now, before = latest.rates[metric], previous.rates[metric]
        delta[f"{metric}_rate"] = None if now is None or before is None else now - before
    return delta


def _given(**thresholds: float | None) -> dict[str, float]:
    return {metric: value for metric, value in thresholds.items() if value is not None}
