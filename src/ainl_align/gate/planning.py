"""How much evidence is needed: prompts that would settle a threshold, and the drop that a prompt set can show."""

from collections.abc import Callable
from math import ceil

from scipy.optimize import brentq
from scipy.special import ndtri

from ainl_align.gate.statistics import (
    ALPHA,
    CONFIDENCE,
    difference_p_beyond,
    difference_p_within,
    exact_p,
    rate_p_above,
    rate_p_below,
)

POWER = 0.80
_MOST = 200_000
_STEPS = 40


def more_for_floor(rate: float, n: int, floor: float, per_prompt: float = 1.0, checks: int = 1) -> int | None:
    """Prompts beyond ``n`` that would settle whether ``rate`` reaches ``floor``, if it stays as it is.

    ``per_prompt`` is what a prompt counts for when clusters are shared; a breach must stand out among so many
    ``checks``. None: no number in reach would.
    """

    def settled(prompts: int) -> bool:
        size = prompts * per_prompt
        seen = (rate * size, size, floor)
        return rate_p_above(*seen) <= ALPHA or rate_p_below(*seen) <= ALPHA / checks

    return _more(settled, n)


def more_for_drop(
    lost: int, gained: int, n: int, margin: float, per_prompt: float = 1.0, checks: int = 1
) -> int | None:
    """Prompts beyond ``n`` that would settle whether the drop is within ``margin``, if the shares stay as they are."""

    def counts(prompts: int) -> tuple[float, float]:
        return lost * prompts / n, gained * prompts / n

    def settled(prompts: int) -> bool:
        lose, gain = counts(prompts)
        seen = (lose * per_prompt, gain * per_prompt, prompts * per_prompt, margin)
        return difference_p_within(*seen) <= ALPHA or difference_p_beyond(*seen) <= ALPHA / checks

    def settled_exactly(prompts: int) -> bool:
        whole = [round(count) for count in counts(prompts)]
        within = (lost - gained) / n <= margin
        p = exact_p(whole[0], whole[1], prompts, margin, beyond=not within)
        return p <= (ALPHA if within else ALPHA / checks)

    more = _more(settled, n)
    # The exact test is dear and asks for a little more: look for it from there on only.
    for _ in range(_STEPS):
        if more is None or settled_exactly(n + more):
            break
        more += max(1, (n + more) // 50)
    return more


def _more(settled: Callable[[int], bool], n: int) -> int | None:
    """The smallest addition that settles it, by doubling and halving."""
    high = max(n + 1, 2)
    while not settled(high):
        if high >= _MOST:
            return None
        high = min(2 * high, _MOST)
    low = max(n, high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high - n


def minimum_detectable_drop(n: float, discordant: float) -> float | None:
    """The drop that ``n`` pairs would show at the 5% level with 80% power; None when no drop would.

    ``discordant`` is the share of prompts whose outcome differs. Connor, "Sample size for testing differences in
    proportions for the paired-sample design", Biometrics 43 (1987), solved for the difference.
    """
    alpha, beta = float(ndtri(CONFIDENCE)), float(ndtri(POWER))

    def short(drop: float) -> float:
        share = max(discordant, drop)
        return float(drop * n**0.5 - alpha * share**0.5 - beta * max(share - drop * drop, 0.0) ** 0.5)

    return float(brentq(short, 1e-9, 1.0)) if short(1.0) > 0 else None


def prompts_for_drop(drop: float, discordant: float) -> int:
    """Pairs that show ``drop`` at the 5% level with 80% power. Source: see ``minimum_detectable_drop``."""
    assert 0 < drop <= discordant <= 1, (drop, discordant)
    alpha, beta = float(ndtri(CONFIDENCE)), float(ndtri(POWER))
    root: float = (alpha * discordant**0.5 + beta * (discordant - drop * drop) ** 0.5) / drop
    return ceil(root * root)


def prompts_for_margin(margin: float, discordant: float) -> int:
    """Pairs that certify an unchanged model against ``margin`` with 80% power.

    Lu and Bean, "On the sample size for one-sided equivalence of sensitivities based upon McNemar's test",
    Statistics in Medicine 14 (1995), in its large-sample form: the variance of the difference is ``discordant``.
    """
    assert 0 < margin <= 1 and 0 < discordant <= 1, (margin, discordant)
    z = float(ndtri(CONFIDENCE) + ndtri(POWER))
    return ceil(z * z * discordant / margin**2)
