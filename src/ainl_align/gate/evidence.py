"""What the outcomes show: a rate with its bounds, and the difference of two runs on the same prompts."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from ainl_align.gate import planning
from ainl_align.gate.clusters import bootstrap_bounds, bootstrap_means, effective_size
from ainl_align.gate.statistics import (
    ALPHA,
    difference_p_beyond,
    difference_p_within,
    exact_p,
    mcnemar_exact,
    mcnemar_fall_p,
    mcnemar_mid_p,
    rate_lower,
    rate_p_above,
    rate_p_below,
    rate_upper,
    tango_interval,
)

Results = Mapping[str, bool | None]
"""By prompt id; None where the metric was not judged."""


@dataclass(frozen=True)
class RateEvidence:
    """A metric over some prompts. ``size`` is how many independent prompts they are worth."""

    successes: int
    n: int
    clusters: int
    size: float

    @property
    def rate(self) -> float:
        """The share of successes."""
        return self.successes / self.n

    def bounds(self) -> tuple[float, float]:
        """One-sided 95% bounds of the rate."""
        return rate_lower(self.rate * self.size, self.size), rate_upper(self.rate * self.size, self.size)

    def p_values(self, floor: float) -> tuple[float, float]:
        """P-values against "below the floor" and against "at or above it"."""
        seen = self.rate * self.size
        return rate_p_above(seen, self.size, floor), rate_p_below(seen, self.size, floor)

    def more_prompts(self, floor: float, checks: int) -> int | None:
        """Prompts to add that would settle it, at the rate seen."""
        return planning.more_for_floor(self.rate, self.n, floor, self.size / self.n, checks)


@dataclass(frozen=True)
class PairedEvidence:
    """A metric over the prompts that two runs were judged on. A drop is the earlier rate minus the later one."""

    lost: int
    gained: int
    before: int
    n: int
    clusters: int
    size: float
    resampled: np.ndarray | None
    """Sorted drops of a cluster bootstrap; None when no cluster is shared."""

    @property
    def drop(self) -> float:
        """How far the rate fell; negative where it rose."""
        return (self.lost - self.gained) / self.n

    @property
    def _counts(self) -> tuple[float, float, float]:
        scale = self.size / self.n
        return self.lost * scale, self.gained * scale, self.size

    def bounds(self) -> tuple[float, float]:
        """One-sided 95% bounds of the drop: Tango's, or the cluster bootstrap's where these are wider."""
        lower, upper = tango_interval(*self._counts)
        if self.resampled is not None:
            below, above = bootstrap_bounds(self.resampled)
            lower, upper = min(lower, below), max(upper, above)
        return lower, upper

    def p_values(self, margin: float) -> tuple[float, float]:
        """P-values against "more than the margin" and against "within it"; the most careful method decides."""
        within = [difference_p_within(*self._counts, margin)]
        beyond = [difference_p_beyond(*self._counts, margin)]
        if self.resampled is not None:
            within.append(float(np.mean(self.resampled > margin)))
            beyond.append(float(np.mean(self.resampled < margin)))
        # The exact tests cost more; they matter only where the others are convinced.
        if max(within) <= ALPHA:
            within.append(exact_p(self.lost, self.gained, self.n, margin, beyond=False))
        if max(beyond) <= ALPHA:
            beyond.append(exact_p(self.lost, self.gained, self.n, margin, beyond=True))
        return max(within), max(beyond)

    def more_prompts(self, margin: float, checks: int) -> int | None:
        """Prompts to add that would settle it, at the shares seen."""
        return planning.more_for_drop(self.lost, self.gained, self.n, margin, self.size / self.n, checks)

    def mcnemar(self) -> tuple[float, float]:
        """Two-sided p-values of McNemar's test: exact, and mid-p."""
        return mcnemar_exact(self.lost, self.gained), mcnemar_mid_p(self.lost, self.gained)

    def fall_p(self) -> float:
        """One-sided mid-p value against "no fall"."""
        return mcnemar_fall_p(self.lost, self.gained)

    def detectable(self) -> float | None:
        """The drop that so many prompts would show with 80% power."""
        return planning.minimum_detectable_drop(self.size, (self.lost + self.gained) / self.n)


def rate_evidence(results: Results, clusters: Mapping[str, str], ids: Set[str] | None = None) -> RateEvidence | None:
    """The evidence of one metric; None when nothing was judged."""
    judged = [(value, clusters[name]) for name, value in results.items() if value is not None and _in(name, ids)]
    if not judged:
        return None
    values, names = [float(value) for value, _ in judged], [cluster for _, cluster in judged]
    size = effective_size(values, names)
    return RateEvidence(sum(value for value, _ in judged), len(judged), len(set(names)), size)


def paired_evidence(
    before: Results, now: Results, clusters: Mapping[str, str], ids: Set[str] | None = None
) -> PairedEvidence | None:
    """The evidence of one metric on the prompts judged in both; None when there are none."""
    pairs = [
        (earlier, later, clusters[name])
        for name, earlier in before.items()
        if earlier is not None and (later := now.get(name)) is not None and _in(name, ids)
    ]
    if not pairs:
        return None
    drops = [float(earlier) - float(later) for earlier, later, _ in pairs]
    names = [cluster for _, _, cluster in pairs]
    shared = len(set(names)) < len(names)
    return PairedEvidence(
        lost=sum(earlier and not later for earlier, later, _ in pairs),
        gained=sum(later and not earlier for earlier, later, _ in pairs),
        before=sum(earlier for earlier, _, _ in pairs),
        n=len(pairs),
        clusters=len(set(names)),
        size=effective_size(drops, names),
        resampled=bootstrap_means(drops, names) if shared and any(drops) else None,
    )


def _in(name: str, ids: Set[str] | None) -> bool:
    return ids is None or name in ids
