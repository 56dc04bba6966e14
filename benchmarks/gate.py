"""Operating characteristics of the gate: how often it is wrong, and how often it cannot tell.

    .venv/bin/python benchmarks/gate.py [--json FILE] [--margin 0.05] [--rate 0.8] [--floor 0.6] [--gates 60]

Three parts, each beside the plain comparison of rates (the policy ``point``):

- drop: one metric against an earlier run on the same prompts, for several correlations of the two runs. Exact: every
  possible outcome is decided by the code of the gate and weighted with its probability.
- floor: one metric against a floor. Exact as well.
- gate: whole gates (three floors, three drops against the previous run and the champion) on simulated reports of an
  unchanged model; and single drops where prompts come in clusters of four, with the two runs' drop at the margin.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom, multinomial

from ainl_align.artifacts import METRICS
from ainl_align.gate.checks import Check
from ainl_align.gate.evidence import PairedEvidence, RateEvidence, paired_evidence
from ainl_align.gate.limits import Limit
from ainl_align.gate.reports import Report
from ainl_align.gate.statistics import ALPHA
from ainl_align.gate.verdict import References, judge

SIZES = (12, 60, 200, 500)
CORRELATIONS = (0.0, 0.25, 0.5, 0.75)
_RARE = 1e-7
_THREE = ("strict_ainl", "runtime_compile", "nonempty")


def main() -> None:
    """Print the tables; with ``--json`` write the figures too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--margin", type=float, default=0.05)
    parser.add_argument("--rate", type=float, default=0.80, help="rate of the earlier run")
    parser.add_argument("--floor", type=float, default=0.60)
    parser.add_argument("--gates", type=int, default=60, help="simulated gates of each size")
    given = parser.parse_args()
    started = time.monotonic()
    drops = [row for n in SIZES for row in drop_rows(n, given.margin, given.rate)]
    floors = [floor_row(n, given.floor) for n in SIZES]
    gates = [gate_row(n, given.gates, given.rate) for n in SIZES[1:3]]
    clusters = [cluster_row(n, given.gates, given.margin, given.rate) for n in SIZES[1:3]]
    seconds = time.monotonic() - started
    _table(f"drop: margin {given.margin:g}, earlier rate {given.rate:g}", drops)
    _table(f"floor {given.floor:g}", floors)
    _table("gate: unchanged model, three metrics, previous run and champion", gates)
    _table("clusters of four, true drop at the margin", clusters)
    print(f"{seconds:.0f} s")
    if given.json is not None:
        figures = {"drop": drops, "floor": floors, "gate": gates, "clusters": clusters, "seconds": seconds}
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def drop_rows(n: int, margin: float, rate: float) -> list[dict[str, Any]]:
    """One row for each correlation that two runs with these rates can have."""
    rows = []
    for correlation in CORRELATIONS:
        unchanged = _cells(rate, rate, correlation)
        at_margin, worse = _cells(rate, rate - margin, correlation), _cells(rate, rate - 0.10, correlation)
        if unchanged is None or at_margin is None or worse is None:
            continue
        same = _decisions(n, margin, unchanged)
        row = {
            "n": n,
            "correlation": correlation,
            "wrong_pass_at_margin": _decisions(n, margin, at_margin)["pass"],
            "wrong_fail_unchanged": same["fail"],
            "inconclusive_unchanged": same["inconclusive"],
            "pass_unchanged": same["pass"],
            "wrong_pass_drop_10": _decisions(n, margin, worse)["pass"],
            "fail_drop_10": _decisions(n, margin, worse)["fail"],
            "plain_wrong_pass_at_margin": _plain(n, margin, at_margin),
            "plain_wrong_fail_unchanged": 1 - _plain(n, margin, unchanged),
            "plain_wrong_pass_drop_10": _plain(n, margin, worse),
        }
        rows.append(row)
    return rows


def _cells(before: float, now: float, correlation: float) -> tuple[float, float] | None:
    """Probabilities of (lost, gained) for two correlated outcomes; None where there are no such outcomes."""
    both = before * now + correlation * (before * (1 - before) * now * (1 - now)) ** 0.5
    if both > min(before, now):
        return None
    return before - both, now - both


def _decisions(n: int, margin: float, cells: tuple[float, float]) -> dict[str, float]:
    """Probability of each decision of the certified policy."""
    shares = {"pass": 0.0, "fail": 0.0}
    for lost, gained, chance in _outcomes(n, cells):
        decision = _decide(n, lost, gained, margin)
        if decision in shares:
            shares[decision] += chance
    return {**shares, "inconclusive": 1 - sum(shares.values())}


def _plain(n: int, margin: float, cells: tuple[float, float]) -> float:
    """Probability that the plain comparison passes."""
    return sum(chance for lost, gained, chance in _outcomes(n, cells) if (lost - gained) / n <= margin + 1e-9)


def _outcomes(n: int, cells: tuple[float, float]) -> list[tuple[int, int, float]]:
    """Every (lost, gained) that is not all but impossible, with its probability."""
    lost, gained = cells

    def likely(share: float) -> range:
        low, high = binom.ppf([_RARE, 1 - _RARE], n, share)
        return range(int(low), int(high) + 1)

    pairs = [(b, c) for b in likely(lost) for c in likely(gained) if b + c <= n]
    counts = np.array([(b, c, n - b - c) for b, c in pairs])
    chances = multinomial.pmf(counts, n, (lost, gained, 1 - lost - gained))
    return [(b, c, float(chance)) for (b, c), chance in zip(pairs, chances, strict=True) if chance > _RARE / 10]


def _decide(n: int, lost: int, gained: int, margin: float) -> str:
    """The decision of the certified policy, from the two edges beyond which it passes and fails."""
    passes, fails = _edges(n, gained, margin)
    return "pass" if lost <= passes else "fail" if lost >= fails else "inconclusive"


@cache
def _edges(n: int, gained: int, margin: float) -> tuple[int, int]:
    """For a number gained: the most lost that is certified, and the least lost that fails (both grow evenly)."""
    passes = _first(n - gained, lambda lost: _p_values(n, lost, gained, margin)[0] > ALPHA) - 1
    return passes, _first(n - gained, lambda lost: _p_values(n, lost, gained, margin)[1] <= ALPHA)


def _first(most: int, holds: Callable[[int], bool]) -> int:
    """The smallest number up to ``most`` for which a monotone condition holds; ``most + 1`` if there is none."""
    low, high = 0, most + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _p_values(n: int, lost: int, gained: int, margin: float) -> tuple[float, float]:
    p_values: tuple[float, float] = PairedEvidence(lost, gained, 0, n, n, float(n), None).p_values(margin)
    return p_values


def floor_row(n: int, floor: float) -> dict[str, Any]:
    """Decisions on a model just below the floor, on it, and ten points above it."""

    def shares(rate: float) -> dict[str, float]:
        found = {"pass": 0.0, "fail": 0.0, "plain": 0.0}
        for successes in range(n + 1):
            chance = float(binom.pmf(successes, n, rate))
            ok, breach = RateEvidence(successes, n, n, float(n)).p_values(floor)
            found["pass"] += chance * (ok <= ALPHA)
            found["fail"] += chance * (ok > ALPHA and breach <= ALPHA)
            found["plain"] += chance * (successes / n >= floor - 1e-9)
        return found

    below, on, above = shares(floor - 1e-9), shares(floor), shares(floor + 0.10)
    return {
        "n": n,
        "wrong_pass_just_below": below["pass"],
        "wrong_fail_on_floor": on["fail"],
        "wrong_fail_10_above": above["fail"],
        "pass_10_above": above["pass"],
        "inconclusive_10_above": 1 - above["pass"] - above["fail"],
        "plain_wrong_pass_just_below": below["plain"],
        "plain_wrong_fail_on_floor": 1 - on["plain"],
        "plain_wrong_fail_10_above": 1 - above["plain"],
    }


def gate_row(n: int, gates: int, rate: float) -> dict[str, Any]:
    """Verdicts of whole gates on a model that is as good as the previous run and the champion."""
    rng = np.random.default_rng(n)
    limits = [Limit("floor", metric, value) for metric, value in zip(_THREE, (0.60, 0.75, 0.70), strict=True)]
    limits += [Limit("regression", metric, 0.05) for metric in _THREE]
    counted = {f"{policy}_{status}": 0 for policy in ("certified", "point") for status in ("pass", "fail")}
    counted["certified_inconclusive"] = 0
    for _ in range(gates):
        # What two runs share is the difficulty of the prompts: it gives their outcomes a correlation of about 0.5.
        chance = rng.beta(rate, 1 - rate, size=n)
        latest, previous, champion = (_report(rng.random((3, n)) < chance, name) for name in "lpc")
        verdict = judge(latest, References(previous, champion), limits, "certified")
        counted[f"certified_{verdict.status}"] += 1
        plain = all(_holds(check) for check in verdict.checks)
        counted["point_pass" if plain else "point_fail"] += 1
    return {"n": n, "gates": gates, **{name: count / gates for name, count in counted.items()}}


def _holds(check: Check) -> bool:
    """The plain comparison of a check's value with its threshold."""
    assert check.value is not None
    if check.kind == "floor":
        return check.value >= check.threshold - 1e-9
    return check.value <= check.threshold + 1e-9


def _report(outcomes: Any, name: str) -> Report:
    """A report with these outcomes of the three metrics; the others are not judged."""
    n = outcomes.shape[1]
    judged = {
        metric: {str(i): bool(value) for i, value in enumerate(row)}
        for metric, row in zip(_THREE, outcomes, strict=True)
    }
    unjudged: Mapping[str, bool | None] = {str(i): None for i in range(n)}
    return Report(
        path=Path(name),
        digest=name,
        created=datetime(2026, 1, 1, tzinfo=UTC),
        run_id=name,
        adapter_path=None,
        base_model="",
        outcomes={metric: judged.get(metric, unjudged) for metric in METRICS},
        base=None,
        conditions={},
        clusters={str(i): str(i) for i in range(n)},
        groups={},
        prompts={str(i): str(i) for i in range(n)},
        document={},
    )


def cluster_row(n: int, gates: int, margin: float, rate: float) -> dict[str, Any]:
    """Wrong passes at the margin where clusters of four succeed and fail together, with and without regard to it."""
    rng = np.random.default_rng(n)
    lost, gained = margin + 0.04, 0.04
    regarded = disregarded = 0
    for _ in range(gates * 5):
        change = np.repeat(rng.choice([1, -1, 0], size=n // 4, p=[lost, gained, 1 - lost - gained]), 4)
        before = {str(i): bool(value == 1 or (value == 0 and rng.random() < rate)) for i, value in enumerate(change)}
        now = {str(i): bool(before[str(i)] if value == 0 else value == -1) for i, value in enumerate(change)}
        found = paired_evidence(before, now, {str(i): str(i // 4) for i in range(n)})
        assert found is not None
        regarded += found.p_values(margin)[0] <= ALPHA
        alone = replace(found, size=float(n), resampled=None)
        disregarded += alone.p_values(margin)[0] <= ALPHA
    return {"n": n, "wrong_pass": regarded / gates / 5, "wrong_pass_if_ignored": disregarded / gates / 5}


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    print(title)
    names = list(rows[0])
    print("  " + "  ".join(names))
    for row in rows:
        cells = [f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name]) for name in names]
        print("  " + "  ".join(cell.rjust(len(name)) for cell, name in zip(cells, names, strict=True)))


if __name__ == "__main__":
    main()
