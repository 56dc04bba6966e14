"""Failures of a report are told apart, and every kind has drafts and tasks to practise with."""

from typing import Any

import pytest

from ainl_align.data.breakers import BREAKERS
from ainl_align.data.failures import PRACTICE, drafts_for, kinds_of, practises
from ainl_align.data.mutations import MUTATIONS
from ainl_align.tasks.scenario import Task


def side(message: str = "", code: str = "behaviour", canonical: bool = True, **more: Any) -> dict[str, Any]:
    reasons = [{"line": None, "code": code, "message": message}] if message or code != "behaviour" else []
    return {"final": {"metrics": {"canonical": canonical}, "reasons": reasons}, **more}


@pytest.mark.parametrize(
    ("failed", "kinds"),
    [
        (side(failure_family="budget"), ["cut_off"]),
        (side(code="undefined", canonical=False), ["names"]),
        (side(code="something-new", canonical=False), ["form"]),
        (side(code="unknown-verb", canonical=False), ["verbs"]),
        (side('trigger: expected schedule "0 8 * * *", the program has plain entry'), ["trigger"]),
        (side("scenario 'a': expected retry delays [100] ms, saw []"), ["retry"]),
        (side("scenario 'a': expected the result \"x\", got null"), ["result"]),
        (side('scenario \'a\': expected queue.PUT("q", "x"), saw no such write'), ["effects"]),
        (side("scenario 'a': table t: expected rows [], has [1]"), ["effects"]),
        (
            side(
                "scenario 'a': expected no write, saw queue.PUT(1)",
                scenarios=[{"passed": True}, {"passed": False}],
            ),
            ["condition", "effects"],
        ),
        (side("something else"), ["effects"]),
    ],
)
def test_kinds_of_failures(failed: dict[str, Any], kinds: list[str]) -> None:
    assert kinds_of(failed) == kinds


def test_every_kind_has_known_drafts(task: Task) -> None:
    known = {*BREAKERS, *MUTATIONS}
    for kind, drafts in PRACTICE.items():
        assert drafts and set(drafts) <= known, kind
        assert drafts_for([kind]) == set(drafts)
        assert practises(task, [kind]), kind
    assert set(BREAKERS) | set(MUTATIONS) == drafts_for(PRACTICE) | {"all_arrows"}
