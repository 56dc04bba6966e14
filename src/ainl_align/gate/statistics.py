"""Intervals and tests for rates and for paired differences of rates.

All bounds are one-sided: a ``confidence`` of 0.95 means that the bound is on the wrong side of the truth in at most
(Clopper-Pearson) or about (Tango) 5% of repeated experiments. Counts may be fractions of prompts: prompts that share
clusters count as fewer (``clusters.effective_size``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import bdtr, betainc, betaincinv, gammaln, ndtr, ndtri, xlogy

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
_EXACT_MOST = 5000
_BERGER_BOOS = 0.0005
_NUISANCE_STEPS = 33
_TIE = 1e-9
_NEGLIGIBLE = 1e-12


def rate_lower(successes: float, n: float, confidence: float = CONFIDENCE) -> float:
    """Exact lower bound of a binomial rate; 0 when nothing was observed.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934), in its beta-quantile form.
    """
    _check_counts(successes, n)
    if successes <= 0:
        return 0.0
    return float(betaincinv(successes, n - successes + 1, 1 - confidence))


def rate_upper(successes: float, n: float, confidence: float = CONFIDENCE) -> float:
    """Exact upper bound of a binomial rate; 1 when nothing was observed. Source: see ``rate_lower``."""
    _check_counts(successes, n)
    if successes >= n:
        return 1.0
    return float(betaincinv(successes + 1, n - successes, confidence))


def rate_p_above(successes: float, n: float, floor: float) -> float:
    """P-value against "the rate is below ``floor``": at most 0.05 exactly where the 95% lower bound reaches it."""
    _check_counts(successes, n)
    if floor <= 0:
        return 0.0
    return 1.0 if successes <= 0 else float(betainc(successes, n - successes + 1, floor))


def rate_p_below(successes: float, n: float, floor: float) -> float:
    """P-value against "the rate is at least ``floor``": below 0.05 where the 95% upper bound is under it."""
    _check_counts(successes, n)
    return 1.0 if successes >= n else float(betainc(n - successes, successes + 1, 1 - floor))


def _check_counts(successes: float, n: float) -> None:
    assert 0 <= successes <= n, (successes, n)


@dataclass(frozen=True)
class PairedDifference:
    """Difference p1 - p2 of two rates on the same n items, from the discordant pairs, with one-sided bounds."""

    value: float
    lower: float
    upper: float
    n: int
    first_only: int
    second_only: int
    mcnemar_p: float
    mcnemar_mid_p: float


def paired_difference(first_only: int, second_only: int, n: int, confidence: float = CONFIDENCE) -> PairedDifference:
    """Bounds of p1 - p2 by Tango's score interval, and McNemar's two-sided p-values.

    ``first_only`` items succeeded in the first sample alone, ``second_only`` in the second alone, of ``n`` > 0 pairs.
    """
    lower, upper = tango_interval(first_only, second_only, n, confidence)
    return PairedDifference(
        value=(first_only - second_only) / n,
        lower=lower,
        upper=upper,
        n=n,
        first_only=first_only,
        second_only=second_only,
        mcnemar_p=mcnemar_exact(first_only, second_only),
        mcnemar_mid_p=mcnemar_mid_p(first_only, second_only),
    )


def tango_interval(
    first_only: float, second_only: float, n: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Both one-sided bounds of p1 - p2: the differences that the score test does not reject at 1 - confidence.

    Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17 (1998), equations 10 to 17. Unlike Wald's interval it has a width when there
    is no discordant pair, and holds its level at small n. The two-sided 95% interval has confidence 0.975 here.
    """
    assert 0 <= first_only <= n - second_only + 1e-9 and n > 0, (first_only, second_only, n)
    z = float(ndtri(confidence))
    estimate = (first_only - second_only) / n

    def excess(difference: float) -> float:
        return tango_score(first_only, second_only, n, difference)

    # The score falls as the difference grows; at the ends of [-1, 1] the variance is 0, so step inside them.
    edge = 1 - 1e-9
    lower = brentq(lambda d: excess(d) - z, -edge, estimate, xtol=1e-10) if estimate > -edge else -1.0
    upper = brentq(lambda d: excess(d) + z, estimate, edge, xtol=1e-10) if estimate < edge else 1.0
    return float(lower), float(upper)


def tango_score(first_only: float, second_only: float, n: float, difference: float) -> float:
    """Standardised distance of the observed p1 - p2 from ``difference``, with the variance that this would have."""
    return float(_scores(np.float64(first_only), np.float64(second_only), n, difference))


def _scores(b: Any, c: Any, n: float, difference: float) -> Any:
    gap = b - c - n * difference
    # Probability of the second discordant cell, by maximum likelihood under p1 - p2 = difference.
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    root = np.sqrt(np.maximum(linear * linear - 8 * n * constant, 0.0))
    second = (root - linear) / (4 * n)
    variance = n * (2 * second + difference * (1 - difference))
    # Without variance (difference 0 and no discordant pair; the ends of [-1, 1]) the distance is 0 or without bound.
    flat = np.where(np.abs(gap) < 1e-12, 0.0, np.copysign(np.inf, gap))
    return np.where(variance > 1e-300, gap / np.sqrt(np.maximum(variance, 1e-300)), flat)


def difference_p_within(first_only: float, second_only: float, n: float, margin: float) -> float:
    """P-value of Tango's score test against "p1 - p2 is ``margin`` or more"."""
    return 0.0 if margin >= 1 else float(ndtr(tango_score(first_only, second_only, n, margin)))


def difference_p_beyond(first_only: float, second_only: float, n: float, margin: float) -> float:
    """P-value of Tango's score test against "p1 - p2 is ``margin`` or less"."""
    return 1.0 if margin >= 1 else float(ndtr(-tango_score(first_only, second_only, n, margin)))


def exact_p(first_only: int, second_only: int, n: int, margin: float, *, beyond: bool) -> float:
    """Exact unconditional p-value of the same score tests; 0 above 5000 pairs, where Tango's are as good.

    Tango's interval covers too little at some small n (up to 8.8% instead of 5% on one side at n = 60), so a decision
    needs this p-value as well. Hsueh, Liu and Chen, "Unconditional exact tests for equivalence or noninferiority for
    paired binary endpoints", Biometrics 57 (2001): the largest tail probability of the score statistic over the
    nuisance parameter, here over its 99.95% confidence set (Berger and Boos, JASA 89 (1994)), whose error is added.
    """
    if margin >= 1:
        return 1.0 if beyond else 0.0
    if n > _EXACT_MOST:
        return 0.0
    seconds = np.arange(n + 1.0)
    seen = tango_score(first_only, second_only, n, margin)
    # The score grows with the first count, so its tail is one run of first counts for each second count.
    edge = _largest_first(seconds, n, margin, seen, below=beyond)
    most = (1 - margin) / 2
    low = min(rate_lower(second_only, n, 1 - _BERGER_BOOS / 2), most)
    high = min(rate_upper(second_only, n, 1 - _BERGER_BOOS / 2), most)
    second = np.linspace(low, high, _NUISANCE_STEPS)[:, None]
    weight = np.exp(_log_choose(n, seconds) + xlogy(seconds, second) + xlogy(n - seconds, 1 - second))
    # Second counts that all but never occur are left out: the binomial tails are what takes time.
    row, column = np.nonzero(weight > _NEGLIGIBLE)
    first_share = np.minimum((second[row, 0] + margin) / (1 - second[row, 0]), 1.0)
    most_first = edge[column]
    up_to = np.where(most_first < 0, 0.0, bdtr(np.maximum(most_first, 0), n - column, first_share))
    tail = 1 - up_to if beyond else up_to
    worst = float(np.max(np.bincount(row, weights=weight[row, column] * tail, minlength=_NUISANCE_STEPS)))
    return min(1.0, worst + _BERGER_BOOS)


def _largest_first(seconds: Any, n: int, margin: float, score: float, *, below: bool) -> Any:
    """For each second count the largest first count whose score is at most ``score`` (``below``: under it); or -1."""
    low, high = np.full(n + 1, -1.0), n - seconds
    limit = score - _TIE if below else score + _TIE
    while np.any(low < high):
        middle = np.ceil((low + high) / 2)
        inside = _scores(middle, seconds, n, margin) <= limit
        low, high = np.where(inside, middle, low), np.where(inside, high, middle - 1)
    return low


def _log_choose(n: int, k: Any) -> Any:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided p-value of McNemar's exact test: the discordant pairs are a fair coin under the null.

    McNemar, Psychometrika 12 (1947); exact binomial form as in Fleiss, Levin and Paik (2003), section 13.1.
    """
    discordant = first_only + second_only
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), discordant, 0.5)))


def mcnemar_mid_p(first_only: int, second_only: int) -> float:
    """Two-sided mid-p value of McNemar's test: less conservative than the exact one, and close to its level.

    Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
    than exact conditional", BMC Medical Research Methodology 13:91 (2013).
    """
    discordant, fewer = first_only + second_only, min(first_only, second_only)
    if discordant == 0:
        return 1.0
    at_least = float(bdtr(fewer, discordant, 0.5))
    point = at_least - (float(bdtr(fewer - 1, discordant, 0.5)) if fewer else 0.0)
    return 1 - point / 2 if first_only == second_only else 2 * at_least - point


def mcnemar_fall_p(first_only: int, second_only: int) -> float:
    """One-sided mid-p value against "no fall": small when far more was lost than gained."""
    discordant = first_only + second_only
    up_to = float(bdtr(second_only, discordant, 0.5))
    before = float(bdtr(second_only - 1, discordant, 0.5)) if second_only else 0.0
    return (up_to + before) / 2


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted so that the chance of any false alarm among them stays at the level of one.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
