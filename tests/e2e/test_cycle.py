"""The whole cycle on the real embedded base: trains, sweeps, evaluates and gates, on a tiny budget."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json
from ainl_align.language.semantics import verdict

AINL_ALIGN = Path(sys.executable).with_name("ainl-align")
SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = pytest.mark.e2e


def call(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "AINL_BASE_MODEL"}
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=540, env=environment, check=False
    )


@pytest.fixture(scope="module")
def cycle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A finished cycle: its folder, and what its command said."""
    folder = tmp_path_factory.mktemp("cycle")
    settings: dict[str, Any] = {
        "adapter_out": str(folder / "adapter"),
        "corpus_dir": str(folder / "corpus"),
        "variants_per_prompt": 1,
        "samples_per_prompt": 1,
        "epochs": 1,
        "profile": "fast",
        "max_train_samples": 8,
        "save_steps": 1,
        "max_new_tokens": 48,
        "dev_limit": 1,
        "regression_limit": 1,
        "test_limit": 1,
        "repair_attempts": 0,
        "top_k": 1,
        "min_canonical_rate": 1.0,
        "gate_policy": "point",
    }
    config = folder / "cycle.toml"
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    return folder, call(AINL_ALIGN, "run", "--config", config)


def test_the_cycle_ends_with_a_pass(cycle: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = cycle
    assert done.returncode == 0, done.stderr[-3000:]
    health = read_json(folder / "corpus/curated/alignment_run_health.json", "alignment_run_health")
    assert health["status"] == "pass"
    assert health["gate"]["passed"] is True
    for path in health["artifacts"].values():
        assert Path(path).exists(), path


def test_every_checkpoint_was_evaluated_and_one_promoted(
    cycle: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = cycle
    sweep = read_json(folder / "corpus/curated/checkpoint_sweep_report_v5_aligned.json", "checkpoint_sweep_report")
    assert sorted(row["step"] for row in sweep["ranked"]) == [1, 2]
    assert all(row["ok"] for row in sweep["ranked"])
    assert (folder / "adapter/best_by_strict_ainl/adapter_model.safetensors").is_file()
    assert len(sweep["pruned"]) == 1 and not Path(sweep["pruned"][0]).exists()


def test_both_models_write_canonical_programs(cycle: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = cycle
    report = read_json(folder / "corpus/curated/model_eval_report_v5_aligned.json", "model_eval_report")
    assert {row["suite"] for row in report["results"]} == {"regression", "test"}
    for row in report["results"]:
        for side in ("lora", "base"):
            assert verdict(row[side]["program"]).canonical, row[side]["program"]
    assert report["summary"]["lora"]["canonical_rate"] == report["summary"]["base"]["canonical_rate"] == 1.0
    assert report["summary"]["lora"]["task_success_rate"] is not None


def test_a_floor_that_is_not_met_exits_10(cycle: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = cycle
    curated = folder / "corpus/curated"
    done = call(
        sys.executable,
        SCRIPTS / "analyze_eval_trends.py",
        *("--reports-dir", curated, "--output-json", folder / "trends.json"),
        *("--min-lora-task-success-rate", "1.0", "--enforce-gate"),
    )
    assert done.returncode == 10, done.stderr[-2000:]
    trends = read_json(folder / "trends.json", "model_eval_trends")
    assert trends["summary"]["gate"]["passed"] is False
    assert "task_success" in json.dumps(trends["summary"]["gate"]["failures"])


def test_generate_uses_the_adapter(cycle: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = cycle
    done = call(
        *(AINL_ALIGN, "generate", "Return the word done.", "--adapter", folder / "adapter/best_by_strict_ainl"),
        *("--max-new-tokens", "32"),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert verdict(done.stdout).canonical, done.stdout
