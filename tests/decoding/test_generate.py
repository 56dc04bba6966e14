"""The engine on a tiny random model: batches equal single rows and transformers' own greedy search."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.decoding.generate import PHASES, Engine, GenerationSettings, Request
from ainl_align.decoding.grounding import copying_errors
from ainl_align.decoding.passes.quantize import quantize
from ainl_align.decoding.place import Place
from ainl_align.errors import ConstraintDeadEnd
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from tests.tiny import make_phi3

PROMPTS = [
    "Say hello.",
    "Fetch https://a.example/x and return its body.",
    "Return 42",
    "",
    "Put 'x' into queue ops now.",
]


@pytest.fixture(scope="module")
def llama(tiny_base: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def requests(tokenizer: Any) -> list[Request]:
    return [Request(f"r{i}", tokenizer.encode("<|im_start|>" + text)) for i, text in enumerate(PROMPTS)]


def _settings(**changes: Any) -> GenerationSettings:
    return dataclasses.replace(GenerationSettings(max_new_tokens=64, batch_size=8), **changes)


@pytest.mark.parametrize("constrained", [True, False])
def test_a_batch_gives_what_single_rows_give(
    llama: Any, tokenizer: Any, requests: list[Request], constrained: bool
) -> None:
    engine = Engine(llama, tokenizer, "cpu")
    together = engine.generate(requests, _settings(constrained=constrained), Progress())
    alone = [engine.generate([item], _settings(constrained=constrained), Progress())[0] for item in requests]
    small = engine.generate(requests, _settings(constrained=constrained, batch_size=2), Progress())
    assert [item.token_ids for item in together] == [item.token_ids for item in alone]
    assert [item.token_ids for item in together] == [item.token_ids for item in small]
    assert [item.id for item in together] == [item.id for item in requests]
    for item in together:
        assert item.tokens <= 64
        assert set(item.phases) == set(PHASES)
        if constrained:
            assert item.finish_reason == "eos" and item.eos_allowed
            assert verdict(item.text).canonical, item.text
            assert item.mean_log_kept is not None and item.mean_log_kept <= 1e-6


def test_unconstrained_greedy_is_that_of_transformers(llama: Any, tokenizer: Any, requests: list[Request]) -> None:
    found = Engine(llama, tokenizer, "cpu").generate(requests, _settings(constrained=False), Progress())
    for item, request in zip(found, requests, strict=True):
        prompt = torch.tensor([list(request.prompt_ids)])
        theirs = llama.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=64, do_sample=False)
        expected = theirs[0, prompt.shape[1] :].tolist()
        assert list(item.token_ids) == [token for token in expected if token != tokenizer.eos_token_id]
        assert item.finish_reason == ("eos" if tokenizer.eos_token_id in expected else "budget")


def test_another_architecture(tokenizer: Any, requests: list[Request], tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(make_phi3(tmp_path / "phi3", tokenizer)), dtype=torch.float32)
    engine = Engine(model.eval(), tokenizer, "cpu")
    together = engine.generate(requests[:3], _settings(), Progress())
    alone = [engine.generate([item], _settings(), Progress())[0] for item in requests[:3]]
    assert [item.token_ids for item in together] == [item.token_ids for item in alone]
    assert all(verdict(item.text).canonical for item in together)


def test_sampling_depends_on_the_seed_and_not_on_the_batch(llama: Any, tokenizer: Any, requests: list[Request]) -> None:
    engine = Engine(llama, tokenizer, "cpu")
    warm = _settings(temperature=1.0, top_p=0.9, seed=5)
    first = engine.generate(requests, warm, Progress())
    assert [i.token_ids for i in first] == [i.token_ids for i in engine.generate(requests, warm, Progress())]
    smaller = engine.generate(requests, dataclasses.replace(warm, batch_size=2), Progress())
    assert [i.token_ids for i in first] == [i.token_ids for i in smaller]
    other = engine.generate(requests, dataclasses.replace(warm, seed=6), Progress())
    assert [i.token_ids for i in first] != [i.token_ids for i in other]
    assert all(verdict(item.text).canonical for item in first)


def test_a_budget_that_no_program_fits_is_told(llama: Any, tokenizer: Any, requests: list[Request]) -> None:
    engine = Engine(llama, tokenizer, "cpu")
    found = engine.generate(requests, _settings(max_new_tokens=engine.minimum_budget - 1), Progress())
    assert {item.finish_reason for item in found} == {"budget_too_small"}
    assert {item.text for item in found} == {""}


def test_a_timeout_ends_its_row_and_the_run_goes_on(llama: Any, tokenizer: Any, requests: list[Request]) -> None:
    found = Engine(llama, tokenizer, "cpu").generate(
        requests, _settings(timeout_seconds=1e-6, constrained=False, batch_size=2), Progress()
    )
    assert {item.finish_reason for item in found} == {"timeout"}
    assert len(found) == len(requests)


def test_int8_is_applied_on_a_cpu_and_told_elsewhere(llama: Any, tokenizer: Any, requests: list[Request]) -> None:
    progress = Progress()
    smaller, applied = quantize(llama, "dynamic-int8", "cpu", progress)
    assert (applied.applied, applied.reason, progress.fallbacks) == ("dynamic-int8", None, [])
    assert smaller is not llama and type(llama.lm_head) is torch.nn.Linear
    assert verdict(Engine(smaller, tokenizer, "cpu").generate(requests[:1], _settings(), Progress())[0].text).canonical
    same, told = quantize(llama, "dynamic-int8", "cuda", progress)
    assert same is llama and told.applied == "none" and told.reason is not None
    assert len(progress.fallbacks) == 1
    with pytest.raises(ValueError, match="int4"):
        quantize(llama, "int4", "cpu", progress)


def test_a_dead_end_ends_its_row_and_the_others_go_on(
    llama: Any, tokenizer: Any, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(llama, tokenizer, "cpu")
    sound = engine.generate(requests, _settings(), Progress())
    program = sound[0].text
    made = Place.mask
    fatal = program.rpartition("\n  ")[0].rpartition("\n")[2].encode()[:6]
    hit: list[bytes] = []

    def mask(place: Place) -> Any:
        if not hit and place.line == fatal:
            hit.append(place.line)
            raise ConstraintDeadEnd("nothing may follow")
        return made.fget(place)

    monkeypatch.setattr(Place, "mask", property(mask))
    monkeypatch.setattr("ainl_align.decoding.passes.packed.Oracle.guess", lambda *_: iter(()))  # no one looks ahead
    found = engine.generate(requests, _settings(), Progress())
    ends = [item.finish_reason for item in found]
    assert ends.count("dead_end") == 1 and ends.count("eos") == len(requests) - 1
    (dead,) = (item for item in found if item.finish_reason == "dead_end")
    assert "nothing may follow" in dead.dead_end
    row = engine.constraint.start(64)
    assert row.take(dead.token_ids) == list(dead.token_ids)


def test_grounding_holds_copied_literals_to_the_request(llama: Any, tokenizer: Any) -> None:
    text = "Put 7 on the queue ops-high."
    opening = 'S app core noop\nL_main:\n  R queue.PUT "'

    class Opened(Engine):
        """Every program begins with the opening, as if the model had written it."""

        @property
        def constraint(self) -> Any:
            made = super().constraint

            class Start:
                def start(self, budget: int, loop: int | None) -> Any:
                    row = made.start(budget, loop)
                    row.take(made.tokenize(opening.encode()))
                    return row

            return Start()

        minimum_budget = 10

    asked = [Request("a", tokenizer.encode(text), text=text)]
    engine = Opened(llama, tokenizer, "cpu")
    held = engine.generate(asked, _settings(max_new_tokens=120, grounding="require"), Progress())[0]
    free = engine.generate(asked, _settings(max_new_tokens=120), Progress())[0]
    assert copying_errors(held.text, text) == [] and held.copied_choices > 0 and held.copies_lost == 0
    assert copying_errors(free.text, text) != [] and free.copied_choices == 0
    assert verdict(held.text).canonical
