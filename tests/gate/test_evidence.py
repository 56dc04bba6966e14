"""Exact tests, clusters, planning and Holm, against published or independently computed values."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, multinomial

from ainl_align.gate.clusters import bootstrap_bounds, bootstrap_means, effective_size
from ainl_align.gate.evidence import paired_evidence, rate_evidence
from ainl_align.gate.planning import (
    minimum_detectable_drop,
    more_for_drop,
    more_for_floor,
    prompts_for_drop,
    prompts_for_margin,
)
from ainl_align.gate.statistics import (
    difference_p_within,
    exact_p,
    holm,
    mcnemar_fall_p,
    mcnemar_mid_p,
    rate_p_above,
    rate_p_below,
    tango_score,
)


def test_mcnemar_mid_p_reproduces_published_values() -> None:
    # Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013): airway hyper-responsiveness
    # (1 and 7 discordant pairs) 0.0391, complete response (6 and 16) 0.0347.
    assert mcnemar_mid_p(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert mcnemar_mid_p(6, 16) == pytest.approx(0.0347, abs=5e-5)
    assert mcnemar_mid_p(0, 0) == 1.0
    assert mcnemar_mid_p(3, 3) == pytest.approx(1 - binom.pmf(3, 6, 0.5) / 2)


def test_one_sided_mid_p_halves_the_two_sided() -> None:
    assert mcnemar_fall_p(7, 1) == pytest.approx(mcnemar_mid_p(7, 1) / 2)
    assert mcnemar_fall_p(1, 7) == pytest.approx(1 - mcnemar_mid_p(1, 7) / 2)
    assert mcnemar_fall_p(0, 0) == 0.5


def test_holm_reproduces_rs_p_adjust() -> None:
    # R 4: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm").
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.9, 0.001]) == pytest.approx([0.9, 0.002])
    assert holm([]) == []


@pytest.mark.parametrize(("lost", "gained", "n", "margin"), [(0, 0, 12, 0.05), (1, 2, 20, 0.1), (5, 1, 15, 0.05)])
@pytest.mark.parametrize("beyond", [False, True])
def test_the_exact_p_is_the_worst_tail_of_an_enumeration(
    lost: int, gained: int, n: int, margin: float, beyond: bool
) -> None:
    seen = tango_score(lost, gained, n, margin)

    def tail(second: float) -> float:
        shares = (second + margin, second, 1 - 2 * second - margin)
        return sum(
            multinomial.pmf((b, c, n - b - c), n, shares)
            for b, c in product(range(n + 1), repeat=2)
            if b + c <= n and (tango_score(b, c, n, margin) - seen) * (1 if beyond else -1) >= -1e-9
        )

    # The gate searches a confidence set of the nuisance parameter, which holds the share seen, and adds its error.
    found = exact_p(lost, gained, n, margin, beyond=beyond)
    assert found <= max(map(tail, np.linspace(0, (1 - margin) / 2, 81))) + 0.002
    assert found >= tail(gained / n) - 0.002


def test_without_a_loss_the_exact_p_is_a_power() -> None:
    # All pairs alike: under a true drop of 5% and no gain, 60 pairs show no loss with probability 0.95**60.
    assert exact_p(0, 0, 60, 0.05, beyond=False) == pytest.approx(0.95**60 + 0.0005, abs=1e-6)
    assert exact_p(0, 0, 58, 0.05, beyond=False) > 0.05 > exact_p(0, 0, 59, 0.05, beyond=False)


def test_p_values_of_a_rate_are_binomial_tails() -> None:
    assert rate_p_above(9, 12, 0.6) == pytest.approx(binom.sf(8, 12, 0.6))
    assert rate_p_below(3, 12, 0.6) == pytest.approx(binom.cdf(3, 12, 0.6))
    assert rate_p_above(12, 12, 1.0) == 1.0
    assert rate_p_below(12, 12, 1.0) == 1.0
    assert rate_p_above(0, 12, 0.0) == 0.0


def test_prompts_needed_settle_it_and_one_less_does_not() -> None:
    more = more_for_floor(9 / 12, 12, 0.6)
    assert more is not None
    n = 12 + more
    assert rate_p_above(0.75 * n, n, 0.6) <= 0.05 < rate_p_above(0.75 * (n - 1), n - 1, 0.6)
    assert more_for_floor(0.6, 10, 0.6) is None
    assert more_for_drop(0, 0, 12, 0.05) == 47
    assert more_for_drop(3, 0, 60, 0.05) is None


def test_connors_size_has_the_power_that_it_promises() -> None:
    n = prompts_for_drop(0.10, 0.20)
    # Power of McNemar's one-sided test by simulation of the discordant pairs.
    rng = np.random.default_rng(3)
    cells = rng.multinomial(n, (0.15, 0.05, 0.80), size=20_000)
    z = (cells[:, 0] - cells[:, 1]) / np.sqrt(np.maximum(cells[:, 0] + cells[:, 1], 1))
    assert np.mean(z > 1.6449) == pytest.approx(0.80, abs=0.03)
    assert minimum_detectable_drop(n, 0.20) == pytest.approx(0.10, abs=0.001)
    assert minimum_detectable_drop(2, 0.0) is None


def test_the_size_for_a_margin_certifies_four_of_five_times() -> None:
    n = prompts_for_margin(0.05, 0.10)
    rng = np.random.default_rng(4)
    cells = rng.multinomial(n, (0.05, 0.05, 0.90), size=2000)
    assert np.mean([difference_p_within(b, c, n, 0.05) <= 0.05 for b, c, _ in cells]) == pytest.approx(0.8, abs=0.04)


def test_clusters_count_for_less() -> None:
    alone = [str(i) for i in range(40)]
    fours = [str(i // 4) for i in range(40)]
    values = [float(i // 4 % 2) for i in range(40)]
    assert effective_size(values, alone) == 40
    # Four equal answers in each of ten clusters tell as much as ten prompts, less the correction for few clusters.
    assert 7 < effective_size(values, fours) < 10
    assert effective_size([1.0] * 40, fours) == 10
    spread = [float(i % 2) for i in range(40)]
    assert effective_size(spread, fours) > 30


def test_the_bootstrap_draws_whole_clusters() -> None:
    values, clusters = [1.0] * 20 + [0.0] * 20, [str(i // 4) for i in range(40)]
    means = bootstrap_means(values, clusters)
    lower, upper = bootstrap_bounds(means)
    # Ten clusters, half of them ones: the resampled mean is binomial(10, 1/2) / 10.
    assert (lower, upper) == pytest.approx((binom.ppf(0.05, 10, 0.5) / 10, binom.ppf(0.95, 10, 0.5) / 10), abs=0.101)
    assert np.std(means) == pytest.approx(np.sqrt(0.25 / 10), rel=0.05)
    assert list(means) == list(bootstrap_means(values, clusters))


def test_shared_clusters_widen_every_bound() -> None:
    ids = [str(i) for i in range(60)]
    before = dict.fromkeys(ids, True)
    now = {name: int(name) >= 4 for name in ids}
    alone, fours = {name: name for name in ids}, {name: str(int(name) // 4) for name in ids}
    apart, together = paired_evidence(before, now, alone), paired_evidence(before, now, fours)
    assert apart is not None and together is not None
    assert together.bounds()[1] > apart.bounds()[1]
    assert together.bounds()[0] < apart.bounds()[0]
    one, other = rate_evidence(now, alone), rate_evidence(now, fours)
    assert one is not None and other is not None
    assert other.bounds()[0] < one.bounds()[0]
    assert (other.n, other.clusters) == (60, 15)
    assert rate_evidence(dict.fromkeys(ids), alone) is None
