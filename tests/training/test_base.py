"""Base models resolve to safetensors folders, or say why not."""

import json
from pathlib import Path
from typing import Any

import pytest

from ainl_align.errors import UserError
from ainl_align.training import base


def test_the_embedded_base_is_converted_with_its_tokenizer(embedded_tokenizer: Any) -> None:
    found = base.resolve(base.EMBEDDED)
    assert (found.folder / "model.safetensors").is_file()
    config = json.loads((found.folder / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["vocab_size"] == len(embedded_tokenizer) == 49152
    assert embedded_tokenizer.eos_token == "<|im_end|>"
    # Padding must not look like the end of a program.
    assert embedded_tokenizer.pad_token_id != embedded_tokenizer.eos_token_id, (
        "padding must not look like the end of a program"
    )


def test_a_folder_resolves_to_itself(tiny_base: Path) -> None:
    found = base.resolve(str(tiny_base))
    assert found.folder == tiny_base
    assert found.fingerprint == base.resolve(str(tiny_base)).fingerprint


def test_other_weights_have_another_fingerprint(tiny_base: Path, tokenizer: Any, tmp_path: Path) -> None:
    from tests.tiny import make_base

    other = make_base(tmp_path / "other", tokenizer, seed=1)
    assert base.resolve(str(other)).fingerprint != base.resolve(str(tiny_base)).fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no config\.json"):
        base.resolve(str(tmp_path))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UserError, match="safetensors"):
        base.resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["no-such-model-anywhere", "someone/no-such-model", "a b c"])
def test_an_unknown_name_offline_is_one_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=f"base model '{name}'"):
        base.resolve(name)


def test_a_damaged_embedded_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "weights.gguf"
    damaged.write_bytes(b"GGUF")
    monkeypatch.setattr(base, "_embedded_file", lambda: damaged)
    with pytest.raises(UserError, match="is damaged"):
        base.resolve(base.EMBEDDED)
