"""Stages 1 to 3 on three real families."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json, write_json
from ainl_align.data import boost, distill, regression
from ainl_align.data.card import DatasetSummary
from ainl_align.data.failures import PRACTICE
from ainl_align.data.leakage import Pair, held_out, violations
from ainl_align.data.records import SYSTEM_PROMPT, Row, program_of, prompt_of, read_rows
from ainl_align.errors import StageError, UserError
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.suites import suite

CHOSEN = ("fetch_field", "cron_alert", "retry_fetch")
QUIET = Progress()


@pytest.fixture(autouse=True)
def few_families(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: FAMILIES[name] for name in CHOSEN}
    for module in (regression, distill):
        monkeypatch.setattr(module, "FAMILIES", few)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DatasetSummary:
    """The distill dataset of three families, made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distill, "FAMILIES", {name: FAMILIES[name] for name in CHOSEN})
        settings = distill.Settings(
            variants_per_prompt=8, samples_per_prompt=20, output_dir=tmp_path_factory.mktemp("distill")
        )
        return distill.run(settings, QUIET)


def all_rows(summary: DatasetSummary) -> list[Row]:
    return read_rows(summary.files["all"])


def test_stage_1_pairs_prompts_with_checked_programs(tmp_path: Path) -> None:
    summary = regression.run(regression.Settings(variants_per_prompt=6, min_lines=4, output_dir=tmp_path), QUIET)
    rows = all_rows(summary)
    assert Counter(row["prompt_id"] for row in rows) == dict.fromkeys(CHOSEN, 6)
    assert {row["sample_type"] for row in rows} == {"regression"}
    assert len({normalised(prompt_of(row)) for row in rows}) == 18
    for row in rows:
        program = row["messages"][2]["content"]
        assert verdict(program).canonical
        assert len(program.splitlines()) >= 4
        assert row["messages"][0]["content"] == SYSTEM_PROMPT
    parts = [prompt_of(row) for split in ("train", "val", "test") for row in read_rows(summary.files[split])]
    assert sorted(parts) == sorted(prompt_of(row) for row in rows)
    assert (summary.rows["val"], summary.rows["test"]) == (1, 1)


def test_stage_2_keeps_the_exact_mix_and_the_card_says_so(built: DatasetSummary) -> None:
    rows = all_rows(built)
    assert Counter(row["sample_type"] for row in rows) == {"direct": 30, "repair": 21, "check_rewrite": 9}
    assert Counter(row["family"] for row in rows) == dict.fromkeys(CHOSEN, 20)
    assert len({str(row["messages"]) for row in rows}) == len(rows)
    card = read_json(built.card, "dataset_card")
    assert card["rows"] == 60
    assert card["mix"]["actual"] == card["mix"]["asked"] == {"direct": 0.5, "repair": 0.35, "check_rewrite": 0.15}
    assert card["files"]["train"]["rows"] == built.rows["train"]
    assert card["lengths"]["program"]["characters"]["max"] > 0
    assert not violations(card["leakage"])
    assert set(card["leakage"]["suites"]) == set(held_out())
    assert card["leakage"]["programs"] == len({program_of(row) for row in rows})
    assert "| direct | 30 | 0.5000 | 0.5 |" in built.card.with_suffix(".md").read_text()


def test_no_prompt_is_in_two_splits(built: DatasetSummary) -> None:
    found = [{prompt_of(row) for row in read_rows(built.files[split])} for split in ("train", "val", "test")]
    assert not (found[0] & found[1] or found[0] & found[2] or found[1] & found[2])


def test_the_same_seed_gives_the_same_bytes_and_another_other_rows(built: DatasetSummary, tmp_path: Path) -> None:
    def again(seed: int, folder: str) -> DatasetSummary:
        options: dict[str, Any] = {"variants_per_prompt": 8, "samples_per_prompt": 20, "output_dir": tmp_path / folder}
        return distill.run(distill.Settings(seed=seed, **options), QUIET)

    same, other = again(42, "same"), again(7, "other")
    for key, path in built.files.items():
        assert same.files[key].read_bytes() == path.read_bytes(), key
        assert other.files[key].read_bytes() != path.read_bytes(), key


def test_stages_share_no_prompt(built: DatasetSummary, tmp_path: Path) -> None:
    paired = regression.run(regression.Settings(variants_per_prompt=8, output_dir=tmp_path), QUIET)
    assert not {prompt_of(row) for row in all_rows(paired)} & {prompt_of(row) for row in all_rows(built)}


def test_a_floor_that_no_program_reaches_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"family fetch_field gave 0 of 2 .* lower --min-lines \(now 400\)"):
        regression.run(regression.Settings(variants_per_prompt=2, min_lines=400, output_dir=tmp_path), QUIET)
    assert list(tmp_path.iterdir()) == []


def test_an_overlap_stops_the_build_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "held_out", lambda: {"dev": [Pair(seen.prompt) for seen in leaked]})
    from ainl_align.data.sampling import derive_seed
    from ainl_align.tasks.suites import generate

    seed = derive_seed(derive_seed(42, regression.NAME), "fetch_field", 0)
    leaked = generate("train", seed=seed, per_family=1, families=["fetch_field"])
    with pytest.raises(StageError, match="overlap with held-out ones: 1 prompts overlap with dev"):
        regression.run(regression.Settings(variants_per_prompt=2, output_dir=tmp_path), QUIET)
    assert list(tmp_path.iterdir()) == []


def side(success: bool | None, canonical: bool = True) -> dict[str, Any]:
    names = ("nonempty", "runtime_compile", "strict_compile", "strict_ainl")
    metrics = {**dict.fromkeys(names, True), "canonical": canonical, "task_success": success}
    outcome = {"metrics": metrics, "reasons": []}
    kind = None if success else "wrong_behaviour"
    return {
        "program": "J 1",
        "first_pass": outcome,
        "final": outcome,
        "finish_reason": "stop",
        "repairs": 0,
        "tokens": 1,
        "seconds": 0.1,
        "failure_family": kind,
    }


def report(path: Path, results: list[dict[str, Any]]) -> Path:
    """An eval report with these results; its other figures do not matter here."""
    rates = {
        f"{name}_rate": 0.0
        for name in ("nonempty", "runtime_compile", "strict_compile", "strict_ainl", "canonical", "task_success")
    }
    summary = {"n": len(results), **rates, "counts": {}, "by_suite": {}, "by_tier": {}, "by_family": {}}
    diagnostics = {
        "timing_totals": {},
        "constraint_diagnostics": {},
        "constraint_health": {"alerts": []},
        "length_buckets": [],
        "quantization": {"requested": "none", "applied": "none", "reason": None},
    }
    content = {
        "base_model": "smollm2-135m",
        "adapter_path": "a",
        "prompt_set": "p",
        "prompt_set_sha256": "0" * 64,
        "metric_version": 1,
        "max_new_tokens": 40,
        "device": "cpu",
        "limit": None,
        "skip_base_eval": True,
        "constrained_decoding": True,
        "repair_attempts": 2,
        "canonicalize_output": True,
        "canonicalize_chunk_lines": 256,
        "canonicalize_max_lines": 512,
        "bucket_by_prompt_length": True,
        "quantization_mode": "none",
        "sanity": {},
        "summary": {
            "lora": {**summary, "first_pass": rates},
            "base": None,
            "failure_families": {"lora": {}, "base": None},
            "comparison": None,
        },
        "diagnostics": {"lora": diagnostics, "base": None},
        "results": results,
    }
    origin = {"settings": {}, "code": {}, "data": {}, "libraries": {}, "python": "", "device": "", "created": ""}
    write_json(path, "model_eval_report", content, origin)
    return path


def result(name: str, family: str | None, answer: dict[str, Any], prompt: str = "") -> dict[str, Any]:
    known = {"id": name, "prompt": prompt or f"the prompt {name}", "suite": "dev", "family": family, "tier": None}
    return {**known, "lora": answer, "base": None}


def boosted(tmp_path: Path, built: DatasetSummary, results: list[dict[str, Any]], **options: Any) -> DatasetSummary:
    inputs = {f"input_{split}": built.files[split] for split in ("train", "val", "test")}
    settings = boost.Settings(
        eval_report=report(tmp_path / "report.json", results),
        samples_per_failed_id=10,
        variants_per_prompt=4,
        output_dir=tmp_path,
        **{**inputs, **options},
    )
    return boost.run(settings, QUIET)


def test_stage_3_adds_new_tasks_of_the_families_that_failed(tmp_path: Path, built: DatasetSummary) -> None:
    failed_prompt = prompt_of(all_rows(built)[0])
    summary = boosted(
        tmp_path,
        built,
        [
            result("d1", "fetch_field", side(False), failed_prompt),
            result("d2", "cron_alert", side(True)),
            result("d3", "fetch_field", side(None, canonical=False)),
            result("d4", "cron_alert", side(None)),
            result("retry_on_http_fail", None, side(False)),
            result("mine", None, side(False)),
        ],
    )
    before = [str(row["messages"]) for row in all_rows(built)]
    rows = all_rows(summary)
    new = [row for row in rows if str(row["messages"]) not in before]
    assert len(rows) == len(before) + 30
    assert Counter(row["family"] for row in new) == {"fetch_field": 20, "retry_fetch": 5, "retry_fallback": 5}
    assert normalised(failed_prompt) not in {normalised(prompt_of(row)) for row in new}
    assert not {prompt_of(row) for row in new} & {prompt_of(row) for row in all_rows(built)}
    kept = {split: {prompt_of(row) for row in read_rows(summary.files[split])} for split in ("train", "val", "test")}
    for split, prompts in kept.items():
        assert {prompt_of(row) for row in read_rows(built.files[split])} <= prompts
    assert not kept["train"] & (kept["val"] | kept["test"])
    card = read_json(summary.card, "dataset_card")
    assert card["boost"]["failed_ids"] == ["d1", "d3", "retry_on_http_fail", "mine"]
    assert card["boost"]["ids_without_family"] == ["mine"]
    assert card["provenance"]["data"]["eval_report"]["path"] == str(tmp_path / "report.json")


def test_stage_3_aims_at_what_went_wrong(tmp_path: Path, built: DatasetSummary) -> None:
    wrong = side(False)
    said = "scenario 'down': expected retry delays [100] ms, saw [50]"
    wrong["final"] = {**wrong["final"], "reasons": [{"line": None, "code": "behaviour", "message": said}]}
    cut = {**side(False, canonical=False), "failure_family": "budget"}
    summary = boosted(tmp_path, built, [result("d1", "retry_fetch", wrong), result("d2", "cron_alert", cut)])
    card = read_json(summary.card, "dataset_card")["boost"]
    assert card["kinds_by_family"] == {"cron_alert": ["cut_off"], "retry_fetch": ["retry"]}
    assert card["failed_by_kind"] == {"retry": 1, "cut_off": 1}
    before = [str(row["messages"]) for row in all_rows(built)]
    drafted = [row for row in all_rows(summary) if str(row["messages"]) not in before and "draft_kind" in row]
    for family, kind in (("retry_fetch", "retry"), ("cron_alert", "cut_off")):
        kinds = [row["draft_kind"] for row in drafted if row["family"] == family]
        assert len(kinds) == 5 and set(kinds) <= set(PRACTICE[kind])
    assert "| retry_fetch | 10 | retry |" in summary.card.with_suffix(".md").read_text()


def test_stage_3_is_not_steered_by_the_sealed_suite(tmp_path: Path, built: DatasetSummary) -> None:
    sealed = {**result("t1", "cron_alert", side(False)), "suite": "test"}
    summary = boosted(tmp_path, built, [result("d1", "fetch_field", side(False)), sealed])
    assert read_json(summary.card, "dataset_card")["boost"]["failed_ids"] == ["d1"]
    with pytest.raises(UserError, match="all 1 failures are of sealed prompts"):
        boosted(tmp_path, built, [sealed])


def test_stage_3_without_failures_keeps_the_rows(tmp_path: Path, built: DatasetSummary) -> None:
    summary = boosted(tmp_path, built, [result("d1", "fetch_field", side(True))])
    assert sorted(map(str, all_rows(summary))) == sorted(map(str, all_rows(built)))


def test_stage_3_can_read_what_it_writes(tmp_path: Path, built: DatasetSummary) -> None:
    results = [result("d1", "fetch_field", side(False))]
    first = boosted(tmp_path, built, results)
    again = boosted(tmp_path, first, results)
    assert again.rows["all"] == built.rows["all"] + 20


def test_stage_3_refuses_bad_input(tmp_path: Path, built: DatasetSummary) -> None:
    failed = [result("mine", None, side(False))]
    with pytest.raises(UserError, match=r"report\.json: none of the 1 failed results names a task family"):
        boosted(tmp_path, built, failed)
    with pytest.raises(UserError, match=r"absent\.jsonl: no such file"):
        boosted(tmp_path, built, failed, input_train=tmp_path / "absent.jsonl")
    bad = tmp_path / "bad.jsonl"
    bad.write_text("\n{}\n")
    with pytest.raises(UserError, match=r"bad\.jsonl, line 2: field 'messages'"):
        boosted(tmp_path, built, failed, input_val=bad)
    leaking = tmp_path / "leaking.jsonl"
    row = all_rows(built)[0]
    row["messages"][1]["content"] = held_out()["test"][0].prompt
    leaking.write_text(json.dumps(row) + "\n")
    with pytest.raises(UserError, match=r"leaking\.jsonl: 1 prompts overlap with test"):
        boosted(tmp_path, built, failed, input_test=leaking)
    (tmp_path / "other.json").write_text('{"schema": "dataset_card"}')
    with pytest.raises(UserError, match=r"other\.json: is no model_eval_report"):
        boost.run(boost.Settings(eval_report=tmp_path / "other.json", output_dir=tmp_path), QUIET)


def test_every_regression_prompt_has_near_families() -> None:
    table = boost.nearest_families()
    assert set(table) == {task.id for task in suite("regression")}
    for names in table.values():
        assert names and set(names) <= set(FAMILIES)
