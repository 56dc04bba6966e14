"""Intervals and tests for rates and for paired differences of rates.

All bounds are one-sided: a ``confidence`` of 0.95 means that the bound is on the wrong side of the truth in at most
(Clopper-Pearson) or about (Tango) 5% of repeated experiments.
"""

from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import bdtr, betaincinv, ndtri

CONFIDENCE = 0.95


def rate_lower(successes: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Exact lower bound of a binomial rate; 0 when nothing was observed.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934), in its beta-quantile form.
    """
    _check_counts(successes, n)
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, n - successes + 1, 1 - confidence))


def rate_upper(successes: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Exact upper bound of a binomial rate; 1 when nothing was observed. Source: see ``rate_lower``."""
    _check_counts(successes, n)
    if successes == n:
        return 1.0
    return float(betaincinv(successes + 1, n - successes, confidence))


def _check_counts(successes: int, n: int) -> None:
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


def paired_difference(first_only: int, second_only: int, n: int, confidence: float = CONFIDENCE) -> PairedDifference:
    """Bounds of p1 - p2 by Tango's score interval, and McNemar's exact two-sided p-value.

    ``first_only`` items succeeded in the first sample alone, ``second_only`` in the second alone, of ``n`` > 0 pairs.
    """
    assert 0 <= first_only <= n - second_only <= n > 0, (first_only, second_only, n)
    lower, upper = tango_interval(first_only, second_only, n, confidence)
    value = (first_only - second_only) / n
    return PairedDifference(value, lower, upper, n, first_only, second_only, mcnemar_exact(first_only, second_only))


def tango_interval(first_only: int, second_only: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Both one-sided bounds of p1 - p2: the differences that the score test does not reject at 1 - confidence.

    Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17 (1998), equations 10 to 17. Unlike Wald's interval it has a width when there
    is no discordant pair, and holds its level at small n. The two-sided 95% interval has confidence 0.975 here.
    """
    z = float(ndtri(confidence))
    estimate = (first_only - second_only) / n

    def excess(difference: float) -> float:
        return _tango_score(first_only, second_only, n, difference)

    # The score falls as the difference grows; at the ends of [-1, 1] the variance is 0, so step inside them.
    edge = 1 - 1e-9
    lower = brentq(lambda d: excess(d) - z, -edge, estimate, xtol=1e-10) if estimate > -edge else -1.0
    upper = brentq(lambda d: excess(d) + z, estimate, edge, xtol=1e-10) if estimate < edge else 1.0
    return float(lower), float(upper)


def _tango_score(b: int, c: int, n: int, difference: float) -> float:
    """Standardised distance of the observed difference (b - c) / n from ``difference`` under its own null."""
    gap = b - c - n * difference
    # Probability of the second discordant cell, by maximum likelihood under p1 - p2 = difference.
    linear = -b - c + (2 * n - b + c) * difference
    constant = -c * difference * (1 - difference)
    root = max(linear * linear - 8 * n * constant, 0.0) ** 0.5
    second = (root - linear) / (4 * n)
    variance = n * (2 * second + difference * (1 - difference))
    if variance <= 0:
        # Only at difference 0 with no discordant pair, where there is no distance either.
        return 0.0 if abs(gap) < 1e-12 else float("inf") * gap
    return float(gap / variance**0.5)


def mcnemar_exact(first_only: int, second_only: int) -> float:
    """Two-sided p-value of McNemar's exact test: the discordant pairs are a fair coin under the null.

    McNemar, Psychometrika 12 (1947); exact binomial form as in Fleiss, Levin and Paik (2003), section 13.1.
    """
    discordant = first_only + second_only
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), discordant, 0.5)))
