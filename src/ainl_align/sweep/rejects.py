"""Which checkpoints to go on with: sequential halving on shared prompts.

Karnin, Koren and Somekh (2013), Almost optimal exploration in multi-armed bandits: in every round the worse half of the
arms is rejected, and the next round sees twice as many prompts. The prompts are the same for all arms, so what makes a
prompt hard cancels out. Few rounds suit answers that share batches: each round waits for its longest answer. No torch.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

LEAST = 8
"""Nothing is rejected on fewer prompts than this, where there are so many: nearly all arms would be equal."""

SHARE = 0.5
"""The part of the prompts that the last round of screening sees; the survivors answer all of them anyway."""

Outcome = tuple[float, ...]
"""What one prompt says about an arm, most important number first; larger is better."""


@dataclass(frozen=True)
class Phase:
    """So many arms are rejected when every one left has seen ``prompts`` prompts."""

    prompts: int
    rejects: int


def plan(arms: int, prompts: int, finalists: int, least: int = LEAST) -> list[Phase]:
    """The phases that leave ``finalists`` of the arms; none when there are no more arms than that."""
    phases: list[Phase] = []
    rounds = math.ceil(math.log2(arms / finalists)) if arms > finalists else 0
    for number in range(1, rounds + 1):
        kept = max(finalists, -(-arms // 2))
        seen = min(prompts, max(least, -(-prompts // 2 ** (rounds - number))))
        if phases and phases[-1].prompts == seen:
            phases[-1] = Phase(seen, phases[-1].rejects + arms - kept)
        else:
            phases.append(Phase(seen, arms - kept))
        arms = kept
    return phases


def screening_prompts(prompts: int, share: float = SHARE) -> int:
    """How many of a set's prompts the last round of screening sees."""
    return min(prompts, max(LEAST, math.ceil(share * prompts)))


def answers_of(phases: Sequence[Phase], arms: int) -> int:
    """How many answers the phases take."""
    total = seen = 0
    for phase in phases:
        total += arms * (phase.prompts - seen)
        arms, seen = arms - phase.rejects, phase.prompts
    return total


def halve(
    arms: Iterable[int],
    phases: Sequence[Phase],
    ask: Callable[[Sequence[int], Phase], Mapping[int, Sequence[Outcome]]],
    ties: Mapping[int, Outcome],
) -> tuple[list[int], list[list[int]]]:
    """Survivors, best first, and by phase the rejected arms, worst first.

    ``ask`` gives the outcomes of the arms left on the prompts that a phase adds. ``ties``: what decides between arms
    with equal sums; larger is better, and no two may be equal.
    """
    left = list(arms)
    sums: dict[int, Outcome] = {}
    rejected: list[list[int]] = []
    for phase in phases:
        for arm, outcomes in ask(left, phase).items():
            parts = [*([sums[arm]] if arm in sums else []), *outcomes]
            sums[arm] = tuple(map(sum, zip(*parts, strict=True)))
        left.sort(key=lambda arm: (*sums[arm], *ties[arm]), reverse=True)
        rejected.append([left.pop() for _ in range(phase.rejects)])
    return left, rejected
