"""Which rows are trained on, in which order, and as which tokens."""

import bisect
import itertools
import random
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ainl_align.progress import Progress
from ainl_align.training.encode import training_rows
from ainl_align.training.profiles import CpuBudget

IGNORED = -100
"""The label of a place without loss."""


@dataclass(frozen=True)
class Encoded:
    """One row as token ids and labels of equal length."""

    sample_type: str
    ids: list[int]
    labels: list[int]

    @cached_property
    def labelled(self) -> int:
        """Places whose next token has loss; the first token has nothing before it."""
        return sum(label != IGNORED for label in self.labels[1:])

    @property
    def features(self) -> dict[str, list[int]]:
        """The row as the trainer's collator reads it."""
        return {"input_ids": self.ids, "labels": self.labels}


def within_budget(
    train: list[Encoded], name: str, budget: CpuBudget, epochs: float, progress: Progress
) -> list[Encoded]:
    """The rows that the CPU budget of the profile ``name`` holds over ``epochs`` passes; what is left out is said."""
    best_first = sorted(
        train, key=lambda row: row.sample_type not in budget.sample_types or len(row.ids) > budget.row_tokens
    )
    total = list(itertools.accumulate(len(row.ids) for row in best_first))
    fitting = max(1, bisect.bisect_right(total, budget.tokens / epochs))
    if fitting < len(train):
        progress.fallback(
            f"profile {name} trains on {budget.tokens} tokens on a CPU: {fitting} of the {len(train)} rows "
            f"are used, evenly by family, those without a draft and of at most {budget.row_tokens} tokens first; "
            "--max-train-samples or --profile quality lifts this"
        )
    return best_first[:fitting]


def spread(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
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


def encode_rows(tokenizer: Any, rows: list[dict[str, Any]], longest: int) -> tuple[list[Encoded], int]:
    """The rows of at most ``longest`` tokens, in their order, and how many were longer."""
    tokens = training_rows(tokenizer, [row["messages"] for row in rows])
    encoded = [
        Encoded(row["sample_type"], item["input_ids"], item["labels"]) for row, item in zip(rows, tokens, strict=True)
    ]
    fitting = [row for row in encoded if len(row.ids) <= longest]
    return fitting, len(encoded) - len(fitting)
