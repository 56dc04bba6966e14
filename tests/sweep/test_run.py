"""The sweep on a tiny adapter: every checkpoint once, promotion, pruning, and nothing when one fails."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json
from ainl_align.errors import StageError, UserError
from ainl_align.progress import Progress
from ainl_align.sweep import run
from ainl_align.training.checkpoints import WEIGHTS, promoted, seal


def settings(base: Path, root: Path, prompts: Path, folder: Path, **changes: Any) -> run.Settings:
    values: dict[str, Any] = {
        "base_model": str(base),
        "adapter_root": root,
        "prompt_set": prompts,
        "output_json": folder / "sweep.json",
        "max_new_tokens": 96,
        "limit": 2,
        "repair_attempts": 0,
        "top_k": 2,
        "device": "cpu",
    }
    return run.Settings(**{**values, **changes})


def test_the_best_is_promoted_and_the_rest_pruned(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    root = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, root)
    run.run(settings(tiny_base, root, small_set, tmp_path, prune_non_topk=True), Progress())
    report = read_json(tmp_path / "sweep.json", "checkpoint_sweep_report")
    # Random weights tie on every rate, so the order is that of the steps.
    assert [row["step"] for row in report["ranked"]] == [1, 2, 3]
    assert [row["step"] for row in report["selected"]] == [1, 2]
    assert report["pruned"] == [str(root / "checkpoint-3")]
    assert not (root / "checkpoint-3").exists()
    assert promoted(root) == root / "checkpoint-1"
    assert [row["rejected_after"] for row in report["ranked"]] == [None, 2, 2]
    for row in report["ranked"]:
        assert row["n"] == 2 and row["canonical_rate"] == 1.0 and row["task_success_interval"][0] == 0.0
    read_json(Path(report["ranked"][0]["report_json"]), "model_eval_report")
    assert report["screening"]["phases"] == [
        {"prompts": 2, "rejected": [str(root / "checkpoint-3"), str(root / "checkpoint-2")]}
    ]


def test_a_failed_evaluation_promotes_and_prunes_nothing(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    root = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, root)
    broken = root / "checkpoint-2"
    (broken / WEIGHTS).write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")  # sealed, but PEFT finds no weights in it
    shutil.copyfile(root / "checkpoint-1" / WEIGHTS, tmp_path / "kept")
    (broken / "adapter_config.json").write_text('{"peft_type": "LORA", "r": "many"}')
    seal(
        broken,
        run.resolve(str(tiny_base)),
        step=2,
        loss=None,
        eval_loss=None,
        epoch=None,
        provenance=read_json(root / "checkpoint-1" / "manifest.json", "checkpoint_manifest")["provenance"],
    )
    with pytest.raises(StageError, match="1 of 3 checkpoints could not be evaluated"):
        run.run(settings(tiny_base, root, small_set, tmp_path, prune_non_topk=True), Progress())
    report = read_json(tmp_path / "sweep.json", "checkpoint_sweep_report")
    assert [(row["step"], row["ok"]) for row in report["ranked"]] == [(1, True), (3, True), (2, False)]
    assert report["ranked"][-1]["error"]
    assert report["selected"] == report["pruned"] == []
    assert promoted(root) is None
    assert (root / "checkpoint-3").exists()


def test_a_root_without_checkpoints_is_refused(tiny_base: Path, small_set: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no complete checkpoint"):
        run.run(settings(tiny_base, tmp_path, small_set, tmp_path), Progress())
