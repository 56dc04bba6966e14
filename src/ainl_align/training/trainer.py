"""The training loop, through TRL and PEFT."""

import logging
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import checkpoints
from ainl_align.training.base import BaseModel, load_model
from ainl_align.training.plan import Plan
from ainl_align.training.rows import Encoded


def train_adapter(
    plan: Plan,
    base: BaseModel,
    tokenizer: Any,
    train: list[Encoded],
    held_out: list[Encoded],
    output: Path,
    made_by: Mapping[str, Any],
    progress: Progress,
) -> list[dict[str, float]]:
    """Train an adapter into ``output`` and return one entry a log: step, loss or eval_loss."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig

    from ainl_align.training.callbacks import Seal, Watch
    from ainl_align.training.int8 import int8_lora
    from ainl_align.training.loss import CompletionTrainer

    logging.getLogger("transformers.trainer").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)
    evaluate = bool(held_out)
    config = SFTConfig(
        output_dir=str(output),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=plan.batch_size,
        gradient_accumulation_steps=plan.grad_accum,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, plan.steps // 20),
        weight_decay=0.0,
        max_grad_norm=1.0,
        logging_steps=plan.logging_steps,
        eval_strategy="steps" if evaluate else "no",
        eval_steps=plan.eval_steps,
        save_strategy="steps",
        save_steps=plan.save_steps,
        save_total_limit=plan.save_total_limit,
        save_only_model=True,  # optimiser state would be a pickle
        use_cpu=plan.device == "cpu",
        bf16=plan.precision == "bfloat16",
        activation_checkpointing=False,
        train_sampling_strategy="group_by_length",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        seed=plan.seed,
        data_seed=plan.seed,
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
    _finish(plan, output, trainer, seal)
    return watch.losses


def _finish(plan: Plan, output: Path, trainer: Any, seal: Any) -> None:
    """Write the final adapter into the root folder: the last weights, or those of the lowest validation loss."""
    best = None
    if plan.select_best_by_loss:
        scored = [item for item in checkpoints.checkpoints(output) if item.eval_loss is not None]
        if not scored:
            raise UserError("--select-best-by-loss needs validation rows; give --eval-data-path")
        best = min(scored, key=lambda item: (item.eval_loss, item.step))
    trainer.save_model(str(output))
    if best is not None:
        shutil.copyfile(best.folder / checkpoints.WEIGHTS, output / checkpoints.WEIGHTS)
    seal.close(output, trainer.state, best.step if best else trainer.state.global_step)
