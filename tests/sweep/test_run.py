"""The sweep on a tiny adapter: every checkpoint once, promotion, pruning, and nothing when one fails."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from ainl_align.artifacts import read_json
from ainl_align.errors import StageError, UserError
from ainl_align.evaluation.answer import Answer, Done, Job
from ainl_align.evaluation.likelihood import known_programs
from ainl_align.evaluation.models import Wardrobe
from ainl_align.progress import Progress
from ainl_align.sweep import run
from ainl_align.sweep.workers import Alone, Scales, Task
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, write_prompt_set
from ainl_align.training.checkpoints import WEIGHTS, promoted, seal
from tests.tiny import make_adapter

ORIGIN = {
    "settings": {},
    "code": {},
    "data": {},
    "libraries": {},
    "python": "",
    "device": "cpu",
    "created": "2026-01-01T00:00:00+00:00",
}


Quick = Callable[..., run.Settings]


def settings(base: Path, root: Path, prompts: Path, folder: Path, **changes: Any) -> run.Settings:
    values: dict[str, Any] = {
        "base_model": str(base),
        "adapter_root": root,
        "prompt_set": prompts,
        "output_json": folder / "sweep.json",
        "max_new_tokens": 96,
        "limit": 2,
        "repair_attempts": 0,
        "top_k": 2,
        "device": "cpu",
    }
    return run.Settings(**{**values, **changes})


def test_the_best_is_promoted_and_the_rest_pruned(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    root = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, root)
    run.run(settings(tiny_base, root, small_set, tmp_path, prune_non_topk=True), Progress())
    report = read_json(tmp_path / "sweep.json", "checkpoint_sweep_report")
    # Random weights tie on every rate, so the order is that of the steps.
    assert [row["step"] for row in report["ranked"]] == [1, 2, 3]
    assert [row["step"] for row in report["selected"]] == [1, 2]
    assert report["pruned"] == [str(root / "checkpoint-3")]
    assert not (root / "checkpoint-3").exists()
    assert promoted(root) == root / "checkpoint-1"
    assert [row["rejected_after"] for row in report["ranked"]] == [None, 2, 2]
    for row in report["ranked"]:
        assert row["n"] == 2 and row["canonical_rate"] == 1.0 and row["task_success_interval"][0] == 0.0
    read_json(Path(report["ranked"][0]["report_json"]), "model_eval_report")
    assert report["screening"]["phases"] == [
        {"prompts": 2, "rejected": [str(root / "checkpoint-3"), str(root / "checkpoint-2")]}
    ]


def test_a_failed_evaluation_promotes_and_prunes_nothing(
    tiny_base: Path, tiny_adapter: Path, small_set: Path, tmp_path: Path
) -> None:
    root = tmp_path / "adapter"
    shutil.copytree(tiny_adapter, root)
    broken = root / "checkpoint-2"
    (broken / WEIGHTS).write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")  # sealed, but PEFT finds no weights in it
    shutil.copyfile(root / "checkpoint-1" / WEIGHTS, tmp_path / "kept")
    (broken / "adapter_config.json").write_text('{"peft_type": "LORA", "r": "many"}')
    seal(
        broken,
        run.resolve(str(tiny_base)),
        step=2,
        loss=None,
        eval_loss=None,
        epoch=None,
        provenance=read_json(root / "checkpoint-1" / "manifest.json", "checkpoint_manifest")["provenance"],
    )
    with pytest.raises(StageError, match="1 of 3 checkpoints could not be evaluated"):
        run.run(settings(tiny_base, root, small_set, tmp_path, prune_non_topk=True), Progress())
    report = read_json(tmp_path / "sweep.json", "checkpoint_sweep_report")
    assert [(row["step"], row["ok"]) for row in report["ranked"]] == [(1, True), (3, True), (2, False)]
    assert report["ranked"][-1]["error"]
    assert report["selected"] == report["pruned"] == []
    assert promoted(root) is None
    assert (root / "checkpoint-3").exists()


@pytest.fixture
def known(tiny_base: Path, small_set: Path, different: Path, tmp_path: Path) -> Callable[..., run.Settings]:
    """Settings of a sweep over ``different`` whose prompts' programs are known."""
    path = tmp_path / "known.jsonl"
    write_prompt_set(path, [row for row in load_prompt_set(small_set) if row.task is not None])

    def make(root: Path = different, **changes: Any) -> run.Settings:
        free = {"constrained_decoding": False, "max_new_tokens": 24, "limit": None}
        return settings(tiny_base, root, path, tmp_path, **{**free, **changes})

    return make


def test_likelihood_leaves_the_likeliest_and_is_no_score(
    different: Path, known: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed: list[int] = []
    weigh = Alone.weigh

    def counted(self: Alone, scales: Scales, adapters: Any, programs: Any, label: str) -> list[list[float]]:
        weighed.append(len(adapters))
        return weigh(self, scales, adapters, programs, label)

    monkeypatch.setattr(Alone, "weigh", counted)
    first = run.run(known(), Progress())
    by_chance = sorted(first["ranked"], key=lambda row: (-row["known_program_chance"], row["known_program_nats"]))
    kept, out = first["ranked"][:2], first["ranked"][2:]
    assert [row["step"] for row in first["ranked"]] == [row["step"] for row in by_chance], "the answers are equally bad"
    for row in out:
        assert row["ok"] and row["rejected_by"] == "likelihood" and row["rejected_after"] == 3 and row["n"] == 0
        assert row["task_success_rate"] is row["strict_ainl_rate"] is row["counts"] is None
    assert [row["rejected_by"] for row in kept] == [None, "answers"] and kept[0]["n"] == 3
    rounds = first["screening"]["likelihood"]["phases"]
    assert rounds == [{"prompts": 3, "rejected": [row["adapter_path"] for row in reversed(out)]}]
    assert first["screening"]["answers_of_all"] == 12 and not first["fallbacks"]

    next((different / "sweep" / "likelihoods").iterdir()).write_text('{"losses": [1, 2')
    assert ranking(run.run(known(), Progress())) == ranking(first)
    assert weighed == [4, 1], "what is damaged is computed again, and nothing else"


def test_with_few_prompts_the_likeliest_answers_them_all_at_once_and_its_programs_are_the_next_ones_guesses(
    known: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int | None, list[str], dict[str, str]]] = []
    answers: dict[int | None, dict[str, str]] = {}
    answer_one = run.evaluation.answer_one

    def told(settings: Any, rows: Any, adapter: Any, *rest: Any) -> Any:
        asked.append((adapter.step, [row.id for row in rows], dict(rest[-1])))
        side = answer_one(settings, rows, adapter, *rest)
        answers[adapter.step] = {row.id: item.program for row, item in zip(rows, side.answers.answers, strict=True)}
        return side

    monkeypatch.setattr(run.evaluation, "answer_one", told)
    monkeypatch.setattr(run, "screening_prompts", lambda count: count - 1)
    report = run.run(known(), Progress())
    first, second, *_ = asked
    assert first[0] == report["ranked"][0]["step"] and len(first[1]) == 3
    assert len(second[1]) == 2 and {name: second[2][name] for name in second[1]} == {
        name: answers[first[0]][name] for name in second[1]
    }
    monkeypatch.setattr(run, "MANY_PROMPTS", 1)
    shutil.rmtree(Path(report["adapter_root"]) / "sweep")
    asked.clear()
    assert ranking(run.run(known(), Progress())) == ranking(report)
    assert [len(rows) for _, rows, _ in asked] == [2, 2, 3]


def test_int8_and_full_precision_find_the_same_likely(tiny_base: Path, different: Path, small_set: Path) -> None:
    wardrobe = Wardrobe(run.resolve(str(tiny_base)), "cpu", "none", Progress())
    rows = known_programs(wardrobe.tokenizer, [row for row in load_prompt_set(small_set) if row.task is not None])
    found = run.checkpoints(different)
    plain = list(wardrobe.losses(found, rows, "none", fused=False))
    int8 = list(wardrobe.losses(found, rows, "none", fused=True))
    assert [len(losses) for losses in plain] == [3] * 4
    assert torch.tensor(int8) == pytest.approx(torch.tensor(plain), rel=0.02)
    with wardrobe.wearing(found[1]) as engine, torch.inference_mode():
        for row, loss in zip(rows, plain[1], strict=True):
            wanted = engine.model(input_ids=torch.tensor([row.ids]), labels=torch.tensor([row.labels])).loss
            assert loss == pytest.approx(float(wanted) * row.labelled, rel=1e-4)


@pytest.mark.parametrize("keeps", [0, 3])
def test_without_likelihoods_all_write_and_a_failure_of_theirs_is_told(
    known: Quick, monkeypatch: pytest.MonkeyPatch, keeps: int
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Wardrobe, "losses", full)
    report = run.run(known(likelihood_keeps=keeps), Progress())
    assert ["out of memory" in line for line in report["fallbacks"]] == [True] * bool(keeps)
    assert all(row["n"] for row in report["ranked"]) and report["screening"]["likelihood"] is None


@pytest.fixture
def different(tiny_base: Path, tmp_path: Path) -> Path:
    """An adapter root with four checkpoints that answer differently."""
    root = tmp_path / "different"
    for step in (9, 10, 20, 100):
        folder = make_adapter(root / f"checkpoint-{step}", tiny_base, seed=step)
        base = run.resolve(str(tiny_base))
        seal(folder, base, step=step, loss=None, eval_loss=1 / step, epoch=None, provenance=ORIGIN)
    return root


@pytest.fixture
def quick(tiny_base: Path, different: Path, tmp_path: Path) -> Callable[..., run.Settings]:
    """Settings of a sweep over ``different`` whose prompts have no tasks and whose answers are short and free."""
    path = tmp_path / "bare.jsonl"
    write_prompt_set(path, [PromptRow(id=f"p{n}", prompt=f"Return {n}.") for n in range(4)])

    def make(root: Path = different, **changes: Any) -> run.Settings:
        free = {"constrained_decoding": False, "max_new_tokens": 24, "limit": None}
        return settings(tiny_base, root, path, tmp_path, **{**free, **changes})

    return make


def ranking(report: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["step"], row["n"], row["rejected_after"], row["counts"]) for row in report["ranked"]]


def test_screening_rejects_on_shared_prompts_and_tells_on_how_many(different: Path, quick: Quick) -> None:
    every = run.run(quick(screening="none"), Progress())
    assert every["screening"] is None
    assert [row["step"] for row in every["ranked"]] == [9, 10, 20, 100], "by number, not by name"
    found = run.run(quick(finalists=2), Progress())
    assert [row["rejected_after"] for row in found["ranked"]] == [None, None, 4, 4]
    assert found["screening"]["answers"] == found["screening"]["answers_of_all"] == 16
    assert [len(phase["rejected"]) for phase in found["screening"]["phases"]] == [2]
    assert found["screening"]["likelihood"] is None
    assert any("prompts without a task" in line for line in found["fallbacks"])
    # The finalists are on the reference path: what they answered there is what they answer without screening.
    counts = {row["step"]: row["counts"] for row in every["ranked"]}
    for row in found["ranked"][:2]:
        assert row["counts"] == counts[row["step"]]
        report = read_json(Path(row["report_json"]), "model_eval_report")
        assert report["diagnostics"]["lora"]["replayed"] == 4


@pytest.mark.parametrize("screening", ["auto", "dynamic-int8"])
def test_a_repeated_sweep_answers_nothing_and_a_changed_adapter_never_replays(
    tiny_base: Path, different: Path, quick: Quick, monkeypatch: pytest.MonkeyPatch, screening: str
) -> None:
    made = quick(screening=screening)
    asked: list[int] = []
    ask = Alone.ask

    def counted(self: Alone, task: Task, jobs: Sequence[Job], done: Done) -> list[Answer]:
        asked.append(len(jobs))
        return ask(self, task, jobs, done)

    monkeypatch.setattr(Alone, "ask", counted)
    first = run.run(made, Progress())
    assert asked == [16, 4]
    assert ranking(run.run(made, Progress())) == ranking(first)
    assert asked == [16, 4]
    make_adapter(different / "checkpoint-20", tiny_base, seed=7)
    seal(
        different / "checkpoint-20",
        run.resolve(str(tiny_base)),
        step=20,
        loss=None,
        eval_loss=0.05,
        epoch=None,
        provenance=ORIGIN,
    )
    run.run(made, Progress())
    # Its own prompts, and those of the finalist when it is another one now.
    assert asked[:3] == [16, 4, 4] and len(asked) <= 4


@pytest.mark.parametrize("dies_at", [0, 1])
def test_a_sweep_that_was_killed_ends_like_one_that_was_not(
    different: Path, quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(different, whole)
    expected = run.run(quick(whole), Progress())
    calls = [0]
    ask = Alone.ask

    def mortal(self: Alone, task: Task, jobs: Sequence[Job], done: Done) -> list[Answer]:
        def dying(job: Job, item: Answer) -> None:
            done(job, item)
            if calls[0] == dies_at:
                raise KeyboardInterrupt

        found = ask(self, task, jobs, dying)
        calls[0] += 1
        return found

    monkeypatch.setattr(Alone, "ask", mortal)
    with pytest.raises(KeyboardInterrupt):
        run.run(quick(), Progress())
    assert promoted(different) is None
    monkeypatch.setattr(Alone, "ask", ask)
    found = run.run(quick(), Progress())
    assert ranking(found) == ranking(expected)
    assert found["screening"]["phases"][0]["prompts"] == 4


def test_screening_that_fails_is_told_and_every_checkpoint_answers(
    different: Path, quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Wardrobe, "stacked", full)
    progress = Progress()
    report = run.run(quick(), progress)
    assert [row["rejected_after"] for row in report["ranked"]] == [None] * 4
    assert any("out of memory" in line for line in report["fallbacks"])


def test_two_processes_find_what_one_finds(
    different: Path, quick: Quick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(run.ROOT / "src"))
    other = tmp_path / "other"
    shutil.copytree(different, other)
    one = run.run(quick(), Progress())
    two = run.run(quick(other, processes=2), Progress())
    assert ranking(two) == ranking(one)
    programs = [
        [
            item["lora"]["program"]
            for item in read_json(Path(report["ranked"][0]["report_json"]), "model_eval_report")["results"]
        ]
        for report in (one, two)
    ]
    assert programs[0] == programs[1]


def test_a_root_without_checkpoints_is_refused(tiny_base: Path, small_set: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no complete checkpoint"):
        run.run(settings(tiny_base, tmp_path, small_set, tmp_path), Progress())
