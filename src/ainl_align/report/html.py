"""Self-contained HTML pages: one file each, no network, style and script inlined; what others wrote is escaped."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ainl_align.artifacts import atomic_open
from ainl_align.report.charts import shown
from ainl_align.report.run_files import RunFiles
from ainl_align.report.view import view


def render_run(run: RunFiles) -> str:
    """The page of one run."""
    return render("run.html.j2", view(run))


def write_page(path: Path, text: str) -> None:
    """Write a page atomically; raises what ``artifacts.atomic_open`` raises."""
    with atomic_open(path) as handle:
        handle.write(text)


def render(template: str, values: Mapping[str, Any]) -> str:
    """A page from its template and values. The policy in it forbids every request and every other script."""
    style, script = _asset("report.css"), _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{digest}'"
    )
    page = _environment().get_template(template)
    return page.render({**values, "style": Markup(style), "script": Markup(script), "policy": policy})


@cache
def _asset(name: str) -> str:
    return files("ainl_align.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("ainl_align.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        rate=shown, number=_number, clock=clock, signed=_signed, share=_share, pretty=_pretty, whole=_whole
    )
    return made


def clock(seconds: float | None) -> str:
    """A time span for people."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d} h"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) or (math.isfinite(value) and value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:.4g}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _signed(points: float | None) -> str:
    """A difference of rates in percentage points."""
    if points is None:
        return "–"
    shown_points = f"{100 * points:+.1f}"
    return "0" if shown_points in ("+0.0", "-0.0") else shown_points.replace("-", "−")


def _share(value: float) -> str:
    """A share as a CSS length."""
    return f"{100 * min(max(value, 0.0), 1.0):.2f}%"


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
