"""Finished runs that several tests read; none of them changes them."""

from pathlib import Path

import pytest

from ainl_align.report.run_files import RunFiles, load
from tests.report import runs


@pytest.fixture(scope="session")
def regressed(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    """A run that failed because one tier fell."""
    return load(runs.regressed(tmp_path_factory.mktemp("regressed") / "corpus"))


@pytest.fixture(scope="session")
def leaked(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    """A run that stopped because its data held a test prompt."""
    return load(runs.leaked(tmp_path_factory.mktemp("leaked") / "corpus"))


HOSTILE = '<script>window.hit = 1</script><img src=x onerror="window.hit=1">{{ 7*7 }}</textarea>\u202e&amp;'


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Health of a run whose prompt, program and ids would be harmful if they were not escaped."""
    run = runs.Run(
        "20260104T080000Z-dddddd",
        "2026-01-04T08:00:00+00:00",
        lambda index, tier: index % 2 == 0,
        prompts={0: HOSTILE, 1: "w" * 600},
        programs={0: f'S app core noop\nL_main:\n  J "{HOSTILE}"\n', 1: "J " + "x" * 900 + "\n"},
        alerts=({"name": "high_fallback_rate", "ratio": 0.5, "hint": HOSTILE},),
    )
    return runs.finished(tmp_path_factory.mktemp("hostile") / "corpus", run)
