"""Fine-tuning: real training of tiny models, reproducible, and refusals before anything is written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import finetune
from ainl_align.training.checkpoints import WEIGHTS
from ainl_align.training.profiles import CpuBudget
from ainl_align.training.rows import Encoded, spread, within_budget
from ainl_align.training.trainer import rate_share
from tests.tiny import make_phi3, training_settings, write_chat_rows


def test_training_lowers_the_loss_and_leaves_checkpoints(tiny_base: Path, tmp_path: Path) -> None:
    result = finetune.run(training_settings(tiny_base, tmp_path, epochs=6, save_steps=4), Progress())
    losses = [entry["loss"] for entry in result.losses if "loss" in entry]
    assert losses[-1] < losses[0] - 0.1, losses
    assert sorted(path.name for path in (tmp_path / "adapter").glob("checkpoint-*")) == [
        "checkpoint-12",
        "checkpoint-4",
        "checkpoint-8",
    ]
    assert (tmp_path / "adapter" / WEIGHTS).is_file()


def test_the_same_seed_gives_the_same_adapter(tiny_base: Path, tmp_path: Path) -> None:
    weights = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        finetune.run(training_settings(tiny_base, folder, epochs=1), Progress())
        weights.append((folder / "adapter" / WEIGHTS).read_bytes())
    assert weights[0] == weights[1]


def test_fused_projections_are_trained(tokenizer: Any, tmp_path: Path) -> None:
    from safetensors import safe_open

    base = make_phi3(tmp_path / "phi3", tokenizer)
    finetune.run(training_settings(base, tmp_path, epochs=1), Progress())
    with safe_open(tmp_path / "adapter" / WEIGHTS, framework="numpy") as weights:
        names = set(weights.keys())
    for layer in ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"):
        assert any(layer in name for name in names), f"no adapter on {layer}"
    assert not any("lm_head" in name for name in names)


def test_a_dry_run_writes_nothing(tiny_base: Path, tmp_path: Path) -> None:
    result = finetune.run(training_settings(tiny_base, tmp_path, dry_run=True), Progress())
    assert result.adapter is None
    assert result.plan.steps == 4
    assert not (tmp_path / "adapter").exists()


def test_an_earlier_run_is_not_swept_with_the_new_one(tiny_base: Path, tmp_path: Path) -> None:
    old = tmp_path / "adapter" / "checkpoint-999"
    old.mkdir(parents=True)
    finetune.run(training_settings(tiny_base, tmp_path, epochs=1), Progress())
    assert not old.exists()


def test_bad_data_leaves_an_earlier_adapter_alone(tiny_base: Path, tmp_path: Path) -> None:
    old = tmp_path / "adapter" / "checkpoint-999"
    old.mkdir(parents=True)
    bad = training_settings(tiny_base, tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"messages": 1}\n')
    with pytest.raises(UserError, match=r"rows\.jsonl, line 1"):
        finetune.run(bad, Progress())
    assert old.exists()


def test_rows_that_are_too_long_are_left_out_and_said(tiny_base: Path, tmp_path: Path) -> None:
    progress = Progress()
    made = training_settings(tiny_base, tmp_path, dry_run=True)
    text = made.data_path.read_text().replace("Fetch page 0", "Fetch page " + "long " * 400)
    made.data_path.write_text(text)
    result = finetune.run(made, progress)
    assert result.plan.rows == 7
    assert any("1 of 8 rows exceed" in note for note in progress.fallbacks)


def test_a_cap_takes_rows_evenly_by_family(tmp_path: Path) -> None:
    from ainl_align.data.records import read_rows

    rows = read_rows(write_chat_rows(tmp_path / "rows.jsonl", 40, families=("a", "a", "a", "b")))
    for size in (4, 8, 20):
        names = [row["prompt_id"] for row in spread(rows, seed=1)[:size]]
        assert names.count("b") == size // 4, names
    assert spread(rows, seed=1) == spread(rows, seed=1)


def test_the_cpu_budget_of_a_profile_is_kept_and_said(tiny_base: Path, tmp_path: Path) -> None:
    progress = Progress()
    made = training_settings(tiny_base, tmp_path, dry_run=True, profile="fast", epochs=1)
    write_chat_rows(made.data_path, 600)
    plan = finetune.run(made, progress).plan
    assert plan.rows < 600
    assert plan.tokens <= 30_000 < plan.tokens + 400
    assert any("rows are used, evenly" in note for note in progress.fallbacks)


def test_the_learning_rate_rises_over_a_twentieth_and_falls_to_nothing(tiny_base: Path, tmp_path: Path) -> None:
    made = training_settings(tiny_base, tmp_path, dry_run=True, profile="balanced")
    few = finetune.run(made, Progress()).plan
    many = finetune.run(made.model_copy(update={"profile": "quality"}), Progress()).plan
    assert [(plan.decay, plan.beta2) for plan in (few, many)] == [("linear", 0.95), ("cosine", 0.999)]
    line, arc = ([rate_share(step, replace(plan, steps=100)) for step in (0, 4, 5, 24, 99)] for plan in (few, many))
    assert line[:3] == arc[:3] == [0.2, 1, 1]
    assert line[3] == pytest.approx(0.8) and line[4] == pytest.approx(1 / 95)
    assert arc[3] == pytest.approx(0.905, abs=1e-3) and arc[4] < 1e-3


def test_a_cpu_budget_goes_to_short_rows_without_a_draft_first() -> None:
    def rows(sample_type: str, tokens: int) -> list[Encoded]:
        return [Encoded(sample_type, [5] * tokens, [5] * tokens) for _ in range(200)]

    train = rows("repair", 100) + rows("direct", 300) + rows("regression", 100)
    kept = within_budget(train, "fast", CpuBudget(30_000), 1, Progress())
    assert kept == rows("regression", 100) + rows("repair", 100)[:100], "30,000 tokens hold 300 rows of 100"


def test_more_rows_come_from_a_second_file(tiny_base: Path, tmp_path: Path) -> None:
    more = write_chat_rows(tmp_path / "more.jsonl", 5)
    plan = finetune.run(training_settings(tiny_base, tmp_path, dry_run=True, extra_data_path=more), Progress()).plan
    assert plan.rows == 13


def test_an_int8_base_trains_to_nearly_the_same_loss(tiny_base: Path, tmp_path: Path) -> None:
    losses = {}
    for mode in ("off", "on"):
        folder = tmp_path / mode
        folder.mkdir()
        result = finetune.run(training_settings(tiny_base, folder, epochs=6, int8_base=mode), Progress())
        assert result.plan.int8_base == (mode == "on")
        losses[mode] = [entry["eval_loss"] for entry in result.losses if "eval_loss" in entry]
    assert losses["on"] == pytest.approx(losses["off"], rel=0.02)
