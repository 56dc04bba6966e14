"""Cron expressions by the moments that they name."""

import pytest

from ainl_align.language.cron import cron_moments, same_schedule


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("*/5 * * * *", " */5  *   * * *"),
        ("0,30 * * * *", "*/30 * * * *"),
        ("0 9 * * 1-5", "0 9 * * MON-FRI"),
        ("0 9 * * 0", "0 9 * * 7"),
        ("0 0 1 1 *", "0 0 1 jan *"),
        ("*/1 * * * *", "* * * * *"),
        ("0 */24 * * *", "0 0 * * *"),
        ("05 08 * * *", "5 8 * * *"),
    ],
)
def test_the_same_moments(first: str, second: str) -> None:
    assert same_schedule(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("*/5 * * * *", "5 * * * *"),
        ("0 8 * * *", "8 0 * * *"),
        ("0 9 * * 1-5", "0 9 * * *"),
        ("0 0 1-31 * 1", "0 0 * * 1"),  # two restricted day fields are joined by "or", so this fires every day
        ("0 9 * * *", "0 9 * *"),
    ],
)
def test_other_moments(first: str, second: str) -> None:
    assert not same_schedule(first, second)


@pytest.mark.parametrize(
    "expression",
    [
        *("", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8"),
        *("5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *", "-1 * * * *", "*/x * * * *", "٣ * * * *"),
    ],
)
def test_invalid(expression: str) -> None:
    assert cron_moments(expression) is None
