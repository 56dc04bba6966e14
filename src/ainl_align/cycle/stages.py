"""The stages of a cycle as work: what each is given, what it reads, what it leaves. Nothing runs here by itself."""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from ainl_align.artifacts import file_hash, parse_json
from ainl_align.config import CycleSettings
from ainl_align.cycle.paths import Paths
from ainl_align.cycle.run import Work
from ainl_align.cycle.state import output_hash
from ainl_align.errors import UserError
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.progress import Progress

NAMES = ("check", "regression", "distill", "boost", "finetune", "sweep", "evaluation", "gate")
"""What the health times; writing the health itself is the cycle's eighth stage."""
FORCE = (*NAMES, "all")
"""What --force takes."""
_SPLITS = ("train", "val", "test")
_PROMPTS: tuple[Literal["regression", "dev", "test"], ...] = ("regression", "dev", "test")
_STAGE_1 = "regression_supervised"
_DATA = ("language", "tasks", "data")
_TRAINING = (*_DATA, "training")
_EVALUATION = (*_TRAINING, "decoding", "evaluation")


class Stages:
    """The stages for one set of settings. ``base`` is the resolved base model."""

    def __init__(self, settings: CycleSettings, progress: Progress, base: Any) -> None:
        self.settings = settings
        self.paths = Paths(settings.corpus_dir, settings.adapter_out)
        self._progress = progress
        self._base = base

    def check(self) -> Work:
        """Prompt sets, device and budget."""

        def run() -> dict[str, Any]:
            from ainl_align.tasks.prompts import PromptRow, write_prompt_set
            from ainl_align.tasks.suites import suite
            from ainl_align.training.base import load_tokenizer
            from ainl_align.training.precision import pick_device

            device = pick_device(self.settings.device)
            golds = []
            for name in _PROMPTS:
                tasks = suite(name)
                write_prompt_set(self.paths.prompts(name), [PromptRow(id=t.id, prompt=t.prompt, task=t) for t in tasks])
                golds += [task.gold for task in tasks]
            return {"device": device, "budget": self._budget(load_tokenizer(self._base), golds)}

        options = {"max_new_tokens": self.settings.max_new_tokens, "given": self.settings.budget_given}
        prompts = [self.paths.prompts(name) for name in _PROMPTS]
        return Work(("language", "tasks"), options, run, lambda: prompts, model=self._model())

    def datasets(self) -> dict[str, str]:
        """The stages that build a dataset, in order, and the name of the dataset; training takes the last."""
        names = {"regression": _STAGE_1}
        if self.settings.distill_mode:
            names["distill"] = "distill"
        if self.settings.boost_eval_report is not None:
            names["boost"] = "distill_boost"
        return names

    def build(self, stage: str) -> Work:
        """Stages 1 to 3; the third merges its rows with the dataset that the cycle built before."""
        settings, names = self.settings, self.datasets()
        options: dict[str, Any] = {
            "seed": settings.seed,
            "variants_per_prompt": settings.variants_per_prompt,
            "own_words": settings.own_words,
            "medley": settings.medley,
            "output_dir": self.paths.corpus,
        }
        read: dict[str, Path] = {}
        if stage == "distill":
            options["samples_per_prompt"] = settings.samples_per_prompt
        if stage == "boost":
            assert settings.boost_eval_report is not None
            before = "distill" if "distill" in names else "regression"
            read = {f"input_{split}": self.paths.dataset(names[before], split) for split in _SPLITS}
            read["eval_report"] = settings.boost_eval_report
        given = {**options, **read}
        whole = self.paths.dataset(names[stage])
        cards = [whole.with_name(f"{whole.stem}_card{ending}") for ending in (".json", ".md")]
        outputs = [whole, *(self.paths.dataset(names[stage], split) for split in _SPLITS), *cards]
        call = self._caller(f"ainl_align.data.{stage}", given)

        def run() -> dict[str, Any]:
            call()
            return {}

        return Work(_DATA, given, run, lambda: outputs, lambda: _hashes(read))

    def train(self, *, anew: bool = False) -> Work:
        """Stage 4: LoRA training on the last dataset built, and on stage 1's rows beside it."""
        settings = self.settings
        dataset = list(self.datasets().values())[-1]
        read = {
            "data_path": self.paths.dataset(dataset, "train"),
            "extra_data_path": None if dataset == _STAGE_1 else self.paths.dataset(_STAGE_1, "train"),
            "eval_data_path": self.paths.dataset(dataset, "val"),
        }
        options: dict[str, Any] = {
            **read,
            "profile": settings.profile,
            "epochs": settings.epochs,
            "seed": settings.seed,
            "base_model": settings.base_model,
            "output_dir": settings.adapter_out,
            "train_device": settings.device,
            "max_train_samples": settings.max_train_samples,
            "save_steps": settings.save_steps,
            "save_total_limit": settings.save_total_limit,
        }
        if settings.warm_start:
            from ainl_align.training.checkpoints import WEIGHTS
            from ainl_align.training.shipped import shipped_or_stop

            start = shipped_or_stop("--warm-start")
            options = {**options, "start_adapter": start}
            read["start"] = start / WEIGHTS
        call = self._caller("ainl_align.training.finetune", {**options, "resume": not anew, "need_checkpoints": True})

        def run() -> dict[str, Any]:
            from ainl_align.training.checkpoints import WEIGHTS, checkpoints

            call()
            found = checkpoints(settings.adapter_out)
            return {"checkpoints": {item.folder.name: item.files[WEIGHTS] for item in found}}

        return Work(
            _TRAINING,
            options,
            run,
            lambda: _adapter_files(self.paths.adapter_root),
            lambda: _hashes({name: path for name, path in read.items() if path is not None}),
            self._model(),
        )

    def sweep(self, budget: int, checkpoints: Mapping[str, str]) -> Work:
        """Stage 5: every checkpoint on dev prompts; the best is promoted. ``checkpoints``: names to weights' hashes."""
        options = {
            **self._decoding(budget),
            "adapter_root": self.settings.adapter_out,
            "prompt_set": self.paths.prompts("dev"),
            "limit": self.settings.dev_limit or None,
            "output_json": self.paths.sweep_report,
            "top_k": self.settings.top_k,
            "promote_best_link": True,
            "prune_non_topk": self.settings.prune_non_topk,
        }
        call = self._caller("ainl_align.sweep.run", options)

        def run() -> dict[str, Any]:
            report = call()
            if not report["ranked"]:
                raise UserError(
                    f"{self.settings.adapter_out}: no checkpoint could be ranked; see {self.paths.sweep_report}"
                )
            return choice(report)

        return Work(
            (*_EVALUATION, "sweep"),
            options,
            run,
            lambda: [self.paths.sweep_report, self.paths.best_link, *self.paths.answers.parent.glob("*.json")],
            lambda: {**checkpoints, "prompts": output_hash(self.paths.prompts("dev"))},
            self._model(),
        )

    def evaluate(self, budget: int, adapter: Path, checkpoints: Mapping[str, str], run_id: str) -> Work:
        """Stage 6: the promoted checkpoint and the base on the twelve and on held-out test prompts."""
        options = {
            **self._decoding(budget),
            "adapter_path": adapter,
            "prompt_set": self.paths.prompts("regression"),
            "limit": self.settings.regression_limit or None,
            "held_out_set": self.paths.prompts("test"),
            "held_out_limit": self.settings.test_limit or None,
            "output_json": self.paths.eval_report,
            "skip_base_eval": self.settings.skip_base_eval,
        }
        more = {"run_id": run_id, "answer_cache": self.paths.answers}
        call = self._caller("ainl_align.evaluation.run", {**options, **more})

        def run() -> dict[str, Any]:
            summary = call()["summary"]
            metrics = _rates(summary["lora"])
            if summary["base"] is not None:
                metrics["base"] = _rates(summary["base"])
            return {"metrics": metrics}

        def read() -> dict[str, str]:
            prompts = {name: output_hash(self.paths.prompts(name)) for name in ("regression", "test")}
            return {**prompts, "adapter": checkpoints.get(adapter.name, "")}

        return Work(_EVALUATION, options, run, lambda: [self.paths.eval_report], read, self._model())

    def gate(self, run_id: str) -> Work:
        """Stage 7: trend over all kept reports, and the verdict on this run's."""
        settings = self.settings
        options: dict[str, Any] = {
            "reports_dir": self.paths.curated,
            "report": self.paths.eval_report,
            "run_id": run_id,
            "history": self.paths.history,
            "ignore": settings.gate_ignore,
            "selection_prompts": self.paths.prompts("dev"),
            "output_json": self.paths.trends,
            "min_lora_strict_ainl_rate": settings.min_strict_rate,
            "min_lora_runtime_rate": settings.min_runtime_rate,
            "min_lora_nonempty_rate": settings.min_nonempty_rate,
            "min_lora_canonical_rate": settings.min_canonical_rate,
            "min_lora_task_success_rate": settings.min_task_success_rate,
            "max_regression_strict": settings.max_regression_strict,
            "max_regression_runtime": settings.max_regression_runtime,
            "max_regression_nonempty": settings.max_regression_nonempty,
            "max_regression_canonical": settings.max_regression_canonical,
            "max_regression_task_success": settings.max_regression_task_success,
            "floor": settings.gate_floor,
            "max_drop": settings.gate_max_drop,
            "policy": settings.gate_policy,
            "enforce_gate": True,
        }

        def run() -> dict[str, Any]:
            return {"gate": trends.run(trends.Settings(**options), self._progress)["summary"]["gate"]}

        def read() -> dict[str, str]:
            reports = {str(path): path for path in self.paths.curated.glob("**/model_eval_report*.json")}
            log = read_history(self.paths.history).log
            return _hashes({**reports, "log": log, "dev": self.paths.prompts("dev")})

        return Work(("gate",), options, run, lambda: [self.paths.trends], read, late=True)

    def _decoding(self, budget: int) -> dict[str, Any]:
        settings = self.settings
        return {
            "base_model": settings.base_model,
            "device": settings.device,
            "max_new_tokens": budget,
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

    def _budget(self, tokenizer: Any, golds: list[str]) -> int:
        """The default budget raised to the longest gold and a quarter more, in steps of 32, unless the user set one."""
        asked = self.settings.max_new_tokens
        longest = max(len(tokenizer(gold, add_special_tokens=False)["input_ids"]) for gold in golds) + 1
        needed = -(-longest * 5 // 4 // 32) * 32
        if needed > asked and self.settings.budget_given:
            self._progress.say(
                f"MAX_NEW_TOKENS {asked} was given and is kept; the longest known program needs {longest} tokens"
            )
        elif needed > asked:
            self._progress.fallback(
                f"MAX_NEW_TOKENS raised from {asked} to {needed}: the longest known program needs {longest} "
                "tokens; give a value (argument 4) to keep it"
            )
            return needed
        return asked

    def _caller(self, module: str, options: Mapping[str, Any]) -> Callable[[], Any]:
        def call() -> Any:
            found = load(module)
            return found.run(found.Settings(**options), self._progress)

        return call

    def _model(self) -> str:
        """What stages that use the base depend on: the base itself, and which devices there are for it."""
        return f"{self._base.fingerprint} on {self.settings.device}, {_devices()}"


def training_start(settings: CycleSettings) -> str:
    """Which weights a cycle's training begins from, in words."""
    if not settings.warm_start:
        return "cold: fresh weights"
    from ainl_align.training.shipped import shipped_or_stop

    return f"warm: {shipped_or_stop('--warm-start').name}, the adapter that comes with the package"


def load(module: str) -> Any:
    """A stage's module, imported when its turn comes: some of them load torch."""
    return importlib.import_module(module)


def choice(report: Mapping[str, Any]) -> dict[str, Any]:
    """What later stages need to know of a sweep's report."""
    return {"top1": report["ranked"][0], "pruned": list(report["pruned"])}


def _rates(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in summary.items() if name == "n" or name.endswith("_rate")}


def _hashes(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: file_hash(path) if path.is_file() else "none" for name, path in paths.items()}


def _adapter_files(root: Path) -> Iterable[Path]:
    """The manifests of an adapter and of its checkpoints, and the files that they name."""
    for manifest in (root / "manifest.json", *sorted(root.glob("checkpoint-*/manifest.json"))):
        if manifest.is_file():
            yield manifest
            try:
                yield from (manifest.parent / name for name in parse_json(manifest)["files"])
            except (UserError, KeyError, TypeError):  # damaged: its hash alone tells
                continue


def _devices() -> str:
    """The accelerators that "auto" could take, without loading torch."""
    nodes = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    return f"{sys.platform} {nodes} {os.environ.get('CUDA_VISIBLE_DEVICES')}"
