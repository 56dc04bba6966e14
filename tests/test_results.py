"""`make results`: the page says what the JSON files say, and leaves out what they do not have."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ainl_align.artifacts import METRICS
from ainl_align.config import ROOT
from ainl_align.errors import UserError


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results() -> ModuleType:
    return load("results")


def rate(count: int, n: int) -> dict[str, Any]:
    return {"count": count, "n": n, "rate": count / n, "low": 0.0, "high": 1.0}


def row(system: str, count: int) -> dict[str, Any]:
    return {
        "set": "dev",
        "system": system,
        "condition": "constrained",
        "device": "cuda",
        "metrics": {name: rate(40 if name != "task_success" else count, 40) for name in METRICS},
        "by_tier": {"T1": rate(count, 40)},
        "by_composition": {"seen": rate(count // 2, 20), "unseen": rate(count - count // 2, 20)},
        "failures": {"wrong_behaviour": 40 - count},
        "kinds": {"effects": 40 - count},
    }


LADDER = {
    "adapter_sha256": "0" * 64,
    "few_shot": {"tried": {"2": {"constrained": rate(4, 40)}, "4": {"constrained": rate(6, 40)}}, "best": 4},
    "rows": [row("base", 0), row("few-shot 2", 4), row("few-shot 4", 6), row("adapter", 31)],
    "examples": {
        "effects": [{"id": "p", "tier": "T1", "prompt": "Do.", "program": "S\n", "failure": "x", "reasons": []}]
    },
    "provenance": {"device": "cuda"},
}
RUN = {
    "recipe": {"name": "one"},
    "tokens": 5_000_015,
    "lora_rank": 32,
    "learning_rate": 0.001,
    "pack_tokens": 4096,
    "dev": {"prompts": 200, "task_success": 0.52, "by_tier": dict.fromkeys(("T1", "T2", "T3", "T4", "T5"), 0.5)},
    "own_words": {"prompts": 110, "task_success": 0.44},
}


def page(results: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["results.py", "--folder", str(folder)])
    monkeypatch.setattr(results, "shipped", lambda: None)
    results.main()
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_page_compares_the_best_examples_and_draws(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ladder.json").write_text(json.dumps(LADDER))
    for name in ("study", "curve"):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{json.dumps({**RUN, 'seed': seed})}\n" for seed in (1, 2)))
    shown = page(results, tmp_path, monkeypatch)
    assert "| set | base | few-shot 4 | adapter |" in shown and "few-shot 2 |" not in shown
    assert (
        "| adapter | constrained | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 | 31 of 40: 0.775 (0.000 to 1.000) |" in shown
    )
    assert "| 5,000,000 | 2 | 0.520 | 0.520 to 0.520 |" in shown, "runs of one budget are one point"
    assert "| one | 5,000,015 | 32 | 0.001 | 4,096 | 0.520 (0.448 to 0.591) |" in shown
    drawn = [(tmp_path / name).read_bytes() for name in ("tiers.svg", "curve.svg")]
    page(results, tmp_path, monkeypatch)
    assert drawn == [(tmp_path / name).read_bytes() for name in ("tiers.svg", "curve.svg")], "the same bytes each time"


def test_a_sweep_is_told_by_its_times_and_by_how_often_it_chose_right(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = {"checkpoints": 12, "prompts": 64, "one_evaluation_s": 80.04, "sweep_s": 160.1}
    timed |= {"ratio_to_one": 2.0, "ratio_to_all": 1 / 6}
    told = {"same": 0.9, "inside": 0.995, "mean_loss": 0.004}
    table = {"exhaustive_rates": {"1": 0.25, "2": 0.75}, "tokens": [9, 9], "replayed": {"first way": told}}
    (tmp_path / "sweep_cpu.json").write_text(json.dumps({"sets": {"dev": timed}}))
    (tmp_path / "sweep_h100.json").write_text(json.dumps({"sets": {"dev": table}}))
    shown = page(results, tmp_path, monkeypatch)
    assert "| cpu, dev | 12 | 64 | 80.0 s | 160.1 s | 2.00 | 0.17 |" in shown
    assert "2 checkpoints with 0.25 to 0.75 task success" in shown and "draw of 2 prompts" in shown
    assert "| first way | 90.0% | 99.5% | 0.4 |" in shown


def test_what_was_not_measured_is_left_out(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(results, tmp_path, monkeypatch)
    assert "## What does not work yet" in shown
    for heading in ("few-shot", "More tokens", "What mattered", "boost loop", "default cycle by stage"):
        assert heading not in shown


def test_the_card_refuses_figures_of_another_adapter(
    results: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "manifest.json").write_text('{"provenance": {"settings": {"source_weights_sha256": "1"}}}')
    found = type("Found", (), {"files": {"adapter_model.safetensors": "2"}})
    monkeypatch.setattr(results, "load_adapter", lambda folder: found)
    monkeypatch.setattr(results, "read_start", lambda folder, base: None)
    monkeypatch.setattr("ainl_align.training.base.resolve", lambda name: None)
    with pytest.raises(UserError, match="measured on another adapter"):
        results.card(results.Ladder(LADDER), tmp_path, None)
