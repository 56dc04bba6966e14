"""Which checkpoints to go on with: successive rejects on shared prompts.

Audibert and Bubeck (2010), Best arm identification in multi-armed bandits: with K arms of which the last two see all
P prompts, the k-th arm is rejected when every arm left has seen ceil(2 P / (K + 1 - k)) of them. The prompts are the
same for all arms, so what makes a prompt hard cancels out. No torch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

LEAST = 8
"""Nothing is rejected on fewer prompts than this, where there are so many: nearly all arms would be equal."""

Outcome = tuple[float, ...]
"""What one prompt says about an arm, most important number first; larger is better."""


@dataclass(frozen=True)
class Phase:
    """So many arms are rejected when every one left has seen ``prompts`` prompts."""

    prompts: int
    rejects: int


def plan(arms: int, prompts: int, finalists: int) -> list[Phase]:
    """The phases that leave ``finalists`` of the arms; none when there are no more arms than that."""
    phases: list[Phase] = []
    for number in range(1, arms - finalists + 1):
        seen = min(prompts, max(LEAST, -(-2 * prompts // (arms + 1 - number))))
        if phases and phases[-1].prompts == seen:
            phases[-1] = Phase(seen, phases[-1].rejects + 1)
        else:
            phases.append(Phase(seen, 1))
    return phases


def answers_of(phases: Sequence[Phase], arms: int) -> int:
    """How many answers the phases take."""
    total = seen = 0
    for phase in phases:
        total += arms * (phase.prompts - seen)
        arms, seen = arms - phase.rejects, phase.prompts
    return total


def successive_rejects(
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
