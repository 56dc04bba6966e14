"""A model's own pass on memory that stays in its place gives what the plain pass gives. What CUDA records runs here."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AttentionInterface

from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.decoding.passes import static
from ainl_align.decoding.passes.graphs import Graphs, _Recorded
from ainl_align.decoding.passes.sampling import Sampler, decide, unpack
from ainl_align.decoding.passes.static import StaticModel, obstacle
from ainl_align.decoding.records import Generation
from ainl_align.progress import Progress
from ainl_align.training import attention

SHAPE = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "pad_token_id": 0,
}


def _model(kind: str, **changes: Any) -> Any:
    import transformers

    torch.manual_seed(3)
    config = getattr(transformers, f"{kind}Config")(**{**SHAPE, **changes})
    return getattr(transformers, f"{kind}ForCausalLM")(config).eval()


@pytest.mark.parametrize("kind", ["Llama", "Phi3", "Qwen2"])
@pytest.mark.parametrize("shapes", [False, True])
def test_scores_are_the_models_own(kind: str, shapes: bool) -> None:
    model = _model(kind)
    assert obstacle(model) is None
    texts = [torch.randint(97, (length,)).tolist() for length in (30, 7, 19, 5, 11)]
    with torch.inference_mode():
        expected = [model(input_ids=torch.tensor([text])).logits[0, -1] for text in texts]
        made = StaticModel(model, "cpu", shapes=shapes)
        assert made.differs(model) is None
        made.begin(texts[0][:4])
        for number in range(6):
            made.add(prefixed=number == 0)
        made.feed(0, [texts[0][4:-3], texts[1][:-3], [1, 2], texts[3][:-3]])
        made.drop(2)  # the last row, which has read nothing, takes its number
        made.feed(2, [texts[2][:-3], [], texts[4][:-3]])
        made.feed(0, [text[-3:-1] for text in texts])
        made.feed(0, [[], [9, 9, 9], [], [], [9]])
        made.unread(1, 3)
        made.unread(4, 1)
        states = made.feed(0, [text[-1:] for text in texts])
        found = made.scores(states, range(len(texts)))
    torch.testing.assert_close(found, torch.stack(expected), atol=2e-5, rtol=1e-4)


def _answers(model: Any, tokenizer: Any, path: str, settings: GenerationSettings) -> list[Generation]:
    engine = Engine(model, tokenizer, "cpu")
    engine.unpacked = "asked for"
    engine.padded = "asked for" if path == "padded" else None
    requests = [Request(str(i), tokenizer.encode("Return " + "7" * (1 + i * 5 % 17)), text="7") for i in range(9)]
    return engine.generate(requests, settings, Progress())


@pytest.mark.parametrize("changes", [{}, {"constrained": False}, {"temperature": 1.0}, {"grounding": "prefer"}])
def test_answers_are_those_of_the_plain_path(tiny_base: Path, tokenizer: Any, changes: dict[str, Any]) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    settings = dataclasses.replace(GenerationSettings(max_new_tokens=60, batch_size=4), **changes)
    plain = _answers(model, tokenizer, "padded", settings)
    made = StaticModel.over(model, "cpu")
    made.sampler._on_host, made._few_shapes, made._free, made.by_itself = False, True, 64, True  # as on CUDA
    found = _answers(model, tokenizer, "static", settings)
    assert StaticModel.over(model, "cpu") is made
    assert [item.token_ids for item in found] == [item.token_ids for item in plain]
    for ours, theirs in zip(found, plain, strict=True):
        assert (ours.rejected, ours.choices, ours.forced_tokens) == (
            theirs.rejected,
            theirs.choices,
            theirs.forced_tokens,
        )
        assert ours.allowed_share == theirs.allowed_share
        assert ours.log_kept == pytest.approx(theirs.log_kept, abs=1e-4)
        assert ours.mean_log_prob == pytest.approx(theirs.mean_log_prob, abs=1e-4)


def _replayed(graphs: Graphs, function: Any, inputs: Any) -> Any:
    """What a CUDA graph does, on a CPU: the same work on the same memory, its output overwritten by the next one."""
    output = function(*inputs).clone()

    class Graph:
        def replay(self) -> None:
            output.copy_(function(*inputs))

    return _Recorded(Graph(), inputs, output)


@pytest.mark.parametrize("size", [3, 8])
@pytest.mark.parametrize("constrained", [True, False])
def test_recorded_passes_of_rows_that_come_and_go_are_right(
    tiny_base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, constrained: bool, size: int
) -> None:
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr(static, "_COLUMNS", 16)  # rows cross from one number of columns to the next all the time
    monkeypatch.setattr(static, "_PREFILL", 150)  # and some passes are too large to be recorded
    monkeypatch.setattr(static, "_COVERED", 3)
    monkeypatch.setattr(Graphs, "_record", _replayed)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    requests = [
        Request(str(i), tokenizer.encode("Return " + "71" * (1 + i * 7 % 23)), budget=40 + i) for i in range(24)
    ]
    settings = GenerationSettings(max_new_tokens=70, batch_size=size, constrained=constrained)
    made = StaticModel.over(model, "cpu")
    made.sampler._on_host, made._few_shapes, made._free, made.by_itself = False, True, 64, True
    made.graphs._usable = made.sampler._graphs._usable = True
    engine, plain = Engine(model, tokenizer, "cpu"), Engine(model, tokenizer, "cpu")
    engine.unpacked = plain.unpacked = plain.padded = "asked for"
    expected = plain.generate(requests, settings, Progress())
    for _ in range(2):
        found = engine.generate(requests, settings, Progress())
        assert [item.token_ids for item in found] == [item.token_ids for item in expected]
    assert len(made.graphs.shapes()) > 3 and made.sampler._graphs._known


def test_what_the_memory_cannot_hold_goes_the_plain_way(tokenizer: Any) -> None:
    settings = GenerationSettings(max_new_tokens=30, batch_size=4)
    scaled = _model("Granite", vocab_size=len(tokenizer), logits_scaling=3.0)
    with torch.inference_mode():
        assert obstacle(scaled) is None and "off by" in (StaticModel(scaled, "cpu").differs(scaled) or "")
    gemma = _model("Gemma2", vocab_size=len(tokenizer), head_dim=8)
    assert "sliding_attention" in (obstacle(gemma) or "")
    narrow = _model("Phi3", vocab_size=len(tokenizer), sliding_window=20)
    for model in (scaled, gemma, narrow):
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        engine = Engine(model, tokenizer, "cpu")
        request = Request("a", tokenizer.encode("Return 7"))
        assert engine.generate([request], settings, Progress())[0].finish_reason == "eos"
        assert engine._static is None or engine._static.limit == 20


def test_bits_of_masks_are_read_alike_on_device_and_host() -> None:
    words = np.random.default_rng(0).integers(-(2**31), 2**31, (3, 4), dtype=np.int32)
    expected = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")[:, :100]
    assert np.array_equal(unpack(torch.from_numpy(words), 100).numpy(), expected.astype(bool))


def test_a_recorded_shape_serves_smaller_passes_until_they_are_many() -> None:
    made = StaticModel(_model("Llama"), "cpu", shapes=True)
    made._free = 64
    made.reserve(8, 512)
    assert made._shape_of(0, [1] * 5, 40) == (0, 8, 1, 256)
    assert made._shape_of(3, [2, 9], 300) == (0, 8, 16, 512)
    assert made._shape_of(3, [70000], 300) == (3, 1, 70000, 512)
    made.graphs._known[(0, 8, 4, 512)] = None  # type: ignore[assignment]
    small = [made._shape_of(0, [1] * 3, 40) for _ in range(static._COVERED + 2)]
    assert small == [(0, 8, 4, 512)] * static._COVERED + [(0, 4, 1, 256)] * 2
    assert made._shape_of(0, [1] * 9, 40) == (0, 16, 1, 256)


def test_where_there_is_no_cuda_functions_just_run() -> None:
    graphs = Graphs("cpu")
    for number in range(3):
        assert graphs.run("key", lambda item: item + 1, torch.tensor(number)) == number + 1
    assert graphs.shapes() == [] and graphs.failure is None


def test_the_sampler_chooses_alike_on_device_and_host() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, 70) * 4
    host, device = Sampler("cpu"), Sampler("cpu")
    device._on_host = False

    class Greedy:
        settings = GenerationSettings()

        def choose(self, scores: Any, first: int) -> int:
            return first

    rows: Any = [Greedy() for _ in range(5)]
    for favoured in ([], [(0, 3), (4, 69)]):
        words = np.random.default_rng(1).integers(-(2**31), 2**31, (5, 3), dtype=np.int32)
        found = []
        for sampler in (host, device):
            mask = sampler.allocate(5, 3)
            mask[:] = words
            found.append(sampler.sample(logits, mask, favoured, rows))
        ours, theirs = found
        assert ours[:2] == theirs[:2] and any(ours.rejected)
        assert ours.kept == pytest.approx(theirs.kept, abs=1e-5)
        assert ours.log_probs == pytest.approx(theirs.log_probs, abs=1e-5)
        free = [sampler.sample(logits, None, favoured, rows).picked for sampler in (host, device)]
        assert free[0] == free[1]


def test_training_and_decoding_each_have_an_attention_of_their_own() -> None:
    assert static._NAME != attention.NAME
    assert AttentionInterface()[static._NAME] is static._attend
    assert AttentionInterface()[attention.NAME] is attention.attend


def test_a_sampler_without_recordings_works_where_its_scores_lie() -> None:
    # Copied to the host without waiting, scores would be read before they are there.
    sampler = Sampler("meta")
    logits = torch.empty((3, 40), device="meta")
    assert sampler._graphs.run("key", decide, logits).device.type == "meta"
