"""Line charts as inline SVG, coloured by the style sheet alone; a table with the same figures stands beside each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 34


@dataclass(frozen=True)
class Point:
    """One value. ``low`` and ``high`` draw a whisker; ``hollow`` marks a point that is not comparable with the rest."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hollow: bool = False
    ring: bool = False
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A line; its number picks colour, dash and marker in the style sheet."""

    name: str
    number: int
    points: Sequence[Point]
    markers: bool = True


@dataclass(frozen=True)
class Panel:
    """One chart. ``ticks`` are (x, text); ``level`` is a horizontal line (a floor); ``bands`` are shaded x ranges."""

    title: str
    x_label: str
    series: Sequence[Series]
    ticks: Sequence[tuple[float, str]]
    y_range: tuple[float, float]
    percent: bool = True
    level: float | None = None
    chosen: float | None = None
    bands: Sequence[tuple[float, float]] = field(default_factory=tuple)


def draw(panel: Panel) -> Markup:
    """The chart; its title and figures are also its text for screen readers."""
    scale = _Scale(panel)
    parts: list[Markup] = []
    for start, end in panel.bands:
        x, width = scale.x(start), scale.x(end) - scale.x(start)
        parts.append(
            Markup('<rect class="band" x="{}" y="{}" width="{}" height="{}"/>').format(
                _n(x), _TOP, _n(width), HEIGHT - _TOP - _BOTTOM
            )
        )
    for share in (0, 0.25, 0.5, 0.75, 1):
        value = panel.y_range[0] + share * (panel.y_range[1] - panel.y_range[0])
        y = scale.y(value)
        parts.append(_rule("grid", (_LEFT, WIDTH - _RIGHT), (y, y)))
        parts.append(
            Markup('<text class="axis" text-anchor="end" x="{}" y="{}">{}</text>').format(
                _LEFT - 6, _n(y + 4), shown(value, panel.percent)
            )
        )
    for at, text in panel.ticks:
        parts.append(
            Markup('<text class="axis" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                _n(scale.x(at)), HEIGHT - _BOTTOM + 16, text
            )
        )
    parts.append(
        Markup('<text class="axis" text-anchor="middle" x="{}" y="{}">{}</text>').format(
            (_LEFT + WIDTH - _RIGHT) // 2, HEIGHT - 3, panel.x_label
        )
    )
    if panel.level is not None:
        parts.append(_rule("level", (_LEFT, WIDTH - _RIGHT), (scale.y(panel.level),) * 2))
    if panel.chosen is not None:
        parts.append(_rule("chosen", (scale.x(panel.chosen),) * 2, (_TOP, HEIGHT - _BOTTOM)))
    parts += [_line(series, scale, panel) for series in panel.series]
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, _spoken(panel), Markup("").join(parts)
    )


def _rule(kind: str, xs: tuple[float, float], ys: tuple[float, float]) -> Markup:
    """A straight line of a class."""
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(kind, *map(_n, (*xs, *ys)))


class _Scale:
    def __init__(self, panel: Panel) -> None:
        xs = [point.x for series in panel.series for point in series.points] or [0.0]
        self._low, self._high = min(xs), max(xs)
        self._bottom, self._top = panel.y_range

    def x(self, value: float) -> float:
        span = self._high - self._low
        share = (value - self._low) / span if span else 0.5
        return _LEFT + 8 + share * (WIDTH - _LEFT - _RIGHT - 16)

    def y(self, value: float) -> float:
        share = (value - self._bottom) / ((self._top - self._bottom) or 1)
        return HEIGHT - _BOTTOM - min(max(share, 0), 1) * (HEIGHT - _TOP - _BOTTOM)


def _line(series: Series, scale: _Scale, panel: Panel) -> Markup:
    solid = [point for point in series.points if not point.hollow]
    path = " ".join(f"{_n(scale.x(point.x))},{_n(scale.y(point.y))}" for point in solid)
    parts = [Markup('<polyline points="{}"/>').format(path)] if len(solid) > 1 else []
    for point in series.points:
        x, y = _n(scale.x(point.x)), _n(scale.y(point.y))
        if point.low is not None and point.high is not None:
            low, high = scale.y(point.low), scale.y(point.high)
            parts.append(_rule("whisker", (scale.x(point.x),) * 2, (low, high)))
        if series.markers or point.ring:
            kind = "ring" if point.ring else "hollow" if point.hollow else "dot"
            title = f"{point.note or series.name}: {shown(point.y, panel.percent)}"
            parts.append(
                Markup('<circle class="{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
                    kind, x, y, 6 if point.ring else 3.5, title
                )
            )
    return Markup('<g class="series n{}">{}</g>').format(series.number, Markup("").join(parts))


def _spoken(panel: Panel) -> str:
    lines = []
    for series in panel.series:
        values = ", ".join(shown(point.y, panel.percent) for point in series.points[-12:])
        lines.append(f"{series.name}: {values}")
    level = f"; line at {shown(panel.level, panel.percent)}" if panel.level is not None else ""
    return f"{panel.title} by {panel.x_label}. {'. '.join(lines)}{level}"


def legend(series: Sequence[Series], extra: Sequence[tuple[str, str]] = ()) -> Markup:
    """Names beside their line; ``extra`` are (class, name) of marks that are no series."""
    items = [
        Markup(
            '<li><svg class="key" viewBox="0 0 24 10" aria-hidden="true"><g class="series n{}"><polyline '
            'points="1,5 23,5"/><circle class="dot" cx="12" cy="5" r="3"/></g></svg>{}</li>'
        ).format(item.number, item.name)
        for item in series
    ]
    items += [
        Markup('<li><span class="key {}" aria-hidden="true"></span>{}</li>').format(name, text) for name, text in extra
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def shown(value: float | None, percent: bool = True) -> str:
    """A rate as a percentage, another value with three figures."""
    if value is None:
        return "–"
    if percent:
        return f"{100 * value:.0f}%"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", "\u202f")


def _n(value: float) -> str:
    return f"{value:.1f}"
