"""The mean of adapters is the mean of their updates, and what cannot be averaged is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ainl_align.artifacts import read_json
from ainl_align.decoding.passes.stacked import read_adapter
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import average
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import MANIFEST, WEIGHTS, check_base, load_adapter
from tests.tiny import make_adapter


@pytest.fixture
def two(tiny_base: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two adapters of the same kind."""
    first, second = (make_adapter(tmp_path / f"a{seed}", tiny_base, seed=seed) for seed in (1, 2))
    return first, second


def mean(base: Path, folders: tuple[Path, ...], target: Path, rank: int | None = None) -> dict[str, torch.Tensor]:
    """By layer the mean's update."""
    settings = average.Settings(adapter=folders, output_dir=target, lora_rank=rank, base_model=str(base))
    average.run(settings, Progress())
    return updates(target)


def updates(folder: Path) -> dict[str, torch.Tensor]:
    return {layer: low @ high for layer, (low, high) in read_adapter(folder).items()}


def test_at_the_sum_of_the_ranks_the_mean_is_exact_and_below_it_the_nearest(
    tiny_base: Path, two: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = map(updates, two)
    rank = next(iter(read_adapter(two[0]).values()))[0].shape[1]
    exact = mean(tiny_base, two, tmp_path / "exact", 2 * rank)
    assert exact.keys() == first.keys()
    for layer, found in exact.items():
        assert torch.allclose(found, (first[layer] + second[layer]) / 2, atol=1e-5)
    for layer, found in mean(tiny_base, two, tmp_path / "near").items():
        lost = torch.linalg.svdvals(exact[layer])[rank:].norm()
        assert float((found - exact[layer]).norm()) == pytest.approx(float(lost), rel=1e-3, abs=1e-5)


def test_the_mean_is_sealed_and_of_one_adapter_is_that_adapter(
    tiny_base: Path, two: tuple[Path, Path], tmp_path: Path
) -> None:
    first = updates(two[0])
    for layer, found in mean(tiny_base, (two[0], two[0]), tmp_path / "same").items():
        assert torch.allclose(found, first[layer], atol=1e-5)
    check_base(load_adapter(tmp_path / "same"), resolve(str(tiny_base)))
    manifest = read_json(tmp_path / "same" / MANIFEST, "checkpoint_manifest")
    assert sorted(manifest["files"]) == ["adapter_config.json", WEIGHTS]
    assert sorted(manifest["provenance"]["data"]) == ["adapter 1", "adapter 2"]


def test_what_cannot_be_averaged_is_refused_and_writes_nothing(
    tiny_base: Path, two: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept").write_text("mine")
    with pytest.raises(UserError, match="exists and is not empty"):
        mean(tiny_base, two, tmp_path / "full")
    config = two[1] / "adapter_config.json"
    content = json.loads(config.read_text())
    config.write_text(json.dumps({**content, "use_dora": True}))
    with pytest.raises(UserError, match="use_dora"):
        mean(tiny_base, two, tmp_path / "none")
    config.write_text(json.dumps(content))
    weights = load_file(two[1] / WEIGHTS)
    save_file({name: weights[name] for name in sorted(weights)[2:]}, two[1] / WEIGHTS)
    with pytest.raises(UserError, match="lacks 2 matrices"):
        mean(tiny_base, two, tmp_path / "none")
    save_file({name: value for name, value in weights.items() if "q_proj" not in name}, two[1] / WEIGHTS)
    layers = [name for name in content["target_modules"] if not name.endswith("q_proj")]
    config.write_text(json.dumps({**content, "target_modules": layers}))
    with pytest.raises(UserError, match="adapts other layers"):
        mean(tiny_base, two, tmp_path / "none")
    assert not (tmp_path / "none").exists() and not list(tmp_path.glob(".none*"))
    with pytest.raises(UserError, match="is the only one"):
        mean(tiny_base, two[:1], tmp_path / "none")
