"""Training profiles: what ``fast``, ``balanced``, ``quality`` and ``gpu`` stand for."""

from dataclasses import dataclass
from typing import Literal

Decay = Literal["cosine", "linear"]
"""How the learning rate falls to 0 after its warm-up."""
COMPILE_FROM_TOKENS = 2_000_000
"""Tokens of a whole run from which compiling the layers pays for itself on a GPU."""


@dataclass(frozen=True)
class CpuBudget:
    """What a profile trains on where no accelerator is: at most ``tokens`` over all epochs, the best use first.

    Rows that answer a bare request in at most ``row_tokens`` tokens come before all others: at so few tokens they teach
    more than long rows, and more than repairs of drafts, which cost twice the tokens (docs/log.md, "What a small budget
    is best spent on"). Within both groups the rows are even over families. ``decay`` and AdamW's ``beta2`` suit a few
    hundred steps.
    """

    tokens: int
    row_tokens: int = 256
    sample_types: tuple[str, ...] = ("direct", "regression")
    decay: Decay = "linear"
    beta2: float = 0.95


@dataclass(frozen=True)
class Profile:
    """Hyperparameters that a profile sets and that options override.

    ``cpu`` is None where a CPU trains on all rows. A batch holds ``pack_tokens`` tokens, or ``batch_size`` rows.
    """

    epochs: float
    learning_rate: float
    lora_rank: int
    batch_size: int
    checkpoints: int
    eval_rows: int
    max_length: int
    cpu: CpuBudget | None
    pack_tokens: int | None = None


PROFILES = {
    "fast": Profile(1, 2e-3, 16, 4, 2, 8, 384, CpuBudget(30_000)),
    "balanced": Profile(2, 1.5e-3, 16, 2, 4, 16, 384, CpuBudget(230_000)),
    "quality": Profile(3, 1e-3, 32, 8, 12, 128, 1024, None),
    "gpu": Profile(1, 1e-3, 32, 32, 12, 256, 1024, None, pack_tokens=4_096),
}
