"""LoRA fine-tuning on ChatML rows: options, rows and plan; ``trainer.py`` trains.

LoRA: Hu et al. 2021, arXiv:2106.09685, on every linear layer of the base except its output head.
"""

import json
import math
import tempfile
import time
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
from ainl_align.training import processes
from ainl_align.training.base import BaseModel, check_four_bit, load_tokenizer, resolve
from ainl_align.training.checkpoints import WEIGHTS
from ainl_align.training.packing import Step, packed_steps, row_steps
from ainl_align.training.plan import Plan
from ainl_align.training.precision import compute_dtype, int8_pays, pick_device
from ainl_align.training.profiles import COMPILE_FROM_TOKENS, PROFILES, Profile
from ainl_align.training.resume import Keeper, training_key
from ainl_align.training.rows import Encoded, encode_rows, spread, within_budget
from ainl_align.training.start import RATE_SHARE, Start, read_start


class Settings(PydanticModel):
    """Options of stage 4. A value of None means the profile's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = Field(False, description="show the plan and train nothing")
    profile: Literal["fast", "balanced", "quality", "gpu"] = Field("balanced", description="set of hyperparameters")
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
    pack_tokens: int | None = Field(None, ge=128, description="fill each forward pass with rows up to so many tokens")
    grad_accum: int = Field(1, ge=1, description="forward passes a step")
    learning_rate: float | None = Field(None, gt=0, description="peak learning rate")
    lora_rank: int | None = Field(None, ge=1, description="rank of the adapter")
    start_adapter: Path | None = Field(
        None, description="begin from this adapter's weights, at its rank and a quarter of the profile's learning rate"
    )
    logging_steps: int = Field(5, ge=1, description="steps between two losses in the log")
    eval_steps: int | None = Field(None, ge=1, description="steps between two validation losses; default: each save")
    save_steps: int | None = Field(None, ge=1, description="steps between two checkpoints")
    save_total_limit: int | None = Field(None, ge=1, description="most checkpoints kept, newest first; default: all")
    train_device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: CUDA, then MPS, then CPU")
    int8_base: Literal["auto", "on", "off"] = Field(
        "auto", description="multiply the frozen base in int8; auto: on CPUs with VNNI and without bf16"
    )
    load_in_4bit: bool = Field(False, description="hold the frozen base in 4 bits (CUDA, needs bitsandbytes)")
    gradient_checkpointing: bool = Field(False, description="less memory, a third more arithmetic")
    compile: Literal["auto", "on", "off"] = Field(
        "auto", description="compile the decoder layers; auto: on CUDA with packed rows, when the run is long enough"
    )
    num_processes: int = Field(1, ge=1, description="processes on this machine, one a GPU")
    fsdp: bool = Field(False, description="spread the base over the processes, for bases that do not fit on one GPU")
    select_best_by_loss: bool = Field(False, description="final adapter: lowest validation loss instead of last")
    max_train_samples: int | None = Field(None, ge=1, description="train on at most so many rows, evenly by family")
    resume: bool = Field(True, description="go on with this training where it stopped; --no-resume: train anew")
    need_checkpoints: bool = Field(
        False, description="train anew when a finished training has lost checkpoints, as a sweep prunes them"
    )


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
    if not processes.world().leads:
        progress.console.quiet = True
    profile = PROFILES[settings.profile]
    device = pick_device(settings.train_device)
    if settings.load_in_4bit:
        check_four_bit(device)
    base = resolve(settings.base_model)
    start = _start(settings, base, profile, progress)
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
    plan, steps = _plan(settings, profile, device, train, held_out, len(train_rows), too_long, start)
    launches = settings.num_processes > 1 and processes.world().size == 1
    if settings.dry_run or not launches:  # else the first of the processes says it
        progress.say(_describe(plan))
    if settings.dry_run:
        return FinetuneResult(None, plan, (), 0.0)
    check_writable(settings.output_dir)
    started = time.monotonic()
    if launches:
        losses = _in_processes(settings, progress)
    else:
        losses = _train(settings, plan, steps, base, tokenizer, train, held_out, start, progress)
    return FinetuneResult(settings.output_dir, plan, tuple(losses), time.monotonic() - started)


def _train(
    settings: Settings,
    plan: Plan,
    steps: list[Step],
    base: BaseModel,
    tokenizer: Any,
    train: list[Encoded],
    held_out: list[Encoded],
    start: Start | None,
    progress: Progress,
) -> list[dict[str, float]]:
    from ainl_align.training.trainer import train_adapter  # torch loads only where something is trained

    data = {"train": settings.data_path, "extra": settings.extra_data_path, "eval": settings.eval_data_path}
    if start is not None:
        data["start"] = start.folder / WEIGHTS
    made_by = provenance(
        {**settings.model_dump(mode="json"), "plan": asdict(plan)},
        data={name: path for name, path in data.items() if path},
        device=plan.device,
    )
    key = training_key(plan, base, train, held_out)
    keeper = Keeper(settings.output_dir, base, key, made_by, plan.save_steps, plan.steps, plan.save_total_limit)
    if settings.resume and keeper.is_finished(progress, need_checkpoints=settings.need_checkpoints):
        return keeper.losses()
    if processes.world().leads:
        keeper.prepare(progress, resume=settings.resume)
    return train_adapter(plan, tokenizer, steps, train, held_out, keeper, progress, start)


def _start(settings: Settings, base: BaseModel, profile: Profile, progress: Progress) -> Start | None:
    """The adapter to begin from, if any; says what it decides."""
    if settings.start_adapter is None:
        return None
    start = read_start(settings.start_adapter, base)
    if settings.lora_rank not in (None, start.rank):
        raise UserError(
            f"--lora-rank {settings.lora_rank}: {start.folder} has rank {start.rank}; leave the option out, or begin "
            "with fresh weights"
        )
    if processes.world().leads:
        other = "" if start.rank == profile.lora_rank else f", in place of the profile's {profile.lora_rank}"
        progress.say(f"warm start: from the weights of {start.folder}, at its rank {start.rank}{other}")
    return start


def _in_processes(settings: Settings, progress: Progress) -> list[dict[str, float]]:
    """Train in ``settings.num_processes`` processes (``worker.py``); what they said of fallbacks is kept."""
    with tempfile.TemporaryDirectory() as folder:
        order, answer = Path(folder, "settings.json"), Path(folder, "result.json")
        order.write_text(settings.model_dump_json(), encoding="utf-8")
        status = processes.launch(settings.num_processes, "ainl_align.training.worker", [str(order), str(answer)])
        if status or not answer.is_file():
            raise UserError(f"one of {settings.num_processes} processes stopped (exit status {status}); see above")
        result = json.loads(answer.read_text(encoding="utf-8"))
    progress.fallbacks += [note for note in result["fallbacks"] if note not in progress.fallbacks]
    losses: list[dict[str, float]] = result["losses"]
    return losses


def _plan(
    settings: Settings,
    profile: Profile,
    device: str,
    train: list[Encoded],
    held_out: list[Encoded],
    rows_in_file: int,
    too_long: int,
    start: Start | None,
) -> tuple[Plan, list[Step]]:
    """What will be done, and the rows of every batch of every step."""
    batch = settings.batch_size or profile.batch_size
    # A number of rows that the user names is what a batch holds.
    pack = settings.pack_tokens or (None if settings.batch_size else profile.pack_tokens)
    epochs = settings.epochs or profile.epochs
    found = processes.world()
    several = found.size if found.size > 1 else settings.num_processes
    lengths = [len(row.ids) for row in train]
    if pack and max(lengths) > pack:
        raise UserError(f"--pack-tokens {pack} is less than the longest row ({max(lengths)} tokens); raise it")
    batches = settings.grad_accum * several
    if pack:
        steps = packed_steps(lengths, tokens=pack, batches=batches, epochs=epochs, seed=settings.seed)
    else:
        steps = row_steps(lengths, batch_size=batch, batches=batches, epochs=epochs, seed=settings.seed)
    rank = start.rank if start else settings.lora_rank or profile.lora_rank
    rate = settings.learning_rate or profile.learning_rate * (RATE_SHARE if start else 1)
    save_steps = settings.save_steps or math.ceil(len(steps) / profile.checkpoints)
    shard = several > 1 and (settings.fsdp or processes.sharding_asked())
    budget = profile.cpu if device == "cpu" else None
    compile_pays = device == "cuda" and pack is not None and sum(lengths) * epochs >= COMPILE_FROM_TOKENS
    plan = Plan(
        device=device,
        precision=str(compute_dtype(device)).removeprefix("torch."),
        int8_base=not shard and (settings.int8_base == "on" or (settings.int8_base == "auto" and int8_pays(device))),
        four_bit=settings.load_in_4bit,
        compiled=settings.compile == "on" or (settings.compile == "auto" and compile_pays),
        gradient_checkpointing=settings.gradient_checkpointing,
        processes=several,
        shard=shard,
        rows=len(train),
        rows_in_file=rows_in_file,
        rows_too_long=too_long,
        tokens=sum(lengths),
        loss_tokens=sum(label != -100 for row in train for label in row.labels),
        epochs=epochs,
        steps=len(steps),
        save_steps=save_steps,
        eval_rows=len(held_out),
        batch_size=batch,
        pack_tokens=pack,
        grad_accum=settings.grad_accum,
        learning_rate=rate,
        lora_rank=rank,
        lora_alpha=start.alpha if start else 2 * rank,
        seed=settings.seed,
        logging_steps=settings.logging_steps,
        eval_steps=settings.eval_steps or save_steps,
        save_total_limit=settings.save_total_limit,
        select_best_by_loss=settings.select_best_by_loss,
        decay=budget.decay if budget else "cosine",
        beta2=budget.beta2 if budget else 0.999,
        start_sha256=start.sha256 if start else None,
    )
    return plan, steps


def _describe(plan: Plan) -> str:
    batches = plan.grad_accum * plan.processes
    size = f"{plan.pack_tokens * batches} tokens" if plan.pack_tokens else f"{plan.batch_size * batches} rows"
    text = f"train {plan.rows} rows ({plan.tokens} tokens, {plan.loss_tokens} with loss) for {plan.epochs:g} epochs = "
    text += f"{plan.steps} steps of {size} on {plan.device} in {plan.precision}"
    text += f", in {plan.processes} processes" if plan.processes > 1 else ""
    text += ", from a finished adapter" if plan.start_sha256 else ", from fresh weights"
    return text + (", base in int8" if plan.int8_base else "") + (", base in 4 bits" if plan.four_bit else "")
