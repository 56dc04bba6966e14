import pytest

from ainl_align.data.leakage import Pair, held_out, overlap, require_clean, violations
from ainl_align.errors import StageError
from ainl_align.tasks.compose import normalised

PROMPT = "Fetch https://a.example.org/x every 5 minutes and store the reply in the table readings."
PROGRAM = """S app core noop
L_main:
  R core.GT 5 3 ->high
  If high ->L_yes ->L_no
L_yes:
  R queue.PUT "jobs" "alpha" ->res
  J res
L_no:
  J false
"""
HELD_OUT = {"dev": [Pair(PROMPT, PROGRAM)], "test": []}
LONG = "Fetch https://a.example.org/x every 5 minutes and store the reply in the table readings"


def test_a_clean_set_has_no_violation() -> None:
    figures = require_clean([Pair("Read the file notes.txt and return it."), Pair("Something else")], HELD_OUT)
    assert figures["prompts"] == 2
    assert figures["suites"]["dev"] == {
        "exact": 0,
        "normalised": 0,
        "near_copies": 0,
        "sharing_8grams": 0,
        "largest_share": 0.0,
        "held_out": 1,
        "examples": [],
        "equal_programs": 0,
        "same_structure": 0,
        "structures_trained": 0.0,
        "example_programs": [],
    }


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        (PROMPT, {"exact", "normalised", "near_copies"}),
        (LONG.upper() + " !", {"normalised", "near_copies"}),
        (LONG + " now", {"near_copies"}),
        ("Please: " + LONG.replace("readings", "values"), {"near_copies"}),
        ("Every day at noon do this: " + LONG.split(" in ")[0] + " then mail it to ops and write a log line", set()),
    ],
)
def test_overlap_is_counted_by_kind(prompt: str, kinds: set[str]) -> None:
    figures = overlap(map(Pair, [prompt, prompt, "Something else"]), HELD_OUT)
    counts = figures["suites"]["dev"]
    assert {kind for kind in ("exact", "normalised", "near_copies") if counts[kind]} == kinds
    assert counts["sharing_8grams"] == 1
    assert bool(violations(figures)) == bool(kinds)
    if kinds:
        with pytest.raises(StageError, match="overlap with dev"):
            require_clean([Pair(prompt)], HELD_OUT)


def test_normalising_keeps_words_and_numbers_only() -> None:
    assert normalised("  “Fetch”\tＡ-1,  NOW! ") == "fetch a 1 now"


@pytest.mark.parametrize(
    ("program", "equal", "same"),
    [
        (PROGRAM.replace("high", "over").replace("L_yes", "L_more"), 1, 1),
        (PROGRAM.replace("alpha", "beta"), 0, 1),
        (PROGRAM.replace("5 3", "7 4").replace("jobs", "mails"), 0, 1),
        (PROGRAM.replace("core.GT", "core.GTE"), 0, 0),
    ],
)
def test_programs_are_compared_with_and_without_their_values(program: str, equal: int, same: int) -> None:
    figures = overlap([Pair("something else", program), Pair("and again", program)], HELD_OUT)
    dev = figures["suites"]["dev"]
    assert (dev["equal_programs"], dev["same_structure"], dev["structures_trained"]) == (equal, same, float(same))
    assert (figures["programs"], figures["structures"]) == (1, 1)
    assert bool(violations(figures)) == bool(equal)
    if equal:
        with pytest.raises(StageError, match=r"1 programs overlap with dev \(equal_programs; limit 0\)"):
            require_clean([Pair("x", program)], HELD_OUT)


def test_everything_that_evaluation_uses_is_held_out() -> None:
    found = held_out()
    assert {"dev", "test", "regression"} <= set(found)
    assert all(pair.program for pairs in found.values() for pair in pairs)


def test_common_runs_of_words_have_a_limit_too() -> None:
    start = " ".join(LONG.split()[:8])
    shared = [Pair(f"{start} and then do thing number {number} of {' '.join('abcdefghijklm')}") for number in range(4)]
    figures = overlap([*shared, Pair("x")], HELD_OUT)
    assert figures["suites"]["dev"]["sharing_8grams"] == 4
    assert violations(figures) == ["4 prompts overlap with dev (sharing_8grams; limit 3)"]
    assert not violations(overlap([*shared[:3], Pair("x")], HELD_OUT))
    assert not violations(overlap([*shared, *(Pair(f"row {number}") for number in range(300))], HELD_OUT))
