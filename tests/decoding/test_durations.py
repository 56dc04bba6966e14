"""Spans of time in requests: every way of saying one that training or a suite has is read."""

import re

import pytest

from ainl_align.decoding.durations import durations
from ainl_align.tasks.own_words import requests
from ainl_align.tasks.suites import suite


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("wait 250 ms", 250),
        ("250ms apart", 250),
        ("a second and a half between them", 1500),
        ("two and a half seconds", 2500),
        ("half a second", 500),
        ("a half-second pause", 500),
        ("a quarter of a second", 250),
        ("three quarters of a second", 750),
        ("5-second gaps", 5000),
        ("twenty-five hundred milliseconds", 2500),
        ("two hundred and fifty millis", 250),
        ("0.5 s", 500),
        (".9 sec apart", 900),
        ("½ second", 500),
        ("1,5 s", 1500),
        ("a couple of seconds", 2000),
        ("each second", 1000),
        ("2s, then 4", 4000),
    ],
)
def test_spans_are_read(text: str, span: int) -> None:
    assert span in durations(text)


def test_what_names_no_span_gives_none() -> None:
    assert durations("Every 5 minutes fetch 300 rows, thrice.") == frozenset()


def test_a_number_with_a_unit_is_no_number_of_another() -> None:
    assert durations("First pause 750 ms, then 2 s.") == {750, 2000}


def test_every_wait_of_the_golds_is_among_the_spans_of_its_request() -> None:
    asked = [(task.prompt, task.gold) for name in ("dev", "regression") for task in suite(name)]  # type: ignore[arg-type]
    asked += [(request.prompt, request.gold) for texts in requests().values() for request in texts]
    found = [(prompt, int(wait)) for prompt, gold in asked for wait in re.findall(r"Retry @n\d+ \d+ (\d+)", gold)]
    assert len(found) > 700
    assert [prompt for prompt, wait in found if durations(prompt) and wait not in durations(prompt)] == []
    assert sum(not durations(prompt) for prompt, _ in found) <= 0.01 * len(found)
