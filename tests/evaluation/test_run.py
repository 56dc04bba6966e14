"""Evaluation of a tiny adapter: the report, its honesty, and refusals before a model is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json
from ainl_align.errors import UserError
from ainl_align.evaluation import generate, run
from ainl_align.evaluation.models import Wardrobe
from ainl_align.progress import Progress
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import load_adapter


def settings(base: Path, adapter: Path, prompts: Path, folder: Path, **changes: Any) -> run.Settings:
    values: dict[str, Any] = {
        "base_model": str(base),
        "adapter_path": adapter,
        "prompt_set": prompts,
        "output_json": folder / "report.json",
        "max_new_tokens": 96,
        "repair_attempts": 1,
        "device": "cpu",
    }
    return run.Settings(**{**values, **changes})


def test_the_report_holds_both_sides(tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path) -> None:
    run.run(settings(tiny_base, tiny_adapter, small_set, tmp_path), Progress())
    report = read_json(tmp_path / "report.json", "model_eval_report")
    assert [row["id"] for row in report["results"]][-1] == "bare"
    for side in ("lora", "base"):
        summary = report["summary"][side]
        assert summary["n"] == 4
        assert summary["canonical_rate"] == 1.0, "constrained outputs are canonical whatever the weights"
        assert summary["task_success_rate"] == 0.0
        assert report["diagnostics"][side]["timing_totals"]["new_tokens"] > 0
        assert report["diagnostics"][side]["length_buckets"]
    assert report["results"][-1]["lora"]["final"]["metrics"]["task_success"] is None
    assert report["summary"]["comparison"]["canonical_rate"] == 0.0
    assert report["sanity"] == {"prompts": 4, "prompts_with_task": 3, "unique_ids": True}


def test_unconstrained_noise_fails_and_repairs_are_counted_apart(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    made = settings(
        tiny_base, tiny_adapter, small_set, tmp_path, constrained_decoding=False, max_new_tokens=24, skip_base_eval=True
    )
    report = run.run(made, Progress())
    assert report["summary"]["base"] is None
    lora = report["summary"]["lora"]
    assert lora["canonical_rate"] == lora["first_pass"]["canonical_rate"] == 0.0
    assert report["summary"]["failure_families"]["lora"]["budget"] >= 1
    assert all(row["lora"]["repairs"] == 1 for row in report["results"])


def test_a_budget_below_every_program_is_said(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    made = settings(tiny_base, tiny_adapter, small_set, tmp_path, max_new_tokens=3, skip_base_eval=True)
    report = run.run(made, Progress())
    assert report["summary"]["failure_families"]["lora"] == {"budget_too_small": 4}


def test_a_timeout_is_that_samples_failure_and_the_run_goes_on(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    made = settings(
        tiny_base, tiny_adapter, small_set, tmp_path, generation_timeout_seconds=1e-6, batch_size=1, skip_base_eval=True
    )
    report = run.run(made, Progress())
    assert report["summary"]["failure_families"]["lora"] == {"timeout": 4}
    assert [row["lora"]["repairs"] for row in report["results"]] == [0] * 4, "out of time is out of time"
    assert all(row["lora"]["tokens"] < 20 for row in report["results"]), "it stops computing"


def test_a_repeated_evaluation_is_replayed_and_says_so(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    made = settings(tiny_base, tiny_adapter, small_set, tmp_path, answer_cache=tmp_path / "answers", max_new_tokens=48)
    first = run.run(made, Progress())
    again = run.run(made, Progress())
    assert [first["diagnostics"][side]["replayed"] for side in ("lora", "base")] == [0, 0]
    assert [again["diagnostics"][side]["replayed"] for side in ("lora", "base")] == [4, 4]
    assert again["results"] == first["results"] and again["summary"] == first["summary"]


@pytest.mark.filterwarnings("error:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_an_adapter_leaves_no_trace_in_the_base(tiny_base: Path, tiny_adapter: Path) -> None:
    import torch

    base = resolve(str(tiny_base))
    wardrobe = Wardrobe(base, "cpu", "none", Progress())
    with wardrobe.wearing(None) as engine:
        before = {name: value.clone() for name, value in engine.model.state_dict().items()}
    for _ in range(2):
        with wardrobe.wearing(load_adapter(tiny_adapter)) as engine:
            worn = engine.model.state_dict()
            assert any(not torch.equal(worn[name], value) for name, value in before.items())
    with wardrobe.wearing(None) as engine:
        after = engine.model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_the_repository_writes_no_report_for_bad_input(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    twice = tmp_path / "twice.jsonl"
    twice.write_text('{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}\n')
    with pytest.raises(UserError, match=r"twice\.jsonl, line 2"):
        run.run(settings(tiny_base, tiny_adapter, twice, tmp_path), Progress())
    with pytest.raises(UserError, match="no such adapter folder"):
        run.run(settings(tiny_base, tmp_path / "none", small_set, tmp_path), Progress())
    assert not (tmp_path / "report.json").exists()


def test_generate_keeps_the_order_of_its_input(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "in.jsonl"
    texts = {"long": "Return 5. " * 9, "short": "Return 5.", "middle": "Return 5. " * 4}
    prompts.write_text("".join(json.dumps({"id": name, "prompt": text}) + "\n" for name, text in texts.items()))
    made = generate.Settings(
        base_model=str(tiny_base),
        adapter=tiny_adapter,
        prompts=prompts,
        out=tmp_path / "out.jsonl",
        max_new_tokens=96,
        device="cpu",
    )
    generate.run(made, Progress())
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(texts)
    assert all(row["finish_reason"] == "eos" and row["program"].startswith("S ") for row in rows)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "give either one request"),
        ({"request": " "}, "the request is empty"),
        ({"request": "x", "prompts": "p.jsonl"}, "give either one request"),
        ({"prompts": "p.jsonl"}, "needs --out"),
        ({"request": "x", "adapter": "a", "no_adapter": True}, "give one of"),
        ({"request": "x", "shipped": True, "no_adapter": True}, "give one of"),
    ],
)
def test_generate_refuses_what_it_cannot_mean(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        generate.run(generate.Settings(**changes), Progress())
