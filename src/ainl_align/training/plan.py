"""What a training run will do: every number that training needs, resolved from options, profile and data."""

from dataclasses import dataclass

from ainl_align.training.profiles import Decay


@dataclass(frozen=True)
class Plan:
    """What a training run will do, computed before anything is written."""

    device: str
    precision: str
    int8_base: bool
    four_bit: bool
    compiled: bool
    gradient_checkpointing: bool
    processes: int
    shard: bool
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
    pack_tokens: int | None
    grad_accum: int
    learning_rate: float
    lora_rank: int
    lora_alpha: int
    seed: int
    logging_steps: int
    eval_steps: int
    save_total_limit: int | None
    select_best_by_loss: bool
    decay: Decay = "cosine"
    beta2: float = 0.999
    start_sha256: str | None = None
    """Weights that training begins from; None: fresh ones."""
