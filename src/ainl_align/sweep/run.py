"""Stage 5: evaluate every checkpoint on the dev prompts with one base in memory, rank, promote, prune."""

import shutil
import time
from pathlib import Path
from typing import Any

from pydantic import Field

from ainl_align.artifacts import METRICS, check_writable, provenance, write_json
from ainl_align.config import ROOT
from ainl_align.errors import AlignError, StageError
from ainl_align.evaluation import run as evaluation
from ainl_align.evaluation.answer import answer, scored
from ainl_align.evaluation.metrics import METRIC_VERSION
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.progress import Progress
from ainl_align.sweep.select import rank
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import Adapter, check_base, checkpoints, promote
from ainl_align.training.precision import pick_device

DEV_SET = ROOT / "corpus/curated/dev_prompts.jsonl"


class Settings(DecodingSettings):
    """Options of stage 5."""

    adapter_root: Path = Field(description="folder that holds checkpoint-*")
    prompt_set: Path = Field(DEV_SET, description="prompts to choose by; never the ones of the final evaluation")
    output_json: Path = Field(
        ROOT / "corpus/curated/checkpoint_sweep_report_v5_aligned.json", description="where the report is written"
    )
    top_k: int = Field(3, ge=1, description="checkpoints kept")
    promote_best_link: bool = Field(True, description="point best_by_strict_ainl at the best checkpoint")
    prune_non_topk: bool = Field(False, description="delete the checkpoints outside the top k")


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Evaluate, write the report to ``settings.output_json`` and return it.

    Raises UserError for bad input before any model is loaded, and StageError when an evaluation failed: then nothing
    is promoted or pruned.
    """
    device = pick_device(settings.device)
    rows = evaluation.read_prompts(settings.prompt_set, settings.limit)
    found = checkpoints(settings.adapter_root)
    base = resolve(settings.base_model)
    for adapter in found:
        check_base(adapter, base)
    check_writable(settings.output_json.parent)
    wardrobe = Wardrobe(base, device, settings.quantization_mode, progress)
    ranked = rank(_evaluate(settings, adapter, rows, wardrobe, progress) for adapter in found)
    failed = [row for row in ranked if not row["ok"]]
    selected = [] if failed else ranked[: settings.top_k]
    best_link = None
    pruned: list[str] = []
    if selected and settings.promote_best_link:
        best_link = str(promote(settings.adapter_root, Path(selected[0]["adapter_path"])))
    if selected and settings.prune_non_topk:
        pruned = [row["adapter_path"] for row in ranked[settings.top_k :]]
    report = {
        "adapter_root": str(settings.adapter_root),
        "base_model": settings.base_model,
        "prompt_set": str(settings.prompt_set),
        "prompt_set_sha256": evaluation.prompt_set_hash(rows),
        "metric_version": METRIC_VERSION,
        "top_k": settings.top_k,
        "ranked": ranked,
        "selected": selected,
        "pruned": pruned,
        "promoted": selected[0]["adapter_path"] if best_link else None,
        "best_link": best_link,
        "fallbacks": list(progress.fallbacks),
    }
    made_by = provenance(settings.model_dump(mode="json"), data={"prompt_set": settings.prompt_set}, device=device)
    write_json(settings.output_json, "checkpoint_sweep_report", report, made_by)
    for folder in pruned:  # only after the report that names them is on disk
        shutil.rmtree(folder)
    if failed:
        raise StageError(
            f"{len(failed)} of {len(ranked)} checkpoints could not be evaluated (see field 'error' in "
            f"{settings.output_json}); nothing was promoted or pruned"
        )
    return report


def _evaluate(
    settings: Settings, adapter: Adapter, rows: list[PromptRow], wardrobe: Wardrobe, progress: Progress
) -> dict[str, Any]:
    """One row of the ranking; a failure is data of that row, so that the others are still evaluated."""
    started = time.monotonic()
    row: dict[str, Any] = {
        "adapter_path": str(adapter.folder),
        "step": adapter.step,
        "eval_loss": adapter.eval_loss,
        "n": len(rows),
        **{f"{name}_rate": None for name in METRICS},
        "counts": None,
        "report_json": None,
    }
    try:
        with wardrobe.wearing(adapter) as engine:
            side = scored(answer(engine, wardrobe.tokenizer, rows, settings.answering(), progress, adapter.folder.name))
    except (AlignError, RuntimeError, MemoryError) as error:
        progress.say(f"{adapter.folder.name} failed: {error}")
        return {**row, "ok": False, "error": f"{type(error).__name__}: {error}", "seconds": _since(started)}
    one = evaluation.Settings(
        **DecodingSettings.shared(settings).model_dump(),
        adapter_path=adapter.folder,
        prompt_set=settings.prompt_set,
        output_json=settings.adapter_root / "sweep" / f"{adapter.folder.name}.json",
        skip_base_eval=True,
    )
    evaluation.write_report(one, rows, {"base": None, "lora": side}, wardrobe, progress)
    summary = side.summary()
    row.update({name: summary[name] for name in [f"{metric}_rate" for metric in METRICS] + ["counts"]})
    rate = summary["task_success_rate"]
    shown = "" if rate is None else f", task success {rate:.3f}"
    progress.say(f"{adapter.folder.name}: strict {summary['strict_ainl_rate']:.3f}{shown}")
    return {**row, "ok": True, "error": None, "report_json": str(one.output_json), "seconds": _since(started)}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
