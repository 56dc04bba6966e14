"""What goes into the decoder and what comes out. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

FinishReason = Literal["eos", "budget", "budget_too_small", "timeout", "dead_end"]
Grounding = Literal["off", "prefer", "require"]
PHASES = ("prefill", "forward", "mask", "sample", "other")


@dataclass(frozen=True)
class Request:
    """One prompt, already tokenised up to where the answer begins.

    ``slot``: which adapter of the engine's stack answers. ``budget``: most tokens of this answer, where that is fewer
    than for all; one below the shortest program counts as the shortest program's. ``draft``: tokens that the answer may
    turn out to resemble; it is found sooner then, and is no other.
    """

    id: str
    prompt_ids: Sequence[int]
    slot: int = 0
    budget: int | None = None
    draft: Sequence[int] = ()
    text: str = ""
    """The request in its own words, for grounding."""


@dataclass(frozen=True)
class GenerationSettings:
    """How to decode.

    ``max_new_tokens`` includes the end-of-text token. ``temperature`` 0 is greedy; above, ``seed`` and a request's
    place in the input fix its random numbers, whatever the batch. ``timeout_seconds`` counts for each row from its own
    start. ``heartbeat_seconds`` is the longest silence on the progress line. ``grounding`` holds addresses and names
    of resources to the request's words (``decoding/grounding.py``), in constrained decoding of requests with a text.
    ``loop_steps``: a constrained program is closed after so many steps in a row each of which repeats the one before,
    or sets its variable anew without reading it (``closed_by_loop``); None: never.
    ``cuda_graphs``: on CUDA, passes are recorded once and replayed (``decoding/passes/static.py``).
    """

    max_new_tokens: int = 256
    constrained: bool = True
    batch_size: int = 32
    bucket_by_prompt_length: bool = True
    timeout_seconds: float | None = None
    heartbeat_seconds: float = 10.0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    grounding: Grounding = "off"
    loop_steps: int | None = None
    cuda_graphs: bool = True

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.batch_size < 1:
            raise ValueError(f"max_new_tokens={self.max_new_tokens} and batch_size={self.batch_size} must be positive")
        if self.temperature < 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"temperature={self.temperature} must be at least 0, top_p={self.top_p} in (0, 1]")


@dataclass(frozen=True)
class Generation:
    """One answer.

    ``finish_reason``: "eos" when the text is complete (``closed_by_budget`` and ``closed_by_loop`` tell when the
    constraint, not the model, chose its ending), "budget" and "timeout" when it is cut off, "budget_too_small" when
    nothing was decoded because no program fits, "dead_end" when the constraint failed: a fault of ours, never the
    model's.
    """

    id: str
    text: str
    finish_reason: FinishReason
    token_ids: Sequence[int] = ()
    """Generated tokens without the end-of-text token."""
    prompt_tokens: int = 0
    tokens: int = 0
    """Generated tokens, with the end-of-text token where there is one."""
    forced_tokens: int = 0
    """Of these, tokens that needed no forward pass of their own: only one continuation was legal."""
    closed_by_budget: bool = False
    closed_by_loop: bool = False
    constrained: bool = False
    choices: int = 0
    """Steps at which the model chose among several tokens."""
    rejected: int = 0
    """Of these, steps at which the constraint barred the model's first choice."""
    allowed_share: float | None = None
    """Mean share of the vocabulary that the constraint allowed at the choices."""
    mean_log_kept: float | None = None
    """Mean log of the probability mass that the constraint left; 0 for a model that needs no constraint."""
    log_kept: Sequence[float] = ()
    """The same at each choice."""
    mean_log_prob: float | None = None
    """Mean log-probability of the chosen tokens under the constraint."""
    copied_choices: int = 0
    """Choices inside literals that are held to the request."""
    copies_lost: int = 0
    """Of these, choices at which no word of the request could go on, so that all legal tokens stayed."""
    dead_end: str = ""
    """What the constraint said at a dead end; ``token_ids``, taken one by one, lead there again."""
    eos_allowed: bool = False
    """Whether the end-of-text token ever became legal."""
    seconds: float = 0.0
    """Wall time from the row's start to its end."""
    phases: Mapping[str, float] = field(default_factory=dict)
    """The row's share of the batch's seconds by phase (``PHASES``); shares of all rows add up to the whole."""
