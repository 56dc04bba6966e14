"""Training profiles: what ``fast``, ``balanced`` and ``quality`` stand for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Hyperparameters that a profile sets and that options override.

    ``cpu_tokens`` is the profile's budget on a CPU: tokens that it trains on at most, over all epochs, so that the
    cycle ends in the time that the README states. A dataset above it is subsampled evenly over its families and kinds
    of rows, which is reported.
    """

    epochs: float
    learning_rate: float
    lora_rank: int
    batch_size: int
    checkpoints: int
    eval_rows: int
    max_length: int
    cpu_tokens: int | None


PROFILES = {
    "fast": Profile(1, 2e-3, 16, 4, 2, 8, 384, 30_000),
    "balanced": Profile(2, 2e-3, 16, 4, 4, 16, 384, 150_000),
    "quality": Profile(3, 1e-3, 32, 8, 12, 128, 1024, None),
}
