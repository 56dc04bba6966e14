"""The results page, its plots and the shipped adapter's card, from the JSON files in docs/results.

    make results        # .venv/bin/python benchmarks/results.py [--folder docs/results]

Reads what is there: ladder.json (benchmarks/ladder.py --json), study.jsonl and curve.jsonl (a line a training run, as
benchmarks/recipes.py writes them), boost.jsonl (benchmarks/boost.py --json), cycle_health.json (a run health of the
default cycle), gpu_health.json and gpu_evaluation.json (health and summary of the evaluation of a run of
configs/gpu.toml), train_*.json, decode_*.json and sweep_*.json. Words come from results.md.j2. Writes README.md,
tiers.svg and curve.svg, and the model card beside the adapter that comes with the package.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import jinja2
import matplotlib
from matplotlib.figure import Figure
from scipy.stats import binomtest

from ainl_align.artifacts import METRICS, atomic_open, parse_json, read_jsonl
from ainl_align.config import ROOT
from ainl_align.errors import UserError
from ainl_align.tasks.suites import TIERS
from ainl_align.training.checkpoints import WEIGHTS, load_adapter
from ainl_align.training.shipped import shipped
from ainl_align.training.start import read_start

Row = Mapping[str, Any]
_COLOURS = ("#9a9a9a", "#d08a1e", "#1f5fa8")
_SETS = ("test", "dev", "own_words", "medley", "handwritten", "regression")
_STYLE = {
    "svg.hashsalt": "ainl-align",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
}


class Ladder:
    """The rows of ladder.json by set, system and condition."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        best = content["few_shot"]["best"]
        self.few_shot = f"few-shot {best}"
        self.systems = ("base", *([self.few_shot] if best is not None else []), "adapter")
        self.rows: list[Row] = content["rows"]
        self.sets = [name for name in _SETS if any(row["set"] == name for row in self.rows)]

    def row(self, name: str, system: str, condition: str) -> Row | None:
        """One row; None where it was not run."""
        found = (row for row in self.rows if (row["set"], row["system"], row["condition"]) == (name, system, condition))
        return next(found, None)

    def of(self, name: str) -> list[Row]:
        """A set's rows of the compared systems, in order."""
        found = [row for row in self.rows if row["set"] == name and row["system"] in self.systems]
        return sorted(found, key=lambda row: self.systems.index(row["system"]))


def bounded(found: Row | None) -> str:
    """A count with its rate and interval, as a table cell."""
    if not found or not found["n"]:
        return ""
    return f"{found['count']} of {found['n']}: {found['rate']:.3f} ({found['low']:.3f} to {found['high']:.3f})"


def interval(rate: float, n: int) -> str:
    """A rate over ``n`` with its exact 95% interval, as a table cell."""
    bounds = binomtest(round(rate * n), n).proportion_ci(0.95, "exact")
    return f"{rate:.3f} ({bounds.low:.3f} to {bounds.high:.3f})"


def plot_tiers(ladder: Ladder, name: str, path: Path) -> None:
    """Task success by tier, bars with 95% intervals: base, few-shot and adapter, constrained."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.4), layout="constrained")
        axes = figure.subplots()
        width = 0.8 / len(ladder.systems)
        tiers = sorted({tier for row in ladder.of(name) for tier in row["by_tier"]})
        groups = (*tiers, "all")
        for place, system in enumerate(ladder.systems):
            row = ladder.row(name, system, "constrained")
            if row is None:
                continue
            found = [*(row["by_tier"][tier] for tier in tiers), row["metrics"]["task_success"]]
            rates = [item["rate"] for item in found]
            below = [item["rate"] - item["low"] for item in found]
            above = [item["high"] - item["rate"] for item in found]
            at = [group + (place - (len(ladder.systems) - 1) / 2) * width for group in range(len(groups))]
            colour = _COLOURS[place if len(ladder.systems) == 3 else 2 * place]
            axes.bar(at, rates, width, yerr=[below, above], color=colour, label=system, capsize=2, error_kw={"lw": 1})
        axes.set_xticks(range(len(groups)), groups)
        axes.set_ylim(0, 1)
        axes.set_ylabel("task_success")
        axes.set_title(f"{name}: greedy, constrained, first answer, 95% intervals", fontsize=11)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        figure.savefig(path, metadata={"Date": None})


def plot_curve(runs: Sequence[Row], path: Path) -> None:
    """Task success on dev against training tokens, by tier and over all; a point a run, lines through their means.
    Runs without joined tasks are one dashed line of their own."""
    without, joined = ([run for run in runs if bool(_medley(run)) is share] for share in (False, True))
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 3.8), layout="constrained")
        axes = figure.subplots()
        colours = matplotlib.colormaps["viridis"]
        by_tier = [(joined, tier, tier, colours(at / 5), 1.2, "-") for at, tier in enumerate(TIERS)]
        whole = (joined, "all", "all", "black", 2.4, "-")
        for found, tier, name, colour, width, dashes in [
            *by_tier,
            whole,
            (without, "all", "all, no joined tasks", "black", 1.2, "--"),
        ]:
            points = [(run["tokens"], _success(run, tier)) for run in found]
            if not points:
                continue
            axes.plot(*zip(*points, strict=True), "o", color=colour, markersize=3.5)
            means = [(tokens, mean(y for x, y in points if x == tokens)) for tokens in sorted({x for x, _ in points})]
            axes.plot(*zip(*means, strict=True), dashes, color=colour, linewidth=width, label=name)
        axes.set_xscale("log")
        ticks: list[int] = []
        for tokens in sorted({run["tokens"] for run in runs}, reverse=True):
            if not ticks or ticks[-1] >= 1.5 * tokens:  # what is closer has no room for its label
                ticks.append(tokens)
        axes.set_xticks(ticks, [f"{tokens / 1e6:g}M" for tokens in ticks])
        axes.minorticks_off()
        axes.set_ylim(0, 1)
        axes.set_xlabel("training tokens")
        axes.set_ylabel("task_success on dev")
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        figure.savefig(path, metadata={"Date": None})


def _medley(run: Row) -> float:
    share: float = run["recipe"].get("medley") or 0.0
    return share


def _success(run: Row, tier: str) -> float:
    value: float = run["dev"]["task_success"] if tier == "all" else run["dev"]["by_tier"][tier]
    return value


def rounded(tokens: float) -> int:
    """Tokens of a run to two figures, so that runs of one budget share a point."""
    return int(float(f"{tokens:.1e}"))


def seeds(runs: Sequence[Row]) -> list[dict[str, Any]]:
    """The runs of the curve by share of joined tasks and tokens: how many, mean on dev by tier, and the range over
    seeds."""
    groups: dict[tuple[float, int], list[Row]] = defaultdict(list)
    for run in runs:
        groups[_medley(run), run["tokens"]].append(run)
    return [
        {
            "medley": medley,
            "tokens": tokens,
            "runs": len(found),
            "mean": mean(_success(run, "all") for run in found),
            "range": [min(_success(run, "all") for run in found), max(_success(run, "all") for run in found)],
            "tiers": {tier: mean(_success(run, tier) for run in found) for tier in TIERS},
        }
        for (medley, tokens), found in sorted(groups.items())
    ]


def lines(path: Path) -> list[Row]:
    """The objects of a JSON-lines file; none where there is no file."""
    return [row for _, row in read_jsonl(path)] if path.is_file() else []


def card(ladder: Ladder, folder: Path, environment: jinja2.Environment) -> str:
    """The shipped adapter's model card. UserError when ladder.json is of another adapter."""
    from ainl_align.training.base import EMBEDDED, resolve

    adapter, start = load_adapter(folder), read_start(folder, resolve(EMBEDDED))
    manifest = parse_json(folder / "manifest.json")
    settings = manifest["provenance"]["settings"]
    measured = ladder.content["adapter_sha256"]
    if measured not in (adapter.files[WEIGHTS], settings["source_weights_sha256"]):
        raise UserError(f"ladder.json: was measured on another adapter ({measured}) than {folder}; run ladder.py again")
    return environment.get_template("adapter_card.md.j2").render(
        name=folder.name,
        start=start,
        sha256=adapter.files[WEIGHTS],
        size=(folder / WEIGHTS).stat().st_size / 1e6,
        same=measured == adapter.files[WEIGHTS],
        plan=settings.get("plan", {}),
        settings=settings,
        made_by=manifest["provenance"],
        has_data_card=(folder / "DATA.md").is_file(),
        ladder=ladder,
    )


def main() -> None:
    """Write the page, the plots and the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs/results")
    folder = parser.parse_args().folder
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    environment.filters |= {"bounded": bounded}
    environment.globals |= {"METRICS": METRICS, "TIERS": TIERS, "interval": interval}
    read = {path.stem: parse_json(path) for path in sorted(folder.glob("*.json"))}
    ladder = Ladder(read["ladder"]) if "ladder" in read else None
    shown = next(iter(ladder.sets), None) if ladder else None
    if ladder and shown:
        plot_tiers(ladder, shown, folder / "tiers.svg")
    curve = [
        {**run, "tokens": rounded(run["tokens"] + run.get("tokens_before", 0))} for run in lines(folder / "curve.jsonl")
    ]
    if curve:
        plot_curve(curve, folder / "curve.svg")
    adapter = shipped()
    page = environment.get_template("results.md.j2").render(
        ladder=ladder,
        shown=shown,
        adapter=adapter.name if adapter else None,
        curve=seeds(curve),
        study=lines(folder / "study.jsonl"),
        boost=lines(folder / "boost.jsonl"),
        health=read.get("cycle_health"),
        read=read,
    )
    with atomic_open(folder / "README.md") as handle:
        handle.write(page)
    print(folder / "README.md")
    if ladder and adapter:
        with atomic_open(adapter / "README.md") as handle:
            handle.write(card(ladder, adapter, environment))
        print(adapter / "README.md")


if __name__ == "__main__":
    main()
