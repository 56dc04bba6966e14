"""The adapter that comes with the package: how it is made, checked and chosen."""

import io
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open

from ainl_align.artifacts import read_json
from ainl_align.config import ROOT
from ainl_align.errors import UserError
from ainl_align.evaluation import generate
from ainl_align.progress import Progress
from ainl_align.training import ship, shipped
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import MANIFEST, WEIGHTS, check_base, load_adapter, promote
from ainl_align.training.start import read_start


def make(base: Path, adapter: Path, shelf: Path, version: int = 1) -> Path:
    card = shelf.parent / "card.md"
    card.write_text("# Dataset\n", encoding="utf-8")
    return ship.run(
        ship.Settings(
            adapter=adapter, version=version, made_by="train it", data_card=(card,), base_model=str(base), shelf=shelf
        ),
        Progress(),
    )


def test_what_ships_is_bf16_sealed_and_alone(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    make(tiny_base, tiny_adapter, tmp_path / "shelf", 1)
    folder = make(tiny_base, tiny_adapter, tmp_path / "shelf", 2)
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == [f"{tiny_base.name}-ainl-v2"] == [folder.name]
    with safe_open(folder / WEIGHTS, framework="pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118
    manifest = read_json(folder / MANIFEST, "checkpoint_manifest")
    assert sorted(manifest["files"]) == ["DATA.md", "adapter_config.json", WEIGHTS]
    assert manifest["provenance"]["settings"]["command"] == "train it"
    assert manifest["provenance"]["settings"]["plan"]["seed"] == 42, "the training's own settings are kept"
    check_base(load_adapter(folder), resolve(str(tiny_base)))
    assert read_start(folder, resolve(str(tiny_base))).rank == 16


def test_a_changed_byte_is_noticed(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    folder = make(tiny_base, tiny_adapter, tmp_path / "shelf")
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(UserError, match=r"adapter_model.safetensors: is missing or differs from manifest.json"):
        load_adapter(folder)


def test_what_is_too_large_leaves_the_shelf_as_it_was(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tiny_base, tiny_adapter, tmp_path / "shelf", 1)
    monkeypatch.setattr(ship, "LARGEST_BYTES", 1000)
    with pytest.raises(UserError, match="at most 1,000 ship; train at a lower rank"):
        make(tiny_base, tiny_adapter, tmp_path / "shelf", 2)
    assert list((tmp_path / "shelf").iterdir()) == [folder]


def test_ones_own_adapter_comes_first_unless_the_shipped_one_is_named(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    monkeypatch.setattr(shipped, "SHELF", tmp_path / "shelf")
    monkeypatch.setattr(generate, "DEFAULT_ROOT", own)

    def chosen(**changes: bool) -> tuple[Path, str]:
        said = io.StringIO()
        found = generate.choose_adapter(generate.Settings(request="x", **changes), Progress(said))
        assert found is not None
        return found.folder, said.getvalue()

    with pytest.raises(UserError, match="none comes with this installation"):
        chosen()
    with pytest.raises(UserError, match="--shipped: no adapter comes with this installation"):
        chosen(shipped=True)
    package = make(tiny_base, tiny_adapter, tmp_path / "shelf")
    folder, said = chosen()
    assert folder == package and "comes with the package" in said
    shutil.copytree(tiny_adapter / "checkpoint-2", own / "checkpoint-2")
    promote(own, own / "checkpoint-2")
    folder, said = chosen()
    assert folder == own / "checkpoint-2" and "--shipped takes the package's" in said
    assert chosen(shipped=True)[0] == package


@pytest.mark.skipif(not shipped.SHELF.is_dir(), reason="a source archive without weights")
def test_the_adapter_in_this_repository_is_whole_and_fits() -> None:
    folder = shipped.shipped()
    assert folder is not None
    start = read_start(folder, resolve("smollm2-135m"))
    assert (folder / WEIGHTS).stat().st_size <= shipped.LARGEST_BYTES
    assert start.alpha == start.rank == 32
    for name in ("README.md", ship.DATA_CARD):
        assert (folder / name).is_file(), f"{folder}: has no {name}; {ROOT}/Makefile: make results writes the card"
