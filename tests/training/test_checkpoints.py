"""Adapter folders: complete or refused, in numeric order, tied to their base."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ainl_align.errors import UserError
from ainl_align.training import checkpoints
from ainl_align.training.base import resolve
from tests.tiny import make_base


@pytest.fixture
def trained(tiny_adapter: Path) -> Path:
    """An adapter root with checkpoints of steps 1 to 3."""
    return tiny_adapter


def test_checkpoints_come_in_numeric_order(trained: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    shutil.copytree(root / "checkpoint-1", root / "checkpoint-10")
    assert [item.folder.name for item in checkpoints.checkpoints(root)] == [
        "checkpoint-1",
        "checkpoint-2",
        "checkpoint-3",
        "checkpoint-10",
    ]


def test_a_checkpoint_without_a_manifest_is_left_out(trained: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    (root / "checkpoint-2" / checkpoints.MANIFEST).unlink()
    assert [item.step for item in checkpoints.checkpoints(root)] == [1, 3]


def test_a_changed_file_is_refused(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-1"
    shutil.copytree(trained / "checkpoint-1", folder)
    weights = folder / checkpoints.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(UserError, match="differs from manifest"):
        checkpoints.load_adapter(folder)


def test_nothing_in_a_checkpoint_is_a_pickle(trained: Path) -> None:
    suffixes = {path.suffix for path in trained.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".jinja"}, suffixes


def test_another_base_is_refused(trained: Path, tokenizer: Any, tmp_path: Path) -> None:
    other = resolve(str(make_base(tmp_path / "wide", tokenizer, hidden=64)))
    with pytest.raises(UserError, match="was trained on base model"):
        checkpoints.check_base(checkpoints.load_adapter(trained), other)


def cut_rank(weights: dict[str, Any]) -> None:
    name = next(name for name in weights if "lora_A" in name)
    weights[name] = weights[name][1:].copy()


def rename_layer(weights: dict[str, Any]) -> None:
    for name in [name for name in weights if ".layers.1." in name]:
        weights[name.replace(".layers.1.", ".layers.7.")] = weights.pop(name)


def test_a_plain_peft_adapter_is_checked_by_its_shapes(
    trained: Path, tiny_base: Path, tokenizer: Any, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(trained / "checkpoint-1", foreign)
    (foreign / checkpoints.MANIFEST).unlink()
    adapter = checkpoints.load_adapter(foreign)
    checkpoints.check_base(adapter, resolve(str(tiny_base)))
    with pytest.raises(UserError, match="was trained on base model"):
        checkpoints.check_base(adapter, resolve(str(make_base(tmp_path / "wide", tokenizer, hidden=64))))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda weights: weights.pop(next(name for name in weights if "lora_A" in name)), "has no lora_A that goes"),
        (lambda weights: weights.pop(next(name for name in weights if "lora_B" in name)), "has no lora_B that goes"),
        (lambda weights: weights.update(extra=np.ones(3, "float32")), "holds extra, and only plain LoRA is read"),
        (cut_rank, "goes with it"),
        (lambda weights: weights.clear(), "it holds no matrices"),
        (rename_layer, r"has no layer model\.layers\.7\."),
    ],
)
def test_matrices_that_are_no_pairs_or_fit_no_layer_are_refused(
    change: Callable[[dict[str, Any]], Any], complaint: str, trained: Path, tiny_base: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(trained / "checkpoint-1", foreign)
    (foreign / checkpoints.MANIFEST).unlink()
    weights = load_file(foreign / checkpoints.WEIGHTS)
    change(weights)
    save_file(weights, foreign / checkpoints.WEIGHTS)
    with pytest.raises(UserError, match=complaint):
        checkpoints.check_base(checkpoints.load_adapter(foreign), resolve(str(tiny_base)))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such adapter folder"),
        ({}, "has no adapter_config.json"),
        ({"adapter_config.json": "{}"}, "has no adapter_model.safetensors"),
        ({"adapter_config.json": "{", "adapter_model.safetensors": ""}, "is no JSON"),
        ({"adapter_config.json": '{"peft_type": "IA3"}', "adapter_model.safetensors": ""}, "is not LORA"),
    ],
)
def test_what_is_no_adapter_is_refused(content: dict[str, str] | None, complaint: str, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    with pytest.raises(UserError, match=complaint):
        checkpoints.load_adapter(folder)


def test_the_best_link_is_a_link_or_a_pointer(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    shutil.copytree(trained, root)
    assert checkpoints.promoted(root) is None
    checkpoints.promote(root, root / "checkpoint-2")
    assert checkpoints.promoted(root) == root / "checkpoint-2"

    def no_links(*_: object, **__: object) -> None:
        raise OSError("links are impossible here")

    monkeypatch.setattr(Path, "symlink_to", no_links)
    link = checkpoints.promote(root, root / "checkpoint-3")
    assert not link.is_symlink()
    assert checkpoints.promoted(root) == root / "checkpoint-3"
    assert checkpoints.load_adapter(link).step == 3


def test_the_manifest_names_base_step_and_provenance(trained: Path) -> None:
    manifest = json.loads((trained / "checkpoint-2" / checkpoints.MANIFEST).read_text())
    assert manifest["step"] == 2
    assert manifest["provenance"]["data"]["train"]["sha256"]
    assert checkpoints.WEIGHTS in manifest["files"]
