"""Intervals and tests against published and independently computed values."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest

from ainl_align.gate.statistics import (
    mcnemar_exact,
    paired_difference,
    rate_lower,
    rate_upper,
    tango_interval,
)


def test_clopper_pearson_reproduces_a_published_interval() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), p. 857, table I: 81 of 263, exact 95% interval 0.2527 to 0.3676.
    assert rate_lower(81, 263, 0.975) == pytest.approx(0.2527, abs=5e-5)
    assert rate_upper(81, 263, 0.975) == pytest.approx(0.3676, abs=5e-5)
    # Same table: 0 of 20 gives 0 to 0.1684.
    assert rate_lower(0, 20, 0.975) == 0.0
    assert rate_upper(0, 20, 0.975) == pytest.approx(0.1684, abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (9, 12), (12, 12), (55, 60), (250, 500)])
def test_clopper_pearson_equals_scipys_own(successes: int, n: int) -> None:
    greater = binomtest(successes, n, alternative="greater").proportion_ci(0.95, "exact")
    less = binomtest(successes, n, alternative="less").proportion_ci(0.95, "exact")
    assert rate_lower(successes, n) == pytest.approx(greater.low, abs=1e-9)
    assert rate_upper(successes, n) == pytest.approx(less.high, abs=1e-9)


@settings(deadline=None)  # a loaded machine is no fault of the figures
@given(st.integers(1, 300), st.floats(0, 1))
def test_clopper_pearson_bounds_invert_the_binomial_tails(n: int, share: float) -> None:
    k = round(n * share)
    lower, upper = rate_lower(k, n), rate_upper(k, n)
    assert 0 <= lower <= k / n <= upper <= 1
    if k > 0:
        assert binom.sf(k - 1, n, lower) == pytest.approx(0.05, abs=1e-6)
    if k < n:
        assert binom.cdf(k, n, upper) == pytest.approx(0.05, abs=1e-6)


def test_tango_reproduces_published_intervals() -> None:
    # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014), airway hyper-responsiveness data (1, 1, 7, 12):
    # difference -0.286, Tango's 95% interval -0.517 to -0.026.
    lower, upper = tango_interval(1, 7, 21, 0.975)
    assert (round(lower, 3), round(upper, 3)) == (-0.517, -0.026)


def test_mcnemar_exact_reproduces_a_published_value() -> None:
    # Same data, McNemar exact conditional test: p = 0.0703.
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_exact(0, 0) == 1.0


@settings(deadline=None)  # a loaded machine is no fault of the figures
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_exact_equals_the_binomial_test(first: int, second: int) -> None:
    if first + second:
        assert mcnemar_exact(first, second) == pytest.approx(binomtest(first, first + second).pvalue, rel=1e-9)


def _likelihood_score(b: int, c: int, n: int, difference: float) -> float:
    """The score statistic with its nuisance parameter found by searching the likelihood, not by the closed form."""
    low, high = max(0.0, -difference), (1 - difference) / 2

    def loss(second: float) -> float:
        first, rest = second + difference, 1 - 2 * second - difference
        terms = ((b, first), (c, second), (n - b - c, rest))
        return -sum(count * math.log(max(p, 1e-300)) for count, p in terms if count)

    second = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    return (b - c - n * difference) / math.sqrt(n * (2 * second + difference - difference**2))


@pytest.mark.parametrize(
    ("b", "c", "n"), [(1, 7, 21), (12, 2, 50), (2, 9, 60), (0, 6, 40), (5, 5, 12), (1, 0, 44), (40, 20, 160)]
)
def test_tango_bounds_are_where_an_independent_score_is_rejected(b: int, c: int, n: int) -> None:
    lower, upper = tango_interval(b, c, n)
    assert _likelihood_score(b, c, n, lower) == pytest.approx(1.6448536, abs=1e-3)
    assert _likelihood_score(b, c, n, upper) == pytest.approx(-1.6448536, abs=1e-3)


@settings(deadline=None)  # a loaded machine is no fault of the figures
@given(st.data())
def test_tango_contains_the_estimate_and_mirrors(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 200))
    b = data.draw(st.integers(0, n))
    c = data.draw(st.integers(0, n - b))
    lower, upper = tango_interval(b, c, n)
    assert -1 <= lower <= (b - c) / n <= upper <= 1
    assert tango_interval(c, b, n) == pytest.approx((-upper, -lower), abs=1e-6)
    wider = tango_interval(b, c, n, 0.99)
    assert wider[0] <= lower + 1e-9
    assert wider[1] >= upper - 1e-9


def test_no_discordant_pair_is_not_certainty() -> None:
    found = paired_difference(0, 0, 12)
    assert found.value == 0
    assert found.upper > 0.15
    assert found.mcnemar_p == 1.0
