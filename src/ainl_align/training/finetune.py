"""LoRA fine-tuning on ChatML rows, through TRL and PEFT.

LoRA: Hu et al. 2021, arXiv:2106.09685, on every linear layer of the base except its output head.
"""

import math
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.artifacts import check_writable, provenance
from ainl_align.config import ROOT, default_base
from ainl_align.data.records import read_rows
from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import checkpoints
from ainl_align.training.base import load_tokenizer, resolve
from ainl_align.training.plan import Plan
from ainl_align.training.precision import compute_dtype, int8_pays, pick_device
from ainl_align.training.profiles import PROFILES, Profile
from ainl_align.training.rows import Encoded, encode_rows, spread, within_budget


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
    ordered = spread(train_rows, settings.seed)
    train, too_long = encode_rows(tokenizer, ordered, longest)
    held_out, _ = encode_rows(tokenizer, spread(eval_rows, settings.seed)[: profile.eval_rows], longest)
    if not train:
        raise UserError(f"{settings.data_path}: no row fits in {longest} tokens; raise --max-length")
    if too_long:
        progress.fallback(
            f"{too_long} of {len(train_rows)} rows exceed {longest} tokens and are left out; --max-length keeps them"
        )
    if settings.max_train_samples is None and device == "cpu" and profile.cpu is not None:
        train = within_budget(train, settings.profile, profile.cpu, settings.epochs or profile.epochs, progress)
    train = train[: settings.max_train_samples]
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
    from ainl_align.training.trainer import train_adapter  # torch and TRL load only where something is trained

    data = {"train": settings.data_path, "extra": settings.extra_data_path, "eval": settings.eval_data_path}
    made_by = provenance(
        {**settings.model_dump(mode="json"), "plan": asdict(plan)},
        data={name: path for name, path in data.items() if path},
        device=plan.device,
    )
    losses = train_adapter(plan, base, tokenizer, train, held_out, settings.output_dir, made_by, progress)
    return FinetuneResult(settings.output_dir, plan, tuple(losses), time.monotonic() - started)


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
    save_steps = settings.save_steps or math.ceil(steps / profile.checkpoints)
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
        save_steps=save_steps,
        eval_rows=len(held_out),
        batch_size=batch,
        grad_accum=settings.grad_accum,
        learning_rate=settings.learning_rate or profile.learning_rate,
        lora_rank=rank,
        lora_alpha=2 * rank,
        seed=settings.seed,
        logging_steps=settings.logging_steps,
        eval_steps=settings.eval_steps or save_steps,
        save_total_limit=settings.save_total_limit,
        select_best_by_loss=settings.select_best_by_loss,
    )


def _clear(folder: Path) -> None:
    """Remove what an earlier training left, so that its checkpoints are never swept with the new ones."""
    (folder / checkpoints.BEST_LINK).unlink(missing_ok=True)
    (folder / checkpoints.MANIFEST).unlink(missing_ok=True)
    (folder / "README.md").unlink(missing_ok=True)  # the card of the adapter before
    for old in folder.glob("checkpoint-*"):
        shutil.rmtree(old)
