"""Training that begins from a finished adapter: its weights, its rank, a training of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json
from ainl_align.errors import UserError
from ainl_align.training import finetune, resume
from ainl_align.training.checkpoints import MANIFEST, WEIGHTS
from tests.tiny import train

RANK = 5


@pytest.fixture(scope="module")
def finished(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    train(tiny_base, folder, epochs=6, lora_rank=RANK)
    return folder / "adapter"


def losses(result: finetune.FinetuneResult) -> list[float]:
    return [entry["loss"] for entry in result.losses if "loss" in entry]


@pytest.mark.parametrize("int8", ["off", "on"])
def test_it_goes_on_where_the_adapter_ended(tiny_base: Path, finished: Path, tmp_path: Path, int8: str) -> None:
    ended = read_json(finished / MANIFEST, "checkpoint_manifest")["eval_loss"]
    result, said = train(tiny_base, tmp_path, start_adapter=finished, learning_rate=1e-9, int8_base=int8)
    assert result.plan.lora_rank == RANK and result.plan.lora_alpha == 2 * RANK
    assert abs(sum(losses(result)) / len(losses(result)) - ended) < 0.05, (losses(result), ended)
    assert f"at its rank {RANK}, in place of the profile's 16" in said and "from a finished adapter" in said
    made = read_json(tmp_path / "adapter" / MANIFEST, "checkpoint_manifest")
    assert made["provenance"]["data"]["start"]["path"].endswith(WEIGHTS)
    assert result.plan.start_sha256 == made["provenance"]["data"]["start"]["sha256"]


def test_a_stopped_warm_start_ends_as_one_that_was_not(
    tiny_base: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    train(tiny_base, tmp_path, output_dir=tmp_path / "whole", start_adapter=finished)
    original = resume._drop_state

    def stop(*words: Any) -> None:
        original(*words)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resume, "_drop_state", stop)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_base, tmp_path, output_dir=tmp_path / "stopped", start_adapter=finished)
    _, said = train(tiny_base, tmp_path, output_dir=tmp_path / "stopped", start_adapter=finished)
    assert "goes on from checkpoint-" in said
    assert (tmp_path / "whole" / WEIGHTS).read_bytes() == (tmp_path / "stopped" / WEIGHTS).read_bytes()


def test_cold_and_warm_are_different_trainings(tiny_base: Path, finished: Path, tmp_path: Path) -> None:
    cold, said = train(tiny_base, tmp_path, lora_rank=RANK)
    assert "from fresh weights" in said
    warm, said = train(tiny_base, tmp_path, start_adapter=finished)
    assert "with other settings; training anew" in said
    assert losses(warm)[0] < losses(cold)[0] - 0.05


def test_unless_named_the_learning_rate_is_a_quarter(tiny_base: Path, finished: Path, tmp_path: Path) -> None:
    plans = [
        train(tiny_base, tmp_path, start_adapter=start, learning_rate=None, dry_run=True)[0].plan
        for start in (None, finished)
    ]
    assert plans[1].learning_rate == plans[0].learning_rate / 4


def test_what_cannot_be_begun_from_is_refused(tiny_base: Path, finished: Path, tmp_path: Path) -> None:
    def refused(text: str, folder: Path = finished, **changes: Any) -> None:
        with pytest.raises(UserError, match=text):
            train(tiny_base, tmp_path, start_adapter=folder, **changes)
        assert not (tmp_path / "adapter").exists() or not list((tmp_path / "adapter").glob("checkpoint-*"))

    refused("--lora-rank 8: .* has rank 5", lora_rank=8)
    refused("no such adapter folder", tmp_path / "none")
    other = shutil.copytree(finished, tmp_path / "other")
    (other / MANIFEST).unlink()
    config = json.loads((other / "adapter_config.json").read_text())
    (other / "adapter_config.json").write_text(json.dumps({**config, "use_dora": True}))
    refused("field 'use_dora' is set", other)
    (other / "adapter_config.json").write_text(json.dumps({**config, "r": "many"}))
    refused("must be whole numbers", other)
    (other / "adapter_config.json").write_text(json.dumps(config))
    from safetensors.torch import load_file, save_file

    weights = load_file(other / WEIGHTS)
    save_file({name: value for name, value in weights.items() if "layers.0" in name}, other / WEIGHTS)
    refused("adapts other layers than training here does", other)
