"""The cache of the converted base: made once, by one of several, and again when it was cut or left half-made."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from ainl_align.training import base


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Conversions that were made; each takes a moment and leaves a small base."""
    made: list[Path] = []

    def convert(_: Path, folder: Path) -> None:
        time.sleep(0.2)
        folder.mkdir(exist_ok=True)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_text("{}")
        save_file({"a": np.zeros(100, dtype=np.float32)}, folder / "model.safetensors")
        made.append(folder)

    monkeypatch.setenv("AINL_ALIGN_CACHE", str(tmp_path))
    monkeypatch.setattr(base, "_embedded_file", lambda: tmp_path / "any.gguf")
    monkeypatch.setattr(base, "file_hash", lambda _: base._GGUF_SHA256)
    monkeypatch.setattr(base, "_convert", convert)
    return made


def test_several_at_once_convert_once(conversions: list[Path]) -> None:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(base.resolve(base.EMBEDDED))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(conversions) == 1
    assert [item.folder for item in found] == conversions * 4
    assert [path.name for path in conversions[0].parent.iterdir()] == [conversions[0].name], "locks stay behind"


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_cut_file_is_converted_again(conversions: list[Path], name: str) -> None:
    folder = base.resolve(base.EMBEDDED).folder
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    base.resolve(base.EMBEDDED)
    assert len(conversions) == 2
    base.resolve(base.EMBEDDED)
    assert len(conversions) == 2
