"""The merged export, and the model card's loading code, on the tiny model."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ainl_align.decoding.generate import Engine
from ainl_align.errors import StageError, UserError
from ainl_align.evaluation import export
from ainl_align.progress import Progress
from ainl_align.report.card import base_folder, loading_code
from ainl_align.training.base import load_model, load_tokenizer, resolve


@pytest.fixture
def settings(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> export.Settings:
    return export.Settings(
        merged=tmp_path / "merged",
        adapter=tiny_adapter / "checkpoint-3",
        base_model=str(tiny_base),
        device="cpu",
        check_tokens=12,
    )


def greedy(folder: Path) -> list[str]:
    base = resolve(str(folder))
    engine = Engine(load_model(base, "cpu"), load_tokenizer(base), "cpu")
    return export._answers(engine, load_tokenizer(base), 12, Progress(), "test")


def test_the_merged_model_answers_as_base_and_adapter_do(
    settings: export.Settings, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PEFT alone, without our engine, gives the same tokens as the exported folder loaded as a plain model."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    done = export.run(settings, Progress())
    assert done["checked_prompts"] == 3
    assert sorted(path.suffix for path in settings.merged.glob("model*")) == [".safetensors"]
    assert not list(settings.merged.rglob("*.bin")) and not list(settings.merged.glob("adapter*"))
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), settings.adapter)
    merged = AutoModelForCausalLM.from_pretrained(settings.merged)
    plain = AutoModelForCausalLM.from_pretrained(tiny_base)
    tokenizer = load_tokenizer(resolve(str(settings.merged)))
    for text in ("Fetch a page.", "Return 5.", "Every day write done."):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        wanted = adapted.generate(input_ids=ids, max_new_tokens=16, do_sample=False)
        assert torch.equal(merged.generate(input_ids=ids, max_new_tokens=16, do_sample=False), wanted)
        logits = plain(input_ids=ids).logits
        assert not torch.allclose(merged(input_ids=ids).logits, logits), "the adapter changed nothing"


def test_the_exported_folder_is_a_base_like_any_other(settings: export.Settings) -> None:
    export.run(settings, Progress())
    assert len(greedy(settings.merged)) == len(export.CHECKED)


def test_a_merge_that_answers_otherwise_is_not_kept(settings: export.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([["a", "b", "c"], ["a", "x", "c"]])
    monkeypatch.setattr(export, "_answers", lambda *_: next(answers))
    with pytest.raises(StageError, match="answers 'Every day at 08:00"):
        export.run(settings, Progress())
    assert not settings.merged.exists()
    assert list(settings.merged.parent.iterdir()) == []


def test_a_full_folder_and_a_missing_adapter_are_refused_first(settings: export.Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such adapter"):
        export.run(settings.model_copy(update={"adapter": tmp_path / "none"}), Progress())
    settings.merged.mkdir()
    (settings.merged / "kept").touch()
    with pytest.raises(UserError, match="not empty"):
        export.run(settings, Progress())
    assert [path.name for path in settings.merged.iterdir()] == ["kept"]


def test_the_cards_three_lines_load_the_adapter(tiny_base: Path, tiny_adapter: Path) -> None:
    adapter = tiny_adapter / "checkpoint-3"
    code = loading_code(base_folder(adapter), adapter)
    assert len(code.splitlines()) == 3
    names: dict[str, Any] = {}
    exec(code, names)
    weights = {name for name, _ in names["model"].named_parameters()}
    assert any("lora_A" in name for name in weights)


def test_the_command_says_one_line_or_json(
    settings: export.Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ainl_align.cli.adapters import export as command

    words = ["--merged", str(settings.merged), "--adapter", str(settings.adapter), "--base-model", settings.base_model]
    context: Any = SimpleNamespace(args=[*words, "--device", "cpu", "--check-tokens", "4"])
    assert command(context) == 0
    assert re.fullmatch(
        r"export: .* merged into .* greedy answers to 3 prompts are the same\n", capsys.readouterr().out
    )
    context.args[1] = str(settings.merged) + "2"
    context.args.append("--json")
    assert command(context) == 0
    assert json.loads(capsys.readouterr().out)["checked_prompts"] == 3
