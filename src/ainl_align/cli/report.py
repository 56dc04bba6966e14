"""report, and report compare: what a run left behind, as one page and as JSON."""

import json
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ainl_align.artifacts import check_writable
from ainl_align.config import ROOT
from ainl_align.errors import ExitCode, UserError
from ainl_align.progress import Progress

_CURATED = ROOT / "corpus/curated"


def report(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] | compare RUN_A RUN_B",
            help="a run: its health file, the folder that holds it, or its id; default: the last one",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="where to write the page; default: beside the run's health")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="write JUnit XML there too")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="open the page in a browser")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the run health, or the comparison, as JSON")] = False,
) -> int:
    """Write a run's report as one HTML page that needs no network, or a comparison of two runs."""
    words = words or []
    if words[:1] == ["compare"]:
        if len(words) != 3:
            raise UserError("report compare: name two runs: ainl-align report compare RUN_A RUN_B")
        if junit is not None:
            raise UserError("--junit: is for one run; leave it out of report compare")
        page = _compare(words[1:], output, as_json)
    elif len(words) > 1:
        raise UserError("report: name one run, or two after 'compare'; ainl-align report --help")
    else:
        page = _report(words[0] if words else None, output, junit, as_json)
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        raise UserError(f"{page}: no browser could be opened; open the file yourself")
    return ExitCode.OK


def _report(run: str | None, output: Path | None, junit: Path | None, as_json: bool) -> Path:
    from ainl_align.report.junit import write_junit
    from ainl_align.report.outputs import page_path, write_run
    from ainl_align.report.run_files import find_health, load
    from ainl_align.report.step_summary import append_step_summary
    from ainl_align.report.summary import one_line, show

    found = load(find_health(run, _CURATED))
    page = output or page_path(found.path, found)
    check_writable(page.parent)
    write_run(found, page)
    if junit is not None:
        write_junit(found, junit)
    progress = Progress()
    problem = append_step_summary(found, page)
    if problem is not None:
        progress.say(f"note: {problem}")
    if as_json:
        print(json.dumps({**found.health, "page": str(page)}, indent=2, ensure_ascii=False))
    else:
        show(found.health, found.path, progress)
        print(one_line(found.health, page))
    return page


def _compare(runs: Sequence[str], output: Path | None, as_json: bool) -> Path:
    from ainl_align.report import compare
    from ainl_align.report.html import write_page

    a, b = (compare.find_side(word, _CURATED) for word in runs)
    content = compare.compare(a, b)
    page = output or b.path.parent / f"comparison_{_file_name(a.name)}_{_file_name(b.name)}.html"
    check_writable(page.parent)
    write_page(page, compare.render(a, b, content))
    if as_json:
        document = {**compare.document(a, b, content), "page": str(page)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(f"{compare.headline(content)} Page: {page}")
    return page


def _file_name(run: str) -> str:
    """A run id comes from a file: only what is safe in a name is kept."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in run)[:60]
