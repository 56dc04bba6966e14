"""Alerts of constrained decoding, each with its ratio and hint."""

import math
from typing import Any

import pytest

from ainl_align.decoding.health import constraint_health, counters, timing_totals
from ainl_align.decoding.records import Generation

GOOD: dict[str, Any] = {
    "tokens": 40,
    "forced_tokens": 10,
    "constrained": True,
    "choices": 30,
    "rejected": 1,
    "allowed_share": 0.1,
    "mean_log_kept": -0.1,
    "eos_allowed": True,
    "phases": {"forward": 2.0, "mask": 0.5},
}


def _rows(**changes: Any) -> list[Generation]:
    return [Generation(str(index), "x", "eos", **{**GOOD, **changes}) for index in range(4)]


def test_good_counters_raise_nothing() -> None:
    assert constraint_health(_rows(), constrained=True) == {"alerts": []}
    assert constraint_health([], constrained=True) == {"alerts": []}


@pytest.mark.parametrize(
    ("name", "changes", "ratio"),
    [
        ("high_fallback_rate", {"closed_by_budget": True}, 1.0),
        ("high_strict_prefix_rejection", {"rejected": 24}, 0.8),
        ("very_low_allowed_token_rate", {"allowed_share": 1e-5}, 1e-5),
        ("eos_never_allowed", {"eos_allowed": False}, 1.0),
    ],
)
def test_each_alert(name: str, changes: dict[str, Any], ratio: float) -> None:
    (alert,) = constraint_health(_rows(**changes), constrained=True)["alerts"]
    assert alert["name"] == name
    assert alert["ratio"] == pytest.approx(ratio)
    assert len(alert["hint"]) > 20
    assert constraint_health(_rows(**changes), constrained=False) == {"alerts": []}


def test_sums() -> None:
    found = counters(_rows())
    assert found["forced_share"] == 0.25
    assert found["strict_prefix_rejection_rate"] == pytest.approx(1 / 30)
    assert found["finish_reasons"] == {"eos": 4, "budget": 0, "budget_too_small": 0, "timeout": 0, "dead_end": 0}
    totals = timing_totals(_rows())
    assert totals["forward_seconds"] == 8.0
    assert totals["tokens_per_second"] == pytest.approx(16.0)


def test_the_kept_mass_is_told_over_all_and_by_place() -> None:
    kept = counters(_rows(log_kept=(0.0,) * 8 + (math.log(0.25),) * 2))["kept_mass"]
    assert kept["steps"] == 40
    assert kept["mean"] == pytest.approx(0.85)
    assert kept["below_half_share"] == pytest.approx(0.2)
    first, then = kept["by_choice"]
    assert (first["from"], first["steps"], first["mean"]) == (0, 32, 1.0)
    assert (then["from"], then["steps"], then["mean"]) == (8, 8, pytest.approx(0.25))
    assert counters([])["kept_mass"] is None


def test_a_dead_end_is_kept_as_a_case_that_can_be_run_again() -> None:
    found = counters([Generation("a", "x", "dead_end", token_ids=(5, 6), constrained=True, dead_end="stuck")])
    assert found["dead_ends"] == [{"id": "a", "token_ids": [5, 6], "error": "stuck"}]
    assert found["finish_reasons"]["dead_end"] == 1
