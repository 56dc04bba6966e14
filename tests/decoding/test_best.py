"""The verifier that chooses among a request's answers, and what it may not depend on."""

from pathlib import Path
from typing import Any

import torch

from ainl_align.decoding.best import anonymous, best_of, choose
from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.decoding.records import Generation
from ainl_align.progress import Progress

FIRST = (
    'S app core noop\nL_main:\n  R queue.PUT "ops" 7 ->res\n'
    '  If res=done ->L_a ->L_b\nL_a:\n  J res\nL_b:\n  J "res x"\n'
)
RENAMED = FIRST.replace("res ", "out ").replace("res=", "out=").replace("J res", "J out").replace("->res", "->out")
RENAMED = RENAMED.replace('"out x"', '"res x"').replace("L_a", "L_yes").replace("L_main", "L_go")
OTHER = FIRST.replace(" 7 ", " 8 ")
BENT = FIRST.replace('"ops"', '"opps"')
ASKED = "Put 7 on the queue ops."


def _answer(text: str, **given: Any) -> Generation:
    return Generation("a", text, given.pop("finish_reason", "eos"), mean_log_prob=given.pop("log_prob", -1.0), **given)


def test_programs_that_differ_in_names_alone_are_the_same() -> None:
    assert RENAMED != FIRST
    assert anonymous(RENAMED) == anonymous(FIRST)
    assert len({anonymous(text) for text in (FIRST, OTHER, BENT)}) == 3


def test_the_order_in_which_the_verifier_judges() -> None:
    def chosen(*answers: Generation) -> str:
        return choose(answers, ASKED).text

    assert chosen(_answer(OTHER), _answer(FIRST, log_prob=-0.5)) == FIRST
    assert chosen(_answer(OTHER, log_prob=-0.1), _answer(FIRST), _answer(RENAMED, log_prob=-2.0)) == FIRST
    assert chosen(_answer(BENT), _answer(BENT), _answer(FIRST, log_prob=-9.0)) == FIRST
    assert chosen(_answer(FIRST, closed_by_budget=True), _answer(BENT)) == BENT
    assert chosen(_answer(FIRST, finish_reason="timeout"), _answer(OTHER)) == OTHER
    assert chosen(_answer(FIRST), _answer(OTHER)) == FIRST


def test_best_of_keeps_the_order_and_the_seed(tiny_base: Path, tokenizer: Any) -> None:
    from transformers import AutoModelForCausalLM

    engine = Engine(AutoModelForCausalLM.from_pretrained(str(tiny_base), dtype=torch.float32).eval(), tokenizer, "cpu")
    requests = [Request(name, tokenizer.encode(name * 3), text=ASKED) for name in ("a", "b")]
    settings = GenerationSettings(max_new_tokens=48, seed=4)
    found = best_of(engine, requests, settings, 3, Progress())
    assert [item.id for item in found] == ["a", "b"]
    assert [item.text for item in found] == [item.text for item in best_of(engine, requests, settings, 3, Progress())]
    (alone,) = best_of(engine, requests[:1], settings, 1, Progress())
    assert alone.text == engine.generate(requests[:1], settings, Progress())[0].text
    assert found[0].tokens > alone.tokens
