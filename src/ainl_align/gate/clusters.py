"""Prompts that are variants of each other: as evidence they count for less than as many independent ones."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from ainl_align.gate.statistics import ALPHA, CONFIDENCE

_RESAMPLES = 2000


def effective_size(values: Sequence[float], clusters: Sequence[str]) -> float:
    """How many independent prompts these values are worth: n when no cluster is shared, else less.

    Korn and Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data", Survey Methodology 24 (1998): n over the design effect, with their correction for few clusters.
    Values that are all equal show no design effect, so then every cluster counts once.
    """
    n = len(values)
    ids = _numbered(clusters)
    count = int(ids.max()) + 1 if n else 0
    if count == n:
        return float(n)
    if count < 2:
        return float(count)
    rest = np.asarray(values, dtype=float) - np.mean(values)
    independent = float(np.sum(rest**2))
    if independent < 1e-12:
        return float(count)
    clustered = float(np.sum(np.bincount(ids, weights=rest) ** 2)) * count / (count - 1)
    few = (stdtrit(n - 1, 1 - ALPHA) / stdtrit(count - 1, 1 - ALPHA)) ** 2
    return float(n * min(1.0, independent / clustered if clustered > 0 else 1.0) * few)


def bootstrap_means(values: Sequence[float], clusters: Sequence[str], resamples: int = _RESAMPLES) -> np.ndarray:
    """Sorted means of resamples that draw whole clusters with replacement; the same input gives the same means.

    Field and Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69 (2007).
    """
    ids = _numbered(clusters)
    sums, sizes = np.bincount(ids, weights=np.asarray(values, dtype=float)), np.bincount(ids)
    drawn = np.random.default_rng(0).multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    means: np.ndarray = np.sort((drawn @ sums) / (drawn @ sizes))
    return means


def bootstrap_bounds(means: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """One-sided percentile bounds from ``bootstrap_means``."""
    return float(np.quantile(means, 1 - confidence)), float(np.quantile(means, confidence))


def _numbered(clusters: Sequence[str]) -> np.ndarray:
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    return np.array([numbers[name] for name in clusters], dtype=int)
