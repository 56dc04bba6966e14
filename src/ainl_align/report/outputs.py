"""Everything that a finished cycle leaves for people and machines beside its health. None of it can fail the run."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ainl_align.progress import Progress
from ainl_align.report import html
from ainl_align.report.card import write_cards
from ainl_align.report.junit import write_junit
from ainl_align.report.run_files import HEALTH, SWEEP, TRENDS, RunFiles, load, locate
from ainl_align.report.step_summary import append_step_summary

PAGE = "alignment_run_report"
JUNIT = "alignment_run_junit.xml"


def write_outputs(health_path: Path, progress: Progress) -> dict[str, Path]:
    """Write page, JUnit file, model cards and step summary of a run whose health is on disk.

    Returns what was written, by artifact name. What fails is said as a fallback and left out.
    """
    written: dict[str, Path] = {}
    try:
        run = load(health_path)
    except Exception as error:
        progress.fallback(f"the run report could not be made: {_told(error)}")
        return written
    page, junit = page_path(health_path, run), health_path.parent / JUNIT

    def attempt(name: str, action: Callable[[], Path | None]) -> None:
        try:
            path = action()
        except Exception as error:  # whatever it is, the run has its result already
            progress.fallback(f"{name} could not be written: {_told(error)}")
        else:
            if path is not None:
                written[name] = path

    attempt("run_report", lambda: write_run(run, page))
    attempt("junit", lambda: write_junit(run, junit))
    attempt("model_card", lambda: next(iter(write_cards(run)), None))
    problem = append_step_summary(run, written.get("run_report"))
    if problem is not None:
        progress.fallback(problem)
    return written


def page_path(health_path: Path, run: RunFiles) -> Path:
    """Where the page of a run lies: beside its health, under the run's name for a copy in the history."""
    name = f"{PAGE}_{run.run_id}.html" if health_path.parent.name == "history" else f"{PAGE}.html"
    return health_path.parent / name


def write_run(run: RunFiles, page: Path) -> Path:
    """Render a run's page; returns its path."""
    html.write_page(page, html.render_run(run))
    return page


def keep_copies(health_path: Path, progress: Progress) -> None:
    """Copies by run id in the history: the next run overwrites the files, and a report on this one needs them."""
    try:
        run = load(health_path)
        history = health_path.parent / "history"
        history.mkdir(parents=True, exist_ok=True)
        for name in (TRENDS, SWEEP):
            found = locate(health_path, run.health, name)
            if isinstance(found, Path) and found.parent != history:
                shutil.copyfile(found, history / f"{name}_{run.run_id}.json")
        shutil.copyfile(health_path, history / f"{HEALTH}_{run.run_id}.json")
        page = health_path.parent / f"{PAGE}.html"
        if run.health["artifacts"].get("run_report") == str(page) and page.is_file():
            shutil.copyfile(page, history / f"{PAGE}_{run.run_id}.html")
    except Exception as error:
        progress.say(f"the run's files could not be copied to its history: {_told(error)}")


def _told(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__
