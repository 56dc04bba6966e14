"""Stacked adapters: a row's tokens are those of its own adapter merged into the base, whatever its neighbours wear."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.decoding.passes.quantize import quantize
from ainl_align.decoding.passes.stacked import Stack, read_adapter, stack_obstacle
from ainl_align.progress import Progress
from tests.tiny import make_adapter, make_phi3

WEIGHTS = "adapter_model.safetensors"


def merged(base: Path, adapter: Path | None) -> Any:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(base), dtype=torch.float32)
    return (model if adapter is None else PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()).eval()


def requests(tokenizer: Any, slots: int) -> list[Request]:
    texts = ["Return 5.", "Fetch https://a.example/x.", "Say aaaa abab.", "Put 'x' into queue ops now."]
    return [
        Request(f"{slot}-{text}", tokenizer.encode(f"<|im_start|>{text}"), slot)
        for text in texts
        for slot in range(slots)
    ]


@pytest.fixture(scope="module", params=["llama", "phi3"])
def base(request: pytest.FixtureRequest, tiny_base: Path, tokenizer: Any, tmp_path_factory: Any) -> Path:
    """One model that the packed pass knows, one that goes through its own."""
    return tiny_base if request.param == "llama" else make_phi3(tmp_path_factory.mktemp("phi3"), tokenizer)


@pytest.mark.parametrize("count", [2, 5])
def test_each_row_gets_what_its_own_adapter_says(base: Path, tokenizer: Any, tmp_path: Path, count: int) -> None:
    folders = [None, *(make_adapter(tmp_path / str(n), base, seed=n, rank=2 + n) for n in range(count))]
    model = merged(base, None)
    engine = Engine(model, tokenizer, "cpu", Stack(folders, model))
    asked = requests(tokenizer, len(folders))
    settings = GenerationSettings(max_new_tokens=40, constrained=False, batch_size=7)
    found = engine.generate(asked, settings, Progress())
    different = set()
    for slot, folder in enumerate(folders):
        alone = Engine(merged(base, folder), tokenizer, "cpu")
        mine = [item for item in asked if item.slot == slot]
        expected = alone.generate(mine, settings, Progress())
        assert [item.token_ids for item, r in zip(found, asked, strict=True) if r.slot == slot] == [
            item.token_ids for item in expected
        ]
        different.add(tuple(tuple(item.token_ids) for item in expected))
    assert len(different) == len(folders), "the adapters must differ, or the test shows nothing"
    assert not model.lm_head._forward_hooks and not any(m._forward_hooks for m in model.modules())


def test_a_quantised_base_under_adapters_in_full_precision(tiny_base: Path, tokenizer: Any, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "a", tiny_base, seed=1)
    model, told = quantize(merged(tiny_base, None), "dynamic-int8", "cpu", Progress())
    assert told.applied == "dynamic-int8"
    engine = Engine(model, tokenizer, "cpu", Stack([folder, None], model))
    asked = requests(tokenizer, 2)
    settings = GenerationSettings(max_new_tokens=96)
    found = engine.generate(asked, settings, Progress())
    bare = Engine(model, tokenizer, "cpu").generate([r for r in asked if r.slot == 1], settings, Progress())
    assert [i.token_ids for i, r in zip(found, asked, strict=True) if r.slot == 1] == [i.token_ids for i in bare]
    assert [i.token_ids for i in found[::2]] != [i.token_ids for i in found[1::2]]


@pytest.mark.parametrize(
    ("field", "value"),
    [("use_dora", True), ("bias", "all"), ("rank_pattern", {"q_proj": 4}), ("modules_to_save", ["x"])],
)
def test_an_adapter_that_is_more_than_two_matrices_a_layer_is_told(
    tiny_base: Path, tmp_path: Path, field: str, value: Any
) -> None:
    folder = make_adapter(tmp_path / "a", tiny_base, seed=1)
    assert stack_obstacle(folder) is None
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, field: value}))
    assert field in (stack_obstacle(folder) or "")


def test_what_fits_no_layer_or_holds_nothing_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "a", tiny_base, seed=1)
    other = tmp_path / "b"
    shutil.copytree(folder, other)
    weights = load_file(folder / WEIGHTS)
    save_file({name.replace("layers.1", "layers.7"): value for name, value in weights.items()}, other / WEIGHTS)
    with pytest.raises(ValueError, match=r"no layer model\.layers\.7"):
        Stack([folder, other], merged(tiny_base, None))
    save_file({}, other / WEIGHTS)
    with pytest.raises(ValueError, match="holds no LoRA matrices"):
        read_adapter(other)
