"""The packed forward pass equals the model's own, and continuous batches leave no row's neighbours behind in it."""

import dataclasses
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.decoding.passes.guess import Guessed
from ainl_align.decoding.passes.packed_llama import PackedLlama, obstacle
from ainl_align.progress import Progress
from tests.tiny import make_phi3


def _model(**changes: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    shape = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "vocab_size": 97}
    heads = {"num_attention_heads": 6, "num_key_value_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**{**shape, **heads, **changes})).eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 6},
        {"attention_bias": True, "mlp_bias": True},
        {"head_dim": 16},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}},
    ],
)
@pytest.mark.parametrize("widest", [4, 64])
def test_scores_are_the_models_own(changes: dict[str, Any], widest: int) -> None:
    model = _model(**changes)
    assert obstacle(model, "cpu") is None
    texts = [torch.randint(97, (length,)).tolist() for length in (30, 7, 19, 2, 11, 80, 5, 6, 23, 40)]
    with torch.inference_mode():
        expected = [model(input_ids=torch.tensor([text])).logits[0, -1] for text in texts]
        packed = PackedLlama(model, widest)
        packed.begin(texts[0])
        packed.add(prefixed=True)  # what an earlier batch left must not matter
        packed.begin([])
        for _ in texts:
            packed.add()
        packed.feed(0, [text[:-4] for text in texts[:3]])
        packed.feed(2, [texts[2][-4:-4], texts[3][:1], *(text[:-4] for text in texts[4:])])
        last = [texts[0][-4:], texts[1][-4:], texts[2][-4:], texts[3][1:], *(text[-4:] for text in texts[4:])]
        packed.feed(0, [[*tokens[:-1], 1, 2] if number % 2 else [] for number, tokens in enumerate(last)])
        for number in range(1, len(last), 2):
            packed.unread(number, 2)
        feeds = [tokens[-1:] if number % 2 else tokens for number, tokens in enumerate(last)]
        states = packed.feed(0, feeds)[[end - 1 for end in accumulate(map(len, feeds))]]
        found = packed.scores(states, range(len(states)))
    torch.testing.assert_close(found, torch.stack(expected), atol=2e-5, rtol=1e-4)


def test_a_dropped_row_and_a_shared_prefix_leave_the_others_right() -> None:
    model = _model()
    prefix, texts = [5, 6, 7], [[1, 2, 3, 4], [8, 9], [10, 11, 12]]
    with torch.inference_mode():
        packed = PackedLlama(model, 8)
        packed.begin(prefix)
        for _ in texts:
            packed.add(prefixed=True)
        packed.feed(0, [text[:-1] for text in texts])
        packed.drop(0)  # the last row takes its place
        packed.add(prefixed=True)
        states = packed.feed(0, [texts[2][-1:], texts[1][-1:], [20, 21]])[[0, 1, 3]]
        found = packed.scores(states, range(len(states)))
        expected = [
            model(input_ids=torch.tensor([[*prefix, *text]])).logits[0, -1] for text in (texts[2], texts[1], [20, 21])
        ]
    torch.testing.assert_close(found, torch.stack(expected), atol=2e-5, rtol=1e-4)


def test_what_it_cannot_stand_in_for_is_told(tokenizer: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    other = AutoModelForCausalLM.from_pretrained(str(make_phi3(tmp_path / "phi3", tokenizer)), dtype=torch.float32)
    assert "Phi3" in (obstacle(other, "cpu") or "")
    assert "cuda" in (obstacle(_model(), "cuda") or "")
    assert "gelu" in (obstacle(_model(hidden_act="gelu"), "cpu") or "")
    assert Engine(other.eval(), tokenizer, "cpu").unpacked is not None


def test_rows_that_wait_for_a_place_are_the_same_as_rows_that_do_not(tiny_base: Path, tokenizer: Any) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    engine = Engine(model, tokenizer, "cpu")
    requests = [Request(str(i), tokenizer.encode("Return " + "7" * (1 + i * 5 % 17))) for i in range(23)]
    settings = GenerationSettings(max_new_tokens=60, batch_size=23)
    together = engine.generate(requests, settings, Progress())
    for size in (1, 5, 11):
        found = engine.generate(requests, dataclasses.replace(settings, batch_size=size), Progress())
        assert [item.token_ids for item in found] == [item.token_ids for item in together]
    own = Engine(model, tokenizer, "cpu")
    own.unpacked = "asked for"
    assert [i.token_ids for i in own.generate(requests, settings, Progress())] == [i.token_ids for i in together]


@pytest.mark.parametrize("rows", [5, 20])
@pytest.mark.parametrize("warm", [0.0, 1.0])
@pytest.mark.parametrize("constrained", [True, False])
def test_guessing_changes_the_passes_and_not_the_tokens(
    tiny_base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, constrained: bool, warm: float, rows: int
) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    requests = [Request(str(i), tokenizer.encode("Say aaaa abab " + "ab" * i)) for i in range(rows)]
    settings = GenerationSettings(max_new_tokens=120, constrained=constrained, temperature=warm, seed=1)
    passes = []
    feed = PackedLlama.feed

    def counted(self: PackedLlama, first: int, feeds: Any) -> Any:
        passes[-1] += 1
        return feed(self, first, feeds)

    monkeypatch.setattr(PackedLlama, "feed", counted)
    found = []
    for guessing in (True, False):
        if not guessing:
            monkeypatch.setattr("ainl_align.decoding.passes.packed.Oracle.guess", lambda oracle, most: iter(()))
        passes.append(0)
        found.append(Engine(model, tokenizer, "cpu").generate(requests, settings, Progress()))
    assert [item.token_ids for item in found[0]] == [item.token_ids for item in found[1]]
    assert [item.choices for item in found[0]] == [item.choices for item in found[1]]
    if warm == 0 and not constrained:
        assert passes[0] < passes[1]  # a random model in greedy search repeats itself


@pytest.mark.parametrize("guessed", ["<|im_start|>", "a"])
def test_a_guess_that_may_not_come_is_not_read(
    tiny_base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, guessed: str
) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    requests = [Request(str(i), tokenizer.encode("Say " + "7" * i)) for i in range(3)]
    read = [0, 0]
    feed = PackedLlama.feed

    def counted(self: PackedLlama, first: int, feeds: Any) -> Any:
        read[-1] += sum(map(len, feeds))
        return feed(self, first, feeds)

    monkeypatch.setattr(PackedLlama, "feed", counted)
    answers = []
    for guess in ([], tokenizer.encode(guessed)):
        read.append(0)
        monkeypatch.setattr(
            "ainl_align.decoding.passes.packed.Oracle.guess",
            lambda oracle, most, guess=guess: (Guessed(token, ("own", 0), 0.9) for token in guess),
        )
        found = Engine(model, tokenizer, "cpu").generate(requests, GenerationSettings(max_new_tokens=60), Progress())
        answers.append([item.token_ids for item in found])
    assert answers[0] == answers[1]
    # A special token never comes; a letter does, but not everywhere.
    assert 0 <= read[-1] - read[-2] < sum(item.choices for item in found)
    assert (read[-1] > read[-2]) == (guessed == "a")


def test_a_draft_saves_passes_and_changes_no_token(
    tiny_base: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()
    plain = [Request(str(i), tokenizer.encode("Say " + "7" * i)) for i in range(3)]
    settings = GenerationSettings(max_new_tokens=60)
    passes = [0]
    feed = PackedLlama.feed

    def counted(self: PackedLlama, first: int, feeds: Any) -> Any:
        passes[-1] += 1
        return feed(self, first, feeds)

    monkeypatch.setattr(PackedLlama, "feed", counted)
    found = Engine(model, tokenizer, "cpu").generate(plain, settings, Progress())
    for draft in ([item.token_ids for item in found], [(5, 6, 7) * 20] * 3):
        passes.append(0)
        asked = [dataclasses.replace(item, draft=text) for item, text in zip(plain, draft, strict=True)]
        again = Engine(model, tokenizer, "cpu").generate(asked, settings, Progress())
        assert [item.token_ids for item in again] == [item.token_ids for item in found]
    assert passes[1] < passes[0]
