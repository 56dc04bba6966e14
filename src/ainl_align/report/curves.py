"""Charts over checkpoints (where loss and task metrics disagree) and over runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from ainl_align.gate.statistics import rate_lower, rate_upper
from ainl_align.report.charts import Panel, Point, Series, draw, legend, shown
from ainl_align.report.rates import METRICS

_TASK = "task_success"
_MOST_TICKS = 6


@dataclass(frozen=True)
class SweepView:
    """The sweep as the page shows it."""

    rows: Sequence[Mapping[str, Any]]
    charts: Sequence[tuple[str, Markup, Markup]]
    findings: Sequence[str]
    best_loss_step: int | None
    promoted: str | None
    weighed: bool
    """Whether checkpoints were screened by the likelihood of known programs."""


def sweep_view(sweep: Mapping[str, Any], losses: Sequence[Mapping[str, Any]]) -> SweepView:
    """Rates against step, loss against step, and what they say of each other."""
    pruned = set(sweep["pruned"])
    promoted = sweep.get("promoted")
    kept = {row["adapter_path"] for row in sweep["selected"]}
    rows = [
        {
            **row,
            "name": row["adapter_path"].rstrip("/").rsplit("/", 1)[-1],
            "fate": "promoted"
            if row["adapter_path"] == promoted
            else "kept"
            if row["adapter_path"] in kept
            else "pruned"
            if row["adapter_path"] in pruned
            else "",
        }
        for row in sweep["ranked"]
    ]
    metric = _TASK if any(row.get(f"{_TASK}_rate") is not None for row in rows) else "strict_ainl"
    by_step = sorted((row for row in rows if row["ok"] and row["step"] is not None), key=lambda row: row["step"])
    with_loss = [row for row in by_step if row["eval_loss"] is not None]
    best_loss = min(with_loss, key=lambda row: (row["eval_loss"], row["step"])) if with_loss else None
    disagreeing = [
        (before, after)
        for before, after in pairwise(with_loss)
        if before["n"] == after["n"]
        and _moves(before, after, "eval_loss") * _moves(before, after, f"{metric}_rate") > 0
    ]
    charts = _sweep_charts(
        by_step, losses, metric, best_loss, [(a["step"], b["step"]) for a, b in disagreeing], promoted
    )
    weighed = any(row.get("known_program_nats") is not None for row in rows)
    findings = _findings(by_step, with_loss, metric, best_loss, disagreeing)
    return SweepView(rows, charts, findings, best_loss["step"] if best_loss else None, promoted, weighed)


def _moves(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> int:
    if before[key] is None or after[key] is None:
        return 0
    return int(after[key] > before[key]) - int(after[key] < before[key])


def _findings(
    by_step: Sequence[Mapping[str, Any]],
    with_loss: Sequence[Mapping[str, Any]],
    metric: str,
    best_loss: Mapping[str, Any] | None,
    disagreeing: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
) -> list[str]:
    key = f"{metric}_rate"
    rated = [row for row in by_step if row[key] is not None]
    if best_loss is not None and rated and best_loss.get("rejected_by") == "likelihood":
        return [
            f"The loss is lowest at step {best_loss['step']}, which screening rejected by the likelihood of "
            f"{best_loss['rejected_after']} known programs: whether it would have done better is not known."
        ]
    if best_loss is None or not rated or best_loss[key] is None:
        return ["No validation loss was recorded, so loss and task metrics cannot be compared."] if rated else []
    best = max(rated, key=lambda row: (row.get("rejected_after") is None, row[key], row["step"]))
    found = []
    if best_loss.get("rejected_after") is not None:
        found.append(
            f"Loss and {metric} disagree: the loss is lowest at step {best_loss['step']} ({shown(best_loss[key])} on "
            f"{best_loss['n']} prompts), which screening rejected; step {best['step']} has {shown(best[key])} on "
            f"{best['n']} prompts."
        )
    elif best[key] > best_loss[key]:
        found.append(
            f"Loss and {metric} disagree: the loss is lowest at step {best_loss['step']} ({shown(best_loss[key])}), "
            f"{metric} is highest at step {best['step']} ({shown(best[key])}). Choosing by loss would have cost "
            f"{100 * (best[key] - best_loss[key]):.0f} points on {best['n']} prompts."
        )
    else:
        found.append(f"Loss and {metric} agree on step {best_loss['step']} ({shown(best_loss[key])}).")
    for before, after in disagreeing:
        trend = "fell" if after["eval_loss"] < before["eval_loss"] else "rose"
        found.append(
            f"From step {before['step']} to {after['step']} the loss {trend} ({before['eval_loss']:.3g} to "
            f"{after['eval_loss']:.3g}) and {metric} {trend} too ({shown(before[key])} to {shown(after[key])})."
        )
    if len(with_loss) > 1 and len({row["n"] for row in with_loss}) == 1 and not disagreeing:
        found.append("Between neighbouring checkpoints they never move against each other.")
    return found


def _sweep_charts(
    by_step: Sequence[Mapping[str, Any]],
    losses: Sequence[Mapping[str, Any]],
    metric: str,
    best_loss: Mapping[str, Any] | None,
    bands: Sequence[tuple[float, float]],
    promoted: str | None,
) -> list[tuple[str, Markup, Markup]]:
    if not by_step:
        return []
    chosen = next((row["step"] for row in by_step if row["adapter_path"] == promoted), None)
    last, first = by_step[-1]["step"], min(row["step"] for row in by_step)
    names = [metric, *(name for name in ("canonical", "strict_ainl") if name != metric)]
    rates = [
        Series(
            name,
            number,
            [_rate_point(row, name, whisker=number == 1) for row in by_step if row[f"{name}_rate"] is not None],
        )
        for number, name in enumerate(names, 1)
    ]
    ticks = _ticks([(row["step"], str(row["step"])) for row in by_step])
    marks = [("chosen", "promoted checkpoint")] + ([("band", "loss and rate disagree")] if bands else [])
    charts = [
        (
            "Rate on dev prompts",
            draw(Panel("Rate on dev prompts", "step", rates, ticks, (0, 1), chosen=chosen, bands=bands)),
            legend(rates, [("whisker", f"95% bounds of {metric}"), *marks]),
        )
    ]
    evals = [
        Point(row["step"], row["eval_loss"], ring=best_loss is row, note=f"step {row['step']}")
        for row in by_step
        if row["eval_loss"] is not None
    ]
    trained = [Point(row["step"], row["loss"]) for row in losses if "loss" in row and first <= row["step"] <= last]
    curves = [Series("validation loss", 1, evals)] if evals else []
    if trained:
        curves.append(Series("training loss", 2, trained, markers=False))
    if curves:
        top = max(point.y for series in curves for point in series.points)
        panel = Panel("Loss", "step", curves, ticks, (0, top * 1.05 or 1), False, None, chosen, bands)
        charts.append(("Loss", draw(panel), legend(curves, [("ring", "lowest validation loss"), *marks])))
    return charts


def _rate_point(row: Mapping[str, Any], metric: str, *, whisker: bool) -> Point:
    count, n = (row.get("counts") or {}).get(metric), row["n"]
    note = f"{metric}, step {row['step']}"
    if not whisker or count is None or not n:
        return Point(row["step"], row[f"{metric}_rate"], note=note)
    return Point(row["step"], row[f"{metric}_rate"], rate_lower(count, n), rate_upper(count, n), note=note)


def trend_charts(trends: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """Groups of small charts over the runs, oldest first: by metric, by tier, time and cost. Runs that are not
    comparable are hollow and not joined. Empty when there is one run."""
    rows = trends["latest_rows"]
    if len(rows) < 2:
        return []
    thresholds = trends["summary"]["gate"]["thresholds"]
    runs = _Runs(rows)
    metrics = [
        (
            metric,
            runs.chart(metric, [row[f"{metric}_rate"] for row in rows], level=thresholds.get(f"min_{metric}_rate")),
        )
        for metric in METRICS
        if any(row[f"{metric}_rate"] is not None for row in rows)
    ]
    series = trends.get("trends") or {}
    by_tier = [
        (f"{_TASK}, {tier}", runs.chart(f"{_TASK}, {tier}", found[_TASK]))
        for tier, found in sorted(series.get("tiers", {}).items())
        if any(value is not None for value in found.get(_TASK, ()))
    ]
    kinds = [
        (kind, runs.chart(f"failed as {kind}", counts, percent=False))
        for kind, counts in sorted(series.get("failure_kinds", {}).items())
        if any(value is not None for value in counts)
    ]
    alerts = [
        (name, runs.chart(f"{name}, share of answers", ratios))
        for name, ratios in sorted(series.get("constraint_alerts", {}).items())
        if any(value is not None for value in ratios)
    ]
    spent = [
        (name, runs.chart(name, [row.get(key) for row in rows], percent=False))
        for key, name in (("seconds", "seconds of answering"), ("tokens", "new tokens"))
        if any(row.get(key) is not None for row in rows)
    ]
    groups = [("By metric", metrics), ("By tier", by_tier), ("By kind of failure", kinds)]
    groups += [("Constraint alerts", alerts), ("Time and cost", spent)]
    return [(title, charts) for title, charts in groups if charts]


@dataclass(frozen=True)
class _Runs:
    rows: Sequence[Mapping[str, Any]]

    def chart(
        self, title: str, values: Sequence[float | None], *, percent: bool = True, level: float | None = None
    ) -> Markup:
        """One value a run."""
        points = [
            Point(
                index, value, hollow=not row["comparable"], note=row.get("run_id") or row["created"] or "older report"
            )
            for index, (row, value) in enumerate(zip(self.rows, values, strict=True))
            if value is not None
        ]
        ticks = _ticks([(float(i), str(i + 1)) for i in sorted({int(point.x) for point in points})])
        top = 1.0 if percent else max(point.y for point in points) * 1.05 or 1.0
        return draw(Panel(title, "run", [Series(title, 1, points)], ticks, (0, top), percent, level))


def _ticks(every: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """At most six of the ticks, the first and the last among them."""
    if len(every) <= _MOST_TICKS:
        return list(every)
    step = (len(every) - 1) / (_MOST_TICKS - 1)
    return [every[round(index * step)] for index in range(_MOST_TICKS)]
