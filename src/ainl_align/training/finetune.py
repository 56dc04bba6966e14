"""LoRA fine-tuning on ChatML rows, through TRL and PEFT.

LoRA: Hu et al. 2021, arXiv:2106.09685, on every linear layer of the base except its output head.
"""

import bisect
import itertools
import logging
import math
import random
import shutil
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.artifacts import check_writable, provenance
from ainl_align.config import ROOT, default_base
from ainl_align.data.records import read_rows
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import checkpoints
from ainl_align.training.base import BaseModel, load_model, load_tokenizer, resolve
from ainl_align.training.encode import training_row
from ainl_align.training.precision import compute_dtype, int8_pays, pick_device
from ainl_align.training.profiles import PROFILES, Profile


class Settings(PydanticModel):
    """Options of stage 4. A value of None means the profile's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(False, description="show the plan and train nothing")
    profile: Literal["fast", "balanced", "quality"] = Field("balanced", description="set of hyperparameters")
    epochs: float | None = Field(None, gt=0, description="passes over the training rows")
    seed: int = Field(42, ge=0, description="seed of initialisation and data order")
    base_model: str = Field(default_factory=default_base, description="embedded name, folder or Hugging Face id")
    data_path: Path = Field(ROOT / "corpus/train_chatml_distill_train.jsonl", description="training rows")
    extra_data_path: Path | None = Field(None, description="more training rows; the cycle adds those of stage 1")
    eval_data_path: Path | None = Field(
        ROOT / "corpus/train_chatml_distill_val.jsonl", description="rows for the validation loss"
    )
    output_dir: Path = Field(ROOT / "models/ainl-phi3-lora-v5-aligned", description="folder of the adapter")
    max_length: int | None = Field(None, ge=16, description="longest row in tokens; longer ones are left out, and said")
    batch_size: int | None = Field(None, ge=1, description="rows a device in one forward pass")
    grad_accum: int = Field(1, ge=1, description="forward passes a step")
    learning_rate: float | None = Field(None, gt=0, description="peak learning rate")
    lora_rank: int | None = Field(None, ge=1, description="rank of the adapter")
    logging_steps: int = Field(5, ge=1, description="steps between two losses in the log")
    eval_steps: int | None = Field(None, ge=1, description="steps between two validation losses; default: each save")
    save_steps: int | None = Field(None, ge=1, description="steps between two checkpoints")
    save_total_limit: int | None = Field(None, ge=1, description="most checkpoints kept, newest first; default: all")
    train_device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: CUDA, then MPS, then CPU")
    int8_base: Literal["auto", "on", "off"] = Field(
        "auto", description="multiply the frozen base in int8; auto: on CPUs with VNNI and without bf16"
    )
    select_best_by_loss: bool = Field(False, description="final adapter: lowest validation loss instead of last")
    max_train_samples: int | None = Field(None, ge=1, description="train on at most so many rows, evenly by family")


@dataclass(frozen=True)
class Encoded:
    """One row as token ids and labels of equal length."""

    sample_type: str
    ids: list[int]
    labels: list[int]

    @property
    def features(self) -> dict[str, list[int]]:
        """The row as the trainer's collator reads it."""
        return {"input_ids": self.ids, "labels": self.labels}


@dataclass(frozen=True)
class Plan:
    """What a training run will do, computed before anything is written."""

    device: str
    precision: str
    int8_base: bool
    rows: int
    rows_in_file: int
    rows_too_long: int
    tokens: int
    loss_tokens: int
    epochs: float
    steps: int
    save_steps: int
    eval_rows: int
    batch_size: int
    grad_accum: int
    learning_rate: float
    lora_rank: int
    lora_alpha: int


@dataclass(frozen=True)
class FinetuneResult:
    """``adapter`` is None after a dry run. ``losses`` holds one entry a log: step, loss or eval_loss."""

    adapter: Path | None
    plan: Plan
    losses: tuple[dict[str, float], ...]
    seconds: float


def run(settings: Settings, progress: Progress) -> FinetuneResult:
    """Train an adapter into ``settings.output_dir``; every input is checked before anything is written.

    Raises UserError for unusable data, base, device or output folder.
    """
    profile = PROFILES[settings.profile]
    device = pick_device(settings.train_device)
    base = resolve(settings.base_model)
    tokenizer = load_tokenizer(base)
    train_rows = read_rows(settings.data_path)
    if settings.extra_data_path:
        train_rows += read_rows(settings.extra_data_path)
    eval_rows = read_rows(settings.eval_data_path) if settings.eval_data_path else []
    longest = settings.max_length or profile.max_length
    ordered = _spread(train_rows, settings.seed)
    train, too_long = _encode(tokenizer, ordered, longest)
    held_out, _ = _encode(tokenizer, _spread(eval_rows, settings.seed)[: profile.eval_rows], longest)
    if not train:
        raise UserError(f"{settings.data_path}: no row fits in {longest} tokens; raise --max-length")
    if too_long:
        progress.fallback(
            f"{too_long} of {len(train_rows)} rows exceed {longest} tokens and are left out; --max-length keeps them"
        )
    train = _within_budget(settings, profile, device, train, progress)
    plan = _plan(settings, profile, device, train, held_out, len(train_rows), too_long)
    progress.say(
        f"train {plan.rows} rows ({plan.tokens} tokens, {plan.loss_tokens} with loss) for {plan.epochs:g} epochs = "
        f"{plan.steps} steps of {plan.batch_size * plan.grad_accum} rows on {device} in {plan.precision}"
        + (", base in int8" if plan.int8_base else "")
    )
    if settings.dry_run:
        return FinetuneResult(None, plan, (), 0.0)
    check_writable(settings.output_dir)
    _clear(settings.output_dir)
    started = time.monotonic()
    losses = _train(settings, plan, base, tokenizer, train, held_out, progress)
    return FinetuneResult(settings.output_dir, plan, tuple(losses), time.monotonic() - started)


def _within_budget(
    settings: Settings, profile: Profile, device: str, train: list[Encoded], progress: Progress
) -> list[Encoded]:
    """The rows that are trained on: all, the first ``max_train_samples``, or what the profile's CPU budget holds."""
    budget = profile.cpu
    if settings.max_train_samples is not None or device != "cpu" or budget is None:
        return train[: settings.max_train_samples]
    best_first = sorted(
        train, key=lambda row: row.sample_type not in budget.sample_types or len(row.ids) > budget.row_tokens
    )
    total = list(itertools.accumulate(len(row.ids) for row in best_first))
    fitting = max(1, bisect.bisect_right(total, budget.tokens / (settings.epochs or profile.epochs)))
    if fitting < len(train):
        progress.fallback(
            f"profile {settings.profile} trains on {budget.tokens} tokens on a CPU: {fitting} of the {len(train)} rows "
            f"are used, evenly by family, those without a draft and of at most {budget.row_tokens} tokens first; "
            "--max-train-samples or --profile quality lifts this"
        )
    return best_first[:fitting]


def _spread(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The rows in an order of which every prefix holds the same shares of (prompt id, sample type) as the whole."""
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    groups = Counter((row["prompt_id"], row["sample_type"]) for row in rows)
    seen: Counter[tuple[str, str]] = Counter()
    placed: list[tuple[float, int, int]] = []
    for index in order:
        group = (rows[index]["prompt_id"], rows[index]["sample_type"])
        seen[group] += 1
        placed.append(((seen[group] - 0.5) / groups[group], len(placed), index))
    return [rows[index] for _, _, index in sorted(placed)]


def _encode(tokenizer: Any, rows: list[dict[str, Any]], longest: int) -> tuple[list[Encoded], int]:
    encoded = []
    for row in rows:
        tokens = training_row(tokenizer, row["messages"])
        encoded.append(Encoded(row["sample_type"], tokens["input_ids"], tokens["labels"]))
    fitting = [row for row in encoded if len(row.ids) <= longest]
    return fitting, len(encoded) - len(fitting)


def _plan(
    settings: Settings,
    profile: Profile,
    device: str,
    train: list[Encoded],
    held_out: list[Encoded],
    rows_in_file: int,
    too_long: int,
) -> Plan:
    batch = settings.batch_size or profile.batch_size
    epochs = settings.epochs or profile.epochs
    steps = max(1, math.ceil(math.ceil(len(train) / (batch * settings.grad_accum)) * epochs))
    rank = settings.lora_rank or profile.lora_rank
    return Plan(
        device=device,
        precision=str(compute_dtype(device)).removeprefix("torch."),
        int8_base=settings.int8_base == "on" or (settings.int8_base == "auto" and int8_pays(device)),
        rows=len(train),
        rows_in_file=rows_in_file,
        rows_too_long=too_long,
        tokens=sum(len(row.ids) for row in train),
        loss_tokens=sum(label != -100 for row in train for label in row.labels),
        epochs=epochs,
        steps=steps,
        save_steps=settings.save_steps or math.ceil(steps / profile.checkpoints),
        eval_rows=len(held_out),
        batch_size=batch,
        grad_accum=settings.grad_accum,
        learning_rate=settings.learning_rate or profile.learning_rate,
        lora_rank=rank,
        lora_alpha=2 * rank,
    )


def _clear(folder: Path) -> None:
    """Remove what an earlier training left, so that its checkpoints are never swept with the new ones."""
    (folder / checkpoints.BEST_LINK).unlink(missing_ok=True)
    (folder / checkpoints.MANIFEST).unlink(missing_ok=True)
    (folder / "README.md").unlink(missing_ok=True)  # the card of the adapter before
    for old in folder.glob("checkpoint-*"):
        shutil.rmtree(old)


def _train(
    settings: Settings,
    plan: Plan,
    base: BaseModel,
    tokenizer: Any,
    train: list[Encoded],
    held_out: list[Encoded],
    progress: Progress,
) -> list[dict[str, float]]:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig

    from ainl_align.training.callbacks import Seal, Watch
    from ainl_align.training.int8 import int8_lora
    from ainl_align.training.loss import CompletionTrainer

    logging.getLogger("transformers.trainer").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
    data = {"train": settings.data_path}
    if settings.extra_data_path:
        data["extra"] = settings.extra_data_path
    if settings.eval_data_path:
        data["eval"] = settings.eval_data_path
    made_by = provenance({**settings.model_dump(mode="json"), "plan": asdict(plan)}, data=data, device=plan.device)
    evaluate = bool(held_out)
    config = SFTConfig(
        output_dir=str(settings.output_dir),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=plan.batch_size,
        gradient_accumulation_steps=plan.grad_accum,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, plan.steps // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        logging_steps=settings.logging_steps,
        eval_strategy="steps" if evaluate else "no",
        eval_steps=settings.eval_steps or plan.save_steps,
        save_strategy="steps",
        save_steps=plan.save_steps,
        save_total_limit=settings.save_total_limit,
        save_only_model=True,  # optimiser state would be a pickle
        use_cpu=plan.device == "cpu",
        bf16=plan.precision == "bfloat16",
        activation_checkpointing=False,
        train_sampling_strategy="group_by_length",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        seed=settings.seed,
        data_seed=settings.seed,
        report_to="none",
        disable_tqdm=True,
    )
    lora = LoraConfig(
        r=plan.lora_rank,
        lora_alpha=plan.lora_alpha,
        target_modules="all-linear",
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    seal = Seal(base, made_by)
    with progress.task("train", plan.steps, "steps") as task:
        watch = Watch(task)
        model = load_model(base, plan.device)
        trainer = CompletionTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list([row.features for row in train]),
            eval_dataset=Dataset.from_list([row.features for row in held_out]) if evaluate else None,
            processing_class=tokenizer,
            peft_config=lora,
            callbacks=[watch, seal],
        )
        if plan.int8_base:
            int8_lora(trainer.model)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    _finish(settings, trainer, seal)
    return watch.losses


def _finish(settings: Settings, trainer: Any, seal: Any) -> None:
    """Write the final adapter into the root folder: the last weights, or those of the lowest validation loss."""
    best = None
    if settings.select_best_by_loss:
        scored = [item for item in checkpoints.checkpoints(settings.output_dir) if item.eval_loss is not None]
        if not scored:
            raise UserError("--select-best-by-loss needs validation rows; give --eval-data-path")
        best = min(scored, key=lambda item: (item.eval_loss, item.step))
    trainer.save_model(str(settings.output_dir))
    if best is not None:
        shutil.copyfile(best.folder / checkpoints.WEIGHTS, settings.output_dir / checkpoints.WEIGHTS)
    seal.close(settings.output_dir, trainer.state, best.step if best else trainer.state.global_step)
