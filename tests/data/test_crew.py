import os
from dataclasses import replace

import pytest

from ainl_align.data.crew import ALONE, Crew
from ainl_align.data.leakage import Pair, overlap
from ainl_align.data.records import prompt_of
from ainl_align.data.sampling import Order, gather, pair_of
from ainl_align.errors import StageError
from ainl_align.progress import Progress

ORDERS = [
    Order(family, 3, {"direct": 3, "repair": 2, "check_rewrite": 1}, seed=5, min_lines=3)
    for family in ("fetch_field", "cron_alert")
]


def test_two_processes_make_what_one_makes() -> None:
    with Crew(2) as crew:
        shared, dropped = gather(ORDERS, crew, Progress())
        others = {"dev": [Pair("Do something else."), pair_of(shared[0])]}
        figures = overlap(map(pair_of, shared), others, crew)
    assert (shared, dropped) == gather(ORDERS, ALONE, Progress())
    assert figures == overlap(map(pair_of, shared), others)
    assert figures["suites"]["dev"]["exact"] == figures["suites"]["dev"]["equal_programs"] == 1


def test_a_prompt_that_two_families_draw_goes_to_the_first() -> None:
    twice = [replace(ORDERS[0], rows={"regression": 3})] * 2
    rows, dropped = gather(twice, ALONE, Progress())
    assert len({prompt_of(row) for row in rows}) == 6
    assert dropped == {"repeated_prompt": 3}


def test_a_killed_worker_is_said() -> None:
    with Crew(2) as crew, pytest.raises(StageError, match="worker process was killed"):
        list(crew.map(os._exit, [1]))
