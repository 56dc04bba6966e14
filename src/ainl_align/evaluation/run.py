"""Stage 6: one adapter, and its base model beside it, over a prompt set; the evaluation report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from ainl_align.artifacts import METRICS, check_writable, content_hash, provenance, write_json
from ainl_align.config import ROOT
from ainl_align.decoding.health import constraint_health, counters, timing_totals
from ainl_align.evaluation.answer import Answer, Answers, Done, Job, Scored, answer, label, scored
from ainl_align.evaluation.diagnosis import meaning
from ainl_align.evaluation.metrics import METRIC_VERSION
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.evaluation.store import Ask, Circumstances, Shelf, answered
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, stratified
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import Adapter, check_base, load_adapter
from ainl_align.training.precision import pick_device

_BUCKET = 64
REGRESSION_SET = ROOT / "corpus/curated/regression_prompts.jsonl"


class Settings(DecodingSettings):
    """Options of stage 6."""

    adapter_path: Path = Field(description="folder of the adapter, or of a checkpoint")
    prompt_set: Path = Field(REGRESSION_SET, description="JSON lines with id and prompt, and a task where known")
    held_out_set: Path | None = Field(None, description="a second prompt set, reported as its own suite")
    held_out_limit: int | None = Field(
        None, ge=1, description="take only so many of the second set, spread over tiers and families"
    )
    output_json: Path = Field(
        ROOT / "corpus/curated/model_eval_report_v5_aligned.json", description="where the report is written"
    )
    answer_cache: Path | None = Field(
        None, description="folder that keeps answers, so that what decided them unchanged is not answered again"
    )
    skip_base_eval: bool = Field(False, description="leave the base model out")
    run_id: str | None = Field(None, description="name of the run that this evaluation belongs to")


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Evaluate, write the report to ``settings.output_json`` and return it.

    Raises UserError for a bad prompt set, adapter, base, device or output path, before any model is loaded.
    """
    device = pick_device(settings.device)
    rows = read_prompts(settings.prompt_set, settings.limit)
    if settings.held_out_set is not None:
        rows = rows + read_prompts(settings.held_out_set, settings.held_out_limit)
    adapter = load_adapter(settings.adapter_path)
    base = resolve(settings.base_model)
    check_base(adapter, base)
    check_writable(settings.output_json.parent)
    wardrobe = Wardrobe(base, device, settings.quantization_mode, progress)

    def side(worn: Adapter | None, name: str) -> Scored:
        def ask(jobs: Sequence[Job], done: Done) -> list[Answer]:
            with wardrobe.wearing(worn) as engine:
                return answer(engine, wardrobe.tokenizer, jobs, settings.answering(), progress, name, done)

        return answer_one(settings, rows, worn, wardrobe, settings.answer_cache, ask, progress)

    sides = {"base": None if settings.skip_base_eval else side(None, "base model"), "lora": side(adapter, "adapter")}
    return write_report(settings, rows, sides, wardrobe, progress)


def answer_one(
    settings: DecodingSettings,
    rows: Sequence[PromptRow],
    adapter: Adapter | None,
    wardrobe: Wardrobe,
    kept: Path | None,
    ask: Ask,
    progress: Progress,
    drafts: Mapping[str, str] | None = None,
) -> Scored:
    """The scored answers of one adapter, or of the bare base, on the reference path.

    ``ask`` answers what the folder ``kept`` does not know; without a folder, everything. ``drafts``: by prompt id,
    programs that the answers may turn out to be.
    """
    circumstances = Circumstances(wardrobe.base, settings.answering(), wardrobe.path)
    shelf = Shelf(kept, circumstances.key(adapter), progress)
    answers, replayed = answered([Job(row, draft=(drafts or {}).get(row.id, "")) for row in rows], [shelf], ask)
    if replayed:
        name = "base model" if adapter is None else adapter.folder.name
        progress.say(f"{name}: {replayed} of {len(rows)} answers are known from an earlier run ({kept})")
    return scored(Answers(rows, answers, replayed))


def write_report(
    settings: Settings,
    rows: Sequence[PromptRow],
    sides: Mapping[str, Scored | None],
    wardrobe: Wardrobe,
    progress: Progress,
) -> dict[str, Any]:
    """Write the evaluation report of finished sides (``lora``, and ``base`` or None) and return it."""
    data = {"prompt_set": settings.prompt_set}
    if settings.held_out_set is not None:
        data["held_out_set"] = settings.held_out_set
    report = _report(settings, rows, sides, wardrobe, progress)
    made_by = provenance(settings.model_dump(mode="json"), data=data, device=wardrobe.device)
    write_json(settings.output_json, "model_eval_report", report, made_by)
    return report


def read_prompts(path: Path, limit: int | None) -> list[PromptRow]:
    """The prompts of a set; ``limit`` keeps so many, stratified, so that every kind stays represented."""
    rows = load_prompt_set(path)
    return rows if limit is None else stratified(rows, limit)


def prompt_set_hash(rows: Sequence[PromptRow]) -> str:
    """Hash of the prompts as evaluated: ids, texts and what is checked."""
    return content_hash([row.model_dump(mode="json") for row in rows])


def _report(
    settings: Settings,
    rows: Sequence[PromptRow],
    sides: Mapping[str, Scored | None],
    wardrobe: Wardrobe,
    progress: Progress,
) -> dict[str, Any]:
    lora, base = sides["lora"], sides["base"]
    assert lora is not None
    shared = settings.model_dump(
        mode="json",
        exclude={"output_json", "run_id", "held_out_set", "held_out_limit", "device", "batch_size", "answer_cache"},
    )
    return {
        **{name: value for name, value in shared.items() if name not in ("prompt_set", "adapter_path")},
        "run_id": settings.run_id,
        "adapter_path": str(settings.adapter_path),
        "prompt_set": str(settings.prompt_set),
        "held_out_set": None if settings.held_out_set is None else str(settings.held_out_set),
        "prompt_set_sha256": prompt_set_hash(rows),
        "metric_version": METRIC_VERSION,
        "device": wardrobe.device,
        "sanity": {
            "prompts": len(rows),
            "prompts_with_task": sum(row.task is not None for row in rows),
            "unique_ids": len({row.id for row in rows}) == len(rows),
        },
        "summary": {
            "lora": lora.summary(),
            "base": base.summary() if base else None,
            "failure_families": {"lora": lora.failures(), "base": base.failures() if base else None},
            "comparison": _comparison(lora, base) if base else None,
        },
        "diagnostics": {name: _diagnostics(settings, side, wardrobe) if side else None for name, side in sides.items()},
        "results": [
            {
                "id": row.id,
                "prompt": row.prompt,
                "suite": label(row, "split"),
                "family": label(row, "family"),
                "tier": label(row, "tier"),
                "cluster": label(row, "cluster"),
                "lora": lora.side(index),
                "base": base.side(index) if base else None,
            }
            for index, row in enumerate(rows)
        ],
        "fallbacks": list(progress.fallbacks),
    }


def _comparison(lora: Scored, base: Scored) -> dict[str, float | None]:
    ours, theirs = lora.summary(), base.summary()
    return {
        f"{name}_rate": None
        if ours[f"{name}_rate"] is None or theirs[f"{name}_rate"] is None
        else ours[f"{name}_rate"] - theirs[f"{name}_rate"]
        for name in METRICS
    }


def _diagnostics(settings: Settings, side: Scored, wardrobe: Wardrobe) -> dict[str, Any]:
    generations = side.answers.generations
    return {
        "timing_totals": timing_totals(generations) if settings.emit_timing else {},
        "constraint_diagnostics": counters(generations) if settings.constraint_diagnostics else None,
        "constraint_health": constraint_health(generations, constrained=settings.constrained_decoding),
        "length_buckets": _length_buckets(side),
        "replayed": side.answers.replayed,
        "unpacked": wardrobe.unpacked,
        **meaning(side),
        "quantization": {
            "requested": wardrobe.quantization.requested,
            "applied": wardrobe.quantization.applied,
            "reason": wardrobe.quantization.reason,
        },
    }


def _length_buckets(side: Scored) -> list[dict[str, Any]]:
    """Answers by prompt length in tokens: how many, how long, how fast, how often right."""
    buckets: dict[int, list[int]] = {}
    answers = side.answers.answers
    for index, item in enumerate(answers):
        buckets.setdefault(item.generations[0].prompt_tokens // _BUCKET * _BUCKET, []).append(index)
    return [
        {
            "prompt_tokens": [start, start + _BUCKET],
            "n": len(members),
            "tokens": sum(answers[index].tokens for index in members),
            "seconds_max": round(max(answers[index].seconds for index in members), 3),
            "task_success": sum(side.final[index].metrics["task_success"] is True for index in members),
        }
        for start, members in sorted(buckets.items())
    ]
