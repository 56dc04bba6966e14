"""The alignment cycle: eight stages in order, from generated tasks to a gated adapter.

``run`` is the spine. What the stages are given is derived from ``CycleSettings`` here; what they do is theirs.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ainl_align.artifacts import check_writable, read_json
from ainl_align.config import CycleSettings
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.progress import Progress
from ainl_align.report.health import Health
from ainl_align.report.outputs import keep_copies, write_outputs
from ainl_align.report.summary import print_summary
from ainl_align.report.track import track

STAGES = ("check", "regression", "distill", "boost", "finetune", "sweep", "evaluation", "gate")
"""What the health times; writing the health itself is the cycle's eighth stage."""
_SPLITS = ("train", "val", "test")
_STAGE_1 = "regression_supervised"


@dataclass(frozen=True)
class Paths:
    """Where one cycle keeps its files (contract, section 3)."""

    corpus: Path
    adapter_root: Path

    @property
    def curated(self) -> Path:
        """Prompt sets and reports."""
        return self.corpus / "curated"

    @property
    def history(self) -> Path:
        """One copy of every final report, and the log of the runs; the gate compares with these."""
        return self.curated / "history"

    @property
    def sweep_report(self) -> Path:
        """Ranking of the checkpoints."""
        return self.curated / "checkpoint_sweep_report_v5_aligned.json"

    @property
    def eval_report(self) -> Path:
        """The final evaluation."""
        return self.curated / "model_eval_report_v5_aligned.json"

    @property
    def trends(self) -> Path:
        """Trend and gate."""
        return self.curated / "model_eval_trends.json"

    @property
    def health(self) -> Path:
        """Run health."""
        return self.curated / "alignment_run_health.json"

    def prompts(self, suite: str) -> Path:
        """Prompt set of a suite: regression, dev or test."""
        return self.curated / f"{suite}_prompts.jsonl"

    def dataset(self, name: str, split: str = "") -> Path:
        """A dataset's file: all of it, or one split."""
        return self.corpus / f"train_chatml_{name}{'_' + split if split else ''}.jsonl"


Tell = Callable[[Mapping[str, Any], Path | None], None]
"""Takes the run health and the path of the report page (None when there is none)."""


def run(settings: CycleSettings, progress: Progress, tell: Tell | None = None) -> ExitCode:
    """Run the cycle; the exit code is the gate's. Errors of a stage go on after the health is written and told."""
    cycle = Cycle(settings, progress, tell)
    try:
        with cycle.health.stage("check"):
            cycle.check_inputs()
        with cycle.health.stage("regression"):
            cycle.build_regression()
        if cycle.is_on("distill", bool(settings.distill_mode), "DISTILL_MODE is 0"):
            with cycle.health.stage("distill"):
                cycle.build_distill()
        if cycle.is_on("boost", settings.boost_eval_report is not None, "no BOOST_EVAL_REPORT"):
            with cycle.health.stage("boost"):
                cycle.build_boost()
        with cycle.health.stage("finetune"):
            cycle.finetune()
        with cycle.health.stage("sweep"):
            cycle.sweep()
        with cycle.health.stage("evaluation"):
            cycle.evaluate()
        with cycle.health.stage("gate"):
            gate = cycle.gate()
    except BaseException:
        cycle.finish_after_failure()
        raise
    cycle.finish()
    return trends.gate_exit_code(gate["status"])


class Cycle:
    """One run of the cycle: its settings, where it is, and what it has found so far."""

    def __init__(self, settings: CycleSettings, progress: Progress, tell: Tell | None = None) -> None:
        self.settings = settings
        self.progress = progress
        self._tell = tell
        self.paths = Paths(settings.corpus_dir, settings.adapter_out)
        self.health = Health(STAGES)
        self.device: str = settings.device
        self.budget = settings.max_new_tokens
        self._dataset = ""
        self._adapter = settings.adapter_out

    def is_on(self, stage: str, wanted: bool, note: str) -> bool:
        """Whether an optional stage runs; records why not."""
        if not wanted:
            self.health.off(stage, note)
        return wanted

    def check_inputs(self) -> None:
        """Find every mistake in the input before minutes are spent; write the prompt sets; settle the budget."""
        from ainl_align.tasks.scenario import PromptRow, write_prompt_set
        from ainl_align.tasks.suites import suite
        from ainl_align.training.base import load_tokenizer, resolve
        from ainl_align.training.precision import pick_device

        check_writable(self.paths.curated)
        check_writable(self.paths.adapter_root)
        read_history(self.paths.history)
        if self.settings.boost_eval_report is not None:
            read_json(self.settings.boost_eval_report, "model_eval_report")
        self.device = pick_device(self.settings.device)
        base = resolve(self.settings.base_model)
        golds = []
        for name in ("regression", "dev", "test"):
            tasks = suite(name)
            write_prompt_set(self.paths.prompts(name), [PromptRow(id=t.id, prompt=t.prompt, task=t) for t in tasks])
            self._have(f"{name}_prompts", self.paths.prompts(name))
            golds += [task.gold for task in tasks]
        self._settle_budget(load_tokenizer(base), golds)

    def build_regression(self) -> None:
        """Stage 1: regression-style paired supervision."""
        module = _stage("ainl_align.data.regression")
        module.run(module.Settings(**self._dataset_options()), self.progress)
        self._trained_on(_STAGE_1)

    def build_distill(self) -> None:
        """Stage 2: the distill mix."""
        module = _stage("ainl_align.data.distill")
        options = {**self._dataset_options(), "samples_per_prompt": self.settings.samples_per_prompt}
        module.run(module.Settings(**options), self.progress)
        self._trained_on("distill")

    def build_boost(self) -> None:
        """Stage 3: more of what failed, merged with the dataset built so far."""
        module = _stage("ainl_align.data.boost")
        inputs = {f"input_{split}": self.paths.dataset(self._dataset, split) for split in _SPLITS}
        options = {**self._dataset_options(), **inputs, "eval_report": self.settings.boost_eval_report}
        module.run(module.Settings(**options), self.progress)
        self._trained_on("distill_boost")

    def finetune(self) -> None:
        """Stage 4: LoRA training on the last dataset built, and on stage 1's rows beside it."""
        module = _stage("ainl_align.training.finetune")
        options = {
            "profile": self.settings.profile,
            "epochs": self.settings.epochs,
            "seed": self.settings.seed,
            "base_model": self.settings.base_model,
            "data_path": self.paths.dataset(self._dataset, "train"),
            "extra_data_path": None if self._dataset == _STAGE_1 else self.paths.dataset(_STAGE_1, "train"),
            "eval_data_path": self.paths.dataset(self._dataset, "val"),
            "output_dir": self.settings.adapter_out,
            "train_device": self.settings.device,
            "max_train_samples": self.settings.max_train_samples,
            "save_steps": self.settings.save_steps,
            "save_total_limit": self.settings.save_total_limit,
        }
        module.run(module.Settings(**options), self.progress)
        self._have("adapter", self.settings.adapter_out)

    def sweep(self) -> None:
        """Stage 5: every checkpoint on dev prompts; the best is promoted."""
        module = _stage("ainl_align.sweep.run")
        options = {
            **self._decoding_options(),
            "adapter_root": self.settings.adapter_out,
            "prompt_set": self.paths.prompts("dev"),
            "limit": self.settings.dev_limit or None,
            "output_json": self.paths.sweep_report,
            "top_k": self.settings.top_k,
            "promote_best_link": True,
            "prune_non_topk": self.settings.prune_non_topk,
        }
        report = module.run(module.Settings(**options), self.progress)
        if not report["ranked"]:
            raise UserError(
                f"{self.settings.adapter_out}: no checkpoint could be ranked; see {self.paths.sweep_report}"
            )
        self._have("checkpoint_sweep_report", self.paths.sweep_report)
        self.health.checkpoint_top1 = report["ranked"][0]
        self._adapter = Path(report["ranked"][0]["adapter_path"])
        self.health.selected_adapter = str(self._adapter)

    def evaluate(self) -> None:
        """Stage 6: the promoted checkpoint and the base on the twelve and on held-out test prompts."""
        module = _stage("ainl_align.evaluation.run")
        options = {
            **self._decoding_options(),
            "adapter_path": self._adapter,
            "prompt_set": self.paths.prompts("regression"),
            "limit": self.settings.regression_limit or None,
            "held_out_set": self.paths.prompts("test"),
            "held_out_limit": self.settings.test_limit or None,
            "output_json": self.paths.eval_report,
            "skip_base_eval": self.settings.skip_base_eval,
            "run_id": self.health.run_id,
        }
        report = module.run(module.Settings(**options), self.progress)
        self._have("model_eval_report", self.paths.eval_report)
        self.health.metrics = _rates(report["summary"]["lora"])
        if report["summary"]["base"] is not None:
            self.health.metrics["base"] = _rates(report["summary"]["base"])
        # The report's own path is overwritten by the next run; the gate compares over runs.
        history = read_history(self.paths.history)
        run_id = history.record(self.paths.eval_report)
        self._have("model_eval_report_kept", history.runs[run_id].report)

    def gate(self) -> Mapping[str, Any]:
        """Stage 7: trend over all kept reports, and the verdict on this run's."""
        settings = self.settings
        result = trends.run(
            trends.Settings(
                reports_dir=self.paths.curated,
                report=self.paths.eval_report,
                run_id=self.health.run_id,
                history=self.paths.history,
                ignore=settings.gate_ignore,
                selection_prompts=self.paths.prompts("dev"),
                output_json=self.paths.trends,
                min_lora_strict_ainl_rate=settings.min_strict_rate,
                min_lora_runtime_rate=settings.min_runtime_rate,
                min_lora_nonempty_rate=settings.min_nonempty_rate,
                min_lora_canonical_rate=settings.min_canonical_rate,
                min_lora_task_success_rate=settings.min_task_success_rate,
                max_regression_strict=settings.max_regression_strict,
                max_regression_runtime=settings.max_regression_runtime,
                max_regression_nonempty=settings.max_regression_nonempty,
                max_regression_canonical=settings.max_regression_canonical,
                max_regression_task_success=settings.max_regression_task_success,
                floor=settings.gate_floor,
                max_drop=settings.gate_max_drop,
                policy=settings.gate_policy,
                enforce_gate=True,
            ),
            self.progress,
        )
        self._have("model_eval_trends", self.paths.trends)
        gate: Mapping[str, Any] = result["summary"]["gate"]
        self.health.gate = gate
        return gate

    def finish(self) -> None:
        """Stage 8: the health, the report, and a summary for the person who waited."""
        self._write_health()
        self.health.artifacts.update(write_outputs(self.paths.health, self.progress))
        if self.settings.track is not None and (problem := track(self.paths.health)):
            self.progress.fallback(problem)
        self._write_health()
        keep_copies(self.paths.health, self.progress)
        print_summary(self.health, self.paths.health, self.progress)
        if self._tell is not None:
            page = self.health.artifacts.get("run_report")
            self._tell(read_json(self.paths.health, "alignment_run_health"), page)

    def _write_health(self) -> None:
        settings = self.settings.model_dump(mode="json")
        self.health.write(self.paths.health, settings, self.progress.fallbacks, self.device)

    def finish_after_failure(self) -> None:
        """Stage 8 when a stage has failed: its error stays the one that the user sees."""
        try:
            self.finish()
        except Exception as error:
            self.progress.say(f"{self.paths.health}: the run health could not be written either: {error}")

    def _settle_budget(self, tokenizer: Any, golds: list[str]) -> None:
        """Raise the default budget to the longest gold and a quarter more, in steps of 32, unless the user set one."""
        longest = max(len(tokenizer(gold, add_special_tokens=False)["input_ids"]) for gold in golds) + 1
        needed = -(-longest * 5 // 4 // 32) * 32
        if needed > self.budget and self.settings.budget_given:
            self.progress.say(
                f"MAX_NEW_TOKENS {self.budget} was given and is kept; the longest known program needs {longest} tokens"
            )
        elif needed > self.budget:
            self.progress.fallback(
                f"MAX_NEW_TOKENS raised from {self.budget} to {needed}: the longest known program needs {longest} "
                "tokens; give a value (argument 4) to keep it"
            )
            self.budget = needed
        self.health.max_new_tokens = self.budget

    def _dataset_options(self) -> dict[str, Any]:
        return {
            "seed": self.settings.seed,
            "variants_per_prompt": self.settings.variants_per_prompt,
            "output_dir": self.paths.corpus,
        }

    def _decoding_options(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "base_model": settings.base_model,
            "device": settings.device,
            "max_new_tokens": self.budget,
            "constrained_decoding": True,
            "repair_attempts": settings.repair_attempts,
            "canonicalize_output": True,
            "canonicalize_chunk_lines": settings.canonicalize_chunk_lines,
            "canonicalize_max_lines": settings.canonicalize_max_lines,
            "bucket_by_prompt_length": True,
            "emit_timing": True,
            "constraint_diagnostics": True,
            "quantization_mode": settings.quantization_mode,
            "generation_timeout_seconds": settings.generation_timeout_seconds,
        }

    def _trained_on(self, name: str) -> None:
        self._dataset = name
        self._have(f"dataset_{name}", self.paths.dataset(name))

    def _have(self, name: str, path: Path) -> None:
        """Record an artifact of this run; one that an earlier run left is never listed."""
        self.health.artifacts[name] = path


def _stage(module: str) -> Any:
    """A stage's module, imported when its turn comes: some of them load torch."""
    return importlib.import_module(module)


def _rates(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name == "n" or name.endswith("_rate")}
