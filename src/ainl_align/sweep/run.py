"""Stage 5: screen the checkpoints on the dev prompts, score the finalists, rank, promote, prune.

Screening first rejects the checkpoints that find the prompts' known programs least likely (``likelihood.py``). The
others answer and are rejected round by round (``rejects.py``): in one batch (``decoding/passes/stacked.py``), or where
that is quicker on the reference path, that of the finalists: merged, one by one, in the precision of the final
evaluation. Of the finalists every prompt counts.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ainl_align.artifacts import METRICS, check_writable, provenance, write_json
from ainl_align.config import ROOT
from ainl_align.decoding.passes.quantize import device_obstacle
from ainl_align.decoding.passes.stacked import stack_obstacle
from ainl_align.errors import AlignError, StageError, UserError
from ainl_align.evaluation import run as evaluation
from ainl_align.evaluation.answer import Answer, Done, Job, Scored
from ainl_align.evaluation.metrics import METRIC_VERSION
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.progress import Progress
from ainl_align.sweep.likelihood import LEAST, MANY_PROMPTS, MOST, Weighed, Weighing, kept, most_kept
from ainl_align.sweep.rejects import Phase, answers_of, plan, screening_prompts
from ainl_align.sweep.screening import Screened, Screening, Together, unreadable
from ainl_align.sweep.select import rank, success_interval
from ainl_align.sweep.workers import Alone, Asker, Scales, Task, Workers
from ainl_align.tasks.prompts import PromptRow
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import Adapter, check_base, checkpoints, discard, promote
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
    screening: Literal["auto", "none", "full", "dynamic-int8"] = Field(
        "auto",
        description="reject weak checkpoints on few prompts, in full precision (auto, full) or int8; none: every "
        "checkpoint answers every prompt on the reference path",
    )
    likelihood_keeps: int | None = Field(
        None,
        ge=0,
        description="screening begins with the likelihood of the prompts' known programs, which leaves at most so many "
        "checkpoints, and at most half of them, to write programs; 0: all do; default: 3, and 2 for fewer than "
        f"{MANY_PROMPTS} prompts",
    )
    finalists: int = Field(1, ge=1, description="checkpoints that screening leaves for the reference path")
    processes: int | None = Field(
        None, ge=1, description="worker processes, on CUDA one a GPU; default: one for each GPU, else one"
    )


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Evaluate, write the report to ``settings.output_json`` and return it.

    Raises UserError for bad input before any model is loaded, and StageError when an evaluation failed: then nothing
    is promoted or pruned. Answers are kept in ``adapter_root``/sweep/answers, so a repeated sweep gives none anew.
    """
    device = pick_device(settings.device)
    rows = evaluation.read_prompts(settings.prompt_set, settings.limit)
    found = checkpoints(settings.adapter_root)
    base = resolve(settings.base_model)
    for adapter in found:
        check_base(adapter, base)
    check_writable(settings.output_json.parent)
    check_writable(settings.adapter_root / "sweep")
    wardrobe = Wardrobe(base, device, settings.quantization_mode, progress)
    with _asker(settings, wardrobe, progress) as asker:
        sweep = _Sweep(settings, found, rows, wardrobe, asker, progress)
        ranked = rank(sweep.table())
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
        "screening": sweep.screening(),
        "fallbacks": list(progress.fallbacks),
    }
    made_by = provenance(settings.model_dump(mode="json"), data={"prompt_set": settings.prompt_set}, device=device)
    write_json(settings.output_json, "checkpoint_sweep_report", report, made_by)
    for folder in pruned:  # only after the report that names them is on disk
        discard(Path(folder))
    if failed:
        raise StageError(
            f"{len(failed)} of {len(ranked)} checkpoints could not be evaluated (see field 'error' in "
            f"{settings.output_json}); nothing was promoted or pruned"
        )
    return report


def _asker(settings: Settings, wardrobe: Wardrobe, progress: Progress) -> AbstractContextManager[Asker]:
    import torch

    devices = torch.cuda.device_count() if wardrobe.device == "cuda" else 1
    count = settings.processes or devices
    if wardrobe.device == "cuda" and count > devices:
        raise UserError(f"--processes {count}: there are {devices} GPUs; ask for no more processes than that")
    if count == 1:
        return nullcontext(Alone(wardrobe, progress))
    return Workers(wardrobe.base, wardrobe.device, settings.quantization_mode, count, progress)


class _Sweep:
    """One sweep over ``found``, the checkpoints in the order of their steps."""

    def __init__(
        self,
        settings: Settings,
        found: Sequence[Adapter],
        rows: Sequence[PromptRow],
        wardrobe: Wardrobe,
        asker: Asker,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._found = found
        self._rows = rows
        self._golds = {row.id: row.task.gold for row in rows if row.task is not None}
        self._wardrobe = wardrobe
        self._asker = asker
        self._progress = progress
        self._kept = settings.adapter_root / "sweep" / "answers"
        self._weighed: Weighed | None = None
        self._screened: Screened | None = None
        self._written: dict[str, str] = {}
        """By prompt id: what the last checkpoint wrote on the reference path."""

    def table(self) -> list[dict[str, Any]]:
        """One row a checkpoint; a failure is data of its row, so that the others are still evaluated."""
        broken = unreadable(self._found)
        arms = [arm for arm in range(len(self._found)) if arm not in broken]
        mode = self._mode()
        if mode is not None and self._stackable(arms):
            self._weighed = self._weigh(arms, mode)
            self._screened = self._screen(arms if self._weighed is None else sorted(self._weighed.survivors), mode)
        rows = [{**self._row(arm), "ok": False, "error": why} for arm, why in broken.items()]
        return rows + [self._judged(arm) for arm in arms]

    def screening(self) -> dict[str, Any] | None:
        """How the checkpoints were screened, for the report; None when they were not."""
        weighed, done = self._weighed, self._screened
        if done is None:
            return None
        arms = len(done.sides)
        return {
            "mode": done.mode,
            "finalists": len(done.survivors),
            "answers": answers_of(done.phases, arms),
            "answers_of_all": (arms if weighed is None else len(weighed.nats)) * len(self._rows),
            "likelihood": None
            if weighed is None
            else {"path": weighed.path, "phases": self._phases(weighed.phases, weighed.rejected)},
            "phases": self._phases(done.phases, done.rejected),
        }

    def _phases(self, phases: Sequence[Phase], rejected: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
        return [
            {"prompts": phase.prompts, "rejected": [str(self._found[arm].folder) for arm in out]}
            for phase, out in zip(phases, rejected, strict=True)
        ]

    def _stackable(self, arms: Sequence[int]) -> bool:
        """Whether all can share a batch; what speaks against it is said."""
        for arm in arms if len(arms) > self._settings.finalists else ():
            obstacle = stack_obstacle(self._found[arm].folder)
            if obstacle is not None:
                self._progress.fallback(
                    f"no screening, every checkpoint answers every prompt: {self._found[arm].folder.name} cannot share "
                    f"a batch, {obstacle}"
                )
                return False
        return True

    def _weigh(self, arms: Sequence[int], mode: str) -> Weighed | None:
        """The round of likelihoods; None when there is none."""
        settings = self._settings
        most = settings.likelihood_keeps
        if most is None:
            most = most_kept(len(self._rows))
        keep = kept(len(arms), most, settings.finalists)
        if not most or keep == len(arms):
            return None
        if any(row.task is None for row in self._rows):
            self._progress.fallback(
                f"no round of likelihoods, every checkpoint writes programs: {settings.prompt_set} has prompts without "
                "a task, so no program is known for them"
            )
            return None
        scales = Scales(mode, fused=settings.screening != "full")
        weighing = Weighing(scales, self._wardrobe, self._asker, self._kept.parent / "likelihoods", self._progress)
        phases = plan(len(arms), min(len(self._rows), MOST), keep, LEAST)
        try:
            return weighing.run(self._found, arms, self._rows, phases)
        except (AlignError, RuntimeError, ValueError, MemoryError) as error:
            self._progress.fallback(
                f"the round of likelihoods failed ({type(error).__name__}: {error}); every checkpoint writes programs"
            )
            return None

    def _screen(self, arms: Sequence[int], mode: str) -> Screened | None:
        phases = plan(len(arms), screening_prompts(len(self._rows)), self._settings.finalists)
        if not phases:
            return None
        try:
            return self._screening(arms, mode).run(
                arms, self._rows, phases, {} if self._weighed is None else self._weighed.likely
            )
        except (AlignError, RuntimeError, ValueError, MemoryError) as error:
            self._progress.fallback(
                f"screening failed ({type(error).__name__}: {error}); every checkpoint answers every prompt"
            )
            return None

    def _screening(self, arms: Sequence[int], mode: str) -> Screening:
        """The few that likelihood has left answer on the reference path on a CPU: merged weights write twice as fast as
        stacked ones there, and what the best of them answers is not asked again."""
        if self._weighed is not None and mode == "none" and self._wardrobe.device == "cpu":
            return Screening(self._found, "reference", self._one_by_one)
        answering = self._settings.answering()
        together = Together(self._found, arms, mode, answering, self._wardrobe, self._asker, self._kept, self._progress)
        return Screening(self._found, mode, together)

    def _one_by_one(self, left: Sequence[int], rows: Sequence[PromptRow]) -> dict[int, Scored]:
        """The likeliest first, and where there are few prompts all of them at once: small batches are dear, and it wins
        most often. What one wrote is a good guess at what the next one writes; a guess decides nothing."""
        assert self._weighed is not None
        eager = self._weighed.survivors[0] if len(self._rows) < MANY_PROMPTS else None
        wanted, found = {row.id for row in rows}, {}
        for arm in self._weighed.survivors:
            if arm in left:
                asked = self._rows if arm == eager else rows
                side = self._answers(arm, asked, self._golds | self._written)
                self._written |= {row.id: item.program for row, item in zip(asked, side.answers.answers, strict=True)}
                found[arm] = side.part([place for place, row in enumerate(asked) if row.id in wanted])
        return found

    def _mode(self) -> str | None:
        """The base's quantisation in screening; None for no screening."""
        wanted, device = self._settings.screening, self._wardrobe.device
        if wanted == "dynamic-int8" and (reason := device_obstacle(device)) is not None:
            self._progress.fallback(f"screening in full precision: {reason}")
            return "none"
        return {"none": None, "auto": "none", "full": "none"}.get(wanted, wanted)

    def _judged(self, arm: int) -> dict[str, Any]:
        """A row of what is known of an arm: of the finalists everything."""
        if self._weighed is not None and (after := self._weighed.rejected_after(arm)) is not None:
            row = {
                **self._row(arm),
                "ok": True,
                "error": None,
                "rejected_by": "likelihood",
                "rejected_after": after,
                "seconds": 0.0,
            }
            chance = f"{after} known programs at {row['known_program_nats']:.3f} nats a token"
            self._progress.say(f"{self._found[arm].folder.name}: {chance}, rejected before it writes any")
            return row
        after = self._screened.rejected_after(arm) if self._screened is not None else None
        if self._screened is None or after is None:
            return self._reference(arm)
        row = {**self._row(arm), "rejected_by": "answers"}
        return self._filled(row, self._screened.sides[arm], None, after)

    def _reference(self, arm: int) -> dict[str, Any]:
        adapter, settings = self._found[arm], self._settings
        started = time.monotonic()
        try:
            side = self._answers(arm, self._rows, self._drafts(arm))
        except (AlignError, RuntimeError, MemoryError) as error:
            self._progress.say(f"{adapter.folder.name} failed: {error}")
            seconds = round(time.monotonic() - started, 3)
            return {**self._row(arm), "ok": False, "error": f"{type(error).__name__}: {error}", "seconds": seconds}
        one = evaluation.Settings(
            **DecodingSettings.shared(settings).model_dump(),
            adapter_path=adapter.folder,
            prompt_set=settings.prompt_set,
            output_json=settings.adapter_root / "sweep" / f"{adapter.folder.name}.json",
            skip_base_eval=True,
        )
        evaluation.write_report(one, self._rows, {"base": None, "lora": side}, self._wardrobe, self._progress)
        return self._filled(self._row(arm), side, one.output_json, None)

    def _answers(self, arm: int, rows: Sequence[PromptRow], drafts: Mapping[str, str]) -> Scored:
        """What an arm answers on the reference path."""
        adapter, settings = self._found[arm], self._settings
        task = Task((adapter,), None, settings.answering(), adapter.folder.name)

        def ask(jobs: Sequence[Job], done: Done) -> list[Answer]:
            return self._asker.ask(task, jobs, done)

        return evaluation.answer_one(settings, rows, adapter, self._wardrobe, self._kept, ask, self._progress, drafts)

    def _drafts(self, arm: int) -> dict[str, str]:
        """What the checkpoint answered in screening, nearly always what it will answer; for other prompts the gold."""
        if self._screened is None:
            return {}
        answers = self._screened.sides[arm].answers
        return self._golds | {row.id: item.program for row, item in zip(answers.rows, answers.answers, strict=True)}

    def _row(self, arm: int) -> dict[str, Any]:
        adapter = self._found[arm]
        return {
            "adapter_path": str(adapter.folder),
            "step": adapter.step,
            "eval_loss": adapter.eval_loss,
            "n": 0,
            **{f"{name}_rate": None for name in METRICS},
            "counts": None,
            "report_json": None,
            "known_program_chance": None if self._weighed is None else self._weighed.chances[arm],
            "known_program_nats": None if self._weighed is None else self._weighed.nats[arm],
            "rejected_by": None,
            "rejected_after": None,
            "task_success_interval": None,
        }

    def _filled(
        self, row: dict[str, Any], side: Scored, report: Path | None, rejected_after: int | None
    ) -> dict[str, Any]:
        summary = side.summary()
        filled = {
            **row,
            **{name: summary[name] for name in ("n", "counts", *(f"{metric}_rate" for metric in METRICS))},
            "ok": True,
            "error": None,
            "report_json": None if report is None else str(report),
            "rejected_after": rejected_after,
            # Its share of what the batches took, an earlier run's where the answers come from there.
            "seconds": round(sum(sum(item.phases.values()) for item in side.answers.generations), 3),
        }
        filled["task_success_interval"] = success_interval(filled)
        rate = summary["task_success_rate"]
        shown = "" if rate is None else f", task success {rate:.3f}"
        fate = "" if rejected_after is None else ", rejected"
        name = Path(row["adapter_path"]).name
        self._progress.say(f"{name}: {summary['n']} prompts, strict {summary['strict_ainl_rate']:.3f}{shown}{fate}")
        return filled
