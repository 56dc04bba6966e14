"""Finished runs on disk, made by code: their reports are written as the stages write them, gate and health are real."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import METRICS, file_hash, write_json
from ainl_align.data.leakage import Pair, held_out, require_clean
from ainl_align.errors import StageError
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.progress import Progress
from ainl_align.report.health import Health

STAGES = ("check", "regression", "distill", "boost", "finetune", "sweep", "evaluation", "gate")
TIERS = ("T1", "T2", "T3", "T4", "T5")
FAMILIES = ("fetch_field", "sql_read", "ladder", "cron_alert", "order_intake")
PER_TIER = 12


def gold(index: int) -> str:
    """The program that prompt ``index`` wants."""
    fetch = f'  R http.GET "https://a.example/{index}" ->resp'
    return f'S app core noop\nL_main:\n{fetch}\n  R core.GET resp "body.a" ->val\n  J val\n'


def wrong(index: int) -> str:
    """A program that compiles and reads the wrong field."""
    return gold(index).replace("body.a", "body.b")


Passes = Callable[[int, str], bool]


@dataclass
class Run:
    """What one run should look like; ``passes`` says by prompt number and tier whether an answer is right."""

    run_id: str
    created: str
    passes: Passes
    base: Passes = lambda index, tier: index % 12 == 0
    losses: Mapping[int, float] = field(default_factory=lambda: {44: 0.30, 88: 0.16, 132: 0.08, 176: 0.09})
    rates: Mapping[int, int] = field(default_factory=lambda: {44: 2, 88: 9, 132: 6, 176: 11})
    prompts: Mapping[int, str] = field(default_factory=dict)
    programs: Mapping[int, str] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    alerts: tuple[Mapping[str, Any], ...] = ()


def finished(folder: Path, run: Run) -> Path:
    """Write a run into ``folder`` (a corpus) after those that are there already; returns its health."""
    curated = folder / "curated"
    adapter = folder.parent / "adapter" / "checkpoint-176"
    _adapter(adapter, run)
    _prompt_set(curated / "test_prompts.jsonl", run)
    _cards(folder)
    health = Health(STAGES, run_id=run.run_id)
    for name in ("check", "regression", "distill", "finetune"):
        with health.stage(name):
            pass
    health.off("boost", "no BOOST_EVAL_REPORT")
    health.artifacts["test_prompts"] = curated / "test_prompts.jsonl"
    health.artifacts["dataset_distill"] = folder / "train_chatml_distill.jsonl"
    with health.stage("sweep"):
        health.artifacts["checkpoint_sweep_report"] = _sweep(curated, adapter, run)
    with health.stage("evaluation"):
        report = _evaluation(curated, adapter, run)
        health.artifacts["model_eval_report"] = report
        summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
        health.metrics = {**_rates_only(summary["lora"]), "base": _rates_only(summary["base"])}
        read_history(curated / "history").record(report)
    with health.stage("gate"):
        settings = trends.Settings(
            reports_dir=curated, report=report, output_json=curated / "model_eval_trends.json", **run.gate
        )
        health.gate = trends.run(settings, Progress())["summary"]["gate"]
        health.artifacts["model_eval_trends"] = curated / "model_eval_trends.json"
    health.selected_adapter = str(adapter)
    path = curated / "alignment_run_health.json"
    health.write(path, {"seed": 42, "base_model": "smollm2-135m"}, ["MAX_NEW_TOKENS raised from 40 to 416"], "cpu")
    return path


def regressed(folder: Path) -> Path:
    """A run that fails because one tier fell: tier T3 lost eleven of its twelve, the others stand as before."""
    gate = {"max_regression_task_success": 0.05, "max_drop": ("tier:*:task_success=0.10",)}
    before = Run("20260101T080000Z-aaaaaa", "2026-01-01T08:00:00+00:00", lambda index, tier: index % 12 != 5)
    finished(folder, before)
    read_history(folder / "curated" / "history").accept(before.run_id, "the first good one")
    after = Run(
        "20260102T080000Z-bbbbbb",
        "2026-01-02T08:00:00+00:00",
        lambda index, tier: index % 12 != 5 and tier != "T3",
        gate=gate,
        alerts=({"name": "high_fallback_rate", "ratio": 0.08, "hint": "the budget cut in: raise --max-new-tokens"},),
    )
    return finished(folder, after)


def leaked(folder: Path) -> Path:
    """A run that stopped because a training row is a test prompt; the error is the data stage's own."""
    health = Health(STAGES, run_id="20260103T080000Z-cccccc")
    for name in ("check", "regression"):
        with health.stage(name):
            pass
    others = held_out()
    with pytest.raises(StageError, match="overlap"), health.stage("distill"):
        require_clean([Pair("Return 5."), others["test"][0]], others)
    path = folder / "curated" / "alignment_run_health.json"
    health.write(path, {"seed": 42, "base_model": "smollm2-135m"}, [], "cpu")
    return path


def origin(created: str) -> dict[str, Any]:
    """Provenance at a given time."""
    return {
        "settings": {},
        "code": {"version": "0.1.0", "commit": "0" * 40, "dirty": False},
        "data": {},
        "libraries": {"torch": "2.13.0"},
        "python": "3.11",
        "device": "cpu",
        "created": created,
    }


def _ladder(passed: bool) -> dict[str, bool]:
    return {metric: passed or metric != "task_success" for metric in METRICS}


def _side(index: int, passed: bool, program: str, *, repaired: bool = False) -> dict[str, Any]:
    reason = f"scenario 'second reply': expected the value 4, saw 5 for prompt {index}"
    reasons = [] if passed else [{"line": 4, "code": "behaviour", "message": reason}]
    draft = program.replace("L_main", "L_first") + "oops"
    refused = [{"line": 6, "code": "unknown_line", "message": "line 6 is no statement"}]
    first = {"metrics": _ladder(passed), "reasons": reasons, "program": program}
    if repaired:
        first = {"metrics": dict.fromkeys(METRICS, False), "reasons": refused, "program": draft}
    return {
        "program": program,
        "first_pass": first,
        "final": {"metrics": _ladder(passed), "reasons": reasons},
        "finish_reason": "eos",
        "repairs": int(repaired),
        "tokens": 40 + index,
        "seconds": 0.5 + index / 10,
        "failure_family": None if passed else "wrong_behaviour",
        "scenarios": [
            {"name": "first reply", "passed": True, "reason": ""},
            {"name": "second reply", "passed": passed, "reason": "" if passed else "expected the value 4, saw 5"},
        ],
        "drafts": [{"program": draft}] if repaired else [],
    }


def _results(run: Run) -> list[dict[str, Any]]:
    rows = []
    for tier_number, tier in enumerate(TIERS):
        for place in range(PER_TIER):
            index = tier_number * PER_TIER + place
            passed = run.passes(index, tier)
            program = run.programs.get(index, gold(index) if passed else wrong(index))
            rows.append(
                {
                    "id": f"{FAMILIES[tier_number]}-{place}",
                    "prompt": run.prompts.get(index, f"Fetch https://a.example/{index} and return the field a."),
                    "suite": "test",
                    "family": FAMILIES[tier_number],
                    "tier": tier,
                    "cluster": f"{FAMILIES[tier_number]}:{place}",
                    "lora": _side(index, passed, program, repaired=index % 10 == 3),
                    "base": _side(index, run.base(index, tier), "S app core noop\nL_main:\n  J 0\n"),
                }
            )
    return rows


def _rates(rows: list[dict[str, Any]], side: str, part: str = "final") -> dict[str, Any]:
    counts = {metric: sum(row[side][part]["metrics"][metric] for row in rows) for metric in METRICS}
    return {"n": len(rows), **{f"{name}_rate": count / len(rows) for name, count in counts.items()}, "counts": counts}


def _summary(rows: list[dict[str, Any]], side: str) -> dict[str, Any]:
    found = {**_rates(rows, side), "first_pass": _rates(rows, side, "first_pass")}
    for name, key in (("by_suite", "suite"), ("by_tier", "tier"), ("by_family", "family")):
        groups = sorted({row[key] for row in rows})
        found[name] = {group: _rates([row for row in rows if row[key] == group], side) for group in groups}
    return found


def _rates_only(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name == "n" or name.endswith("_rate")}


def _diagnostics(run: Run) -> dict[str, Any]:
    return {
        "timing_totals": {
            "prefill_seconds": 1.5,
            "forward_seconds": 20.0,
            "mask_seconds": 2.0,
            "sample_seconds": 1.0,
            "other_seconds": 0.5,
            "decoding_seconds": 25.0,
            "prompt_tokens": 5000.0,
            "new_tokens": 4000.0,
            "tokens_per_second": 160.0,
        },
        "constraint_diagnostics": {
            "rows": 60,
            "tokens": 4000,
            "forced_share": 0.2,
            "finish_reasons": {"eos": 60},
            "kept_mass": {"steps": 28, "mean": 0.12},
            "dead_ends": [],
        },
        "constraint_health": {"alerts": list(run.alerts)},
        "length_buckets": [{"prompt_tokens": [0, 64], "n": 60, "tokens": 4000, "seconds_max": 6.4, "task_success": 50}],
        "quantization": {"requested": "dynamic-int8", "applied": "none", "reason": "no CPU"},
    }


def _evaluation(curated: Path, adapter: Path, run: Run) -> Path:
    rows = _results(run)
    lora, base = _summary(rows, "lora"), _summary(rows, "base")
    kinds = {side: sum(row[side]["failure_family"] is not None for row in rows) for side in ("lora", "base")}
    content = {
        "base_model": "smollm2-135m",
        "adapter_path": str(adapter),
        "prompt_set": str(curated / "test_prompts.jsonl"),
        "prompt_set_sha256": "ab" * 32,
        "run_id": run.run_id,
        "metric_version": 1,
        "max_new_tokens": 416,
        "device": "cpu",
        "limit": None,
        "skip_base_eval": False,
        "constrained_decoding": True,
        "repair_attempts": 2,
        "canonicalize_output": True,
        "canonicalize_chunk_lines": 256,
        "canonicalize_max_lines": 512,
        "bucket_by_prompt_length": True,
        "quantization_mode": "none",
        "sanity": {"prompts": len(rows), "prompts_with_task": len(rows), "unique_ids": True},
        "summary": {
            "lora": lora,
            "base": base,
            "failure_families": {side: {"wrong_behaviour": count} if count else {} for side, count in kinds.items()},
            "comparison": {f"{name}_rate": lora[f"{name}_rate"] - base[f"{name}_rate"] for name in METRICS},
        },
        "diagnostics": {"lora": _diagnostics(run), "base": _diagnostics(run)},
        "results": rows,
    }
    path = curated / "model_eval_report_v5_aligned.json"
    write_json(path, "model_eval_report", content, origin(run.created))
    return path


def _sweep(curated: Path, adapter: Path, run: Run) -> Path:
    rows = []
    for step, loss in run.losses.items():
        counts = dict.fromkeys(METRICS, 24) | {"task_success": run.rates[step]}
        rows.append(
            {
                "adapter_path": str(adapter.with_name(f"checkpoint-{step}")),
                "step": step,
                "eval_loss": loss,
                "n": 24,
                **{f"{name}_rate": count / 24 for name, count in counts.items()},
                "counts": counts,
                "report_json": None,
                "ok": True,
                "error": None,
                "seconds": 30.0,
            }
        )
    rows.sort(key=lambda row: (-row["task_success_rate"], row["step"]))
    content = {
        "adapter_root": str(adapter.parent),
        "base_model": "smollm2-135m",
        "prompt_set": "dev_prompts.jsonl",
        "prompt_set_sha256": "cd" * 32,
        "metric_version": 1,
        "top_k": 3,
        "ranked": rows,
        "selected": rows[:3],
        "pruned": [rows[3]["adapter_path"]],
        "promoted": rows[0]["adapter_path"],
        "best_link": None,
        "fallbacks": [],
    }
    path = curated / "checkpoint_sweep_report_v5_aligned.json"
    write_json(path, "checkpoint_sweep_report", content, origin(run.created))
    return path


def _adapter(folder: Path, run: Run) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "/base"}), encoding="utf-8"
    )
    log = [{"step": step, "loss": loss * 0.8} for step, loss in run.losses.items()]
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": log}), encoding="utf-8")


def _prompt_set(path: Path, run: Run) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for row in _results(run):
        index = TIERS.index(row["tier"]) * PER_TIER + int(row["id"].rsplit("-", 1)[1])
        task = {
            "family": row["family"],
            "tier": row["tier"],
            "gold": gold(index),
            "scenarios": [{"name": "first reply"}],
        }
        lines.append(json.dumps({"id": row["id"], "prompt": row["prompt"], "task": task}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cards(folder: Path, **figures: int) -> None:
    data = folder / "train_chatml_distill.jsonl"
    data.write_text('{"messages": []}\n', encoding="utf-8")
    suite = {"held_out": 120, "exact": 0, "normalised": 0, "near_copies": 0, "sharing_8grams": 1, "equal_programs": 0}
    content = {
        "name": "distill",
        "files": {"all": {"path": str(data), "rows": 1160, "sha256": file_hash(data)}},
        "rows": 1160,
        "counts": {
            "sample_type": {"direct": 580},
            "family": dict.fromkeys(FAMILIES, 232),
            "tier": dict.fromkeys(TIERS, 232),
            "draft_kind": {"fence": 27},
            "split": {"train": 933, "val": 114, "test": 113},
        },
        "mix": {"asked": {"direct": 0.5}, "actual": {"direct": 0.5}},
        "leakage": {
            "limits": {
                "exact": 0,
                "normalised": 0,
                "near_copies": 0,
                "equal_programs": 0,
                "sharing_8grams_share": 0.02,
            },
            "prompts": 696,
            "suites": {"dev": suite, "test": {**suite, **figures}},
        },
        "dropped": {"too long": 4},
        "seed": 42,
    }
    write_json(folder / "train_chatml_distill_card.json", "dataset_card", content, origin("2026-01-01T00:00:00+00:00"))


def leaking_card(folder: Path) -> None:
    """Overwrite the card of a run's data with one that is over its limits."""
    _cards(folder, exact=3)
