import pytest

from ainl_align.data.leakage import normalise, overlap, require_clean, violations
from ainl_align.errors import StageError

HELD_OUT = {
    "dev": ["Fetch https://a.example.org/x every 5 minutes and store the reply in the table readings."],
    "test": [],
}
LONG = "Fetch https://a.example.org/x every 5 minutes and store the reply in the table readings"


def test_a_clean_set_has_no_violation() -> None:
    figures = require_clean(["Read the file notes.txt and return it.", "Something else"], HELD_OUT)
    assert figures["prompts"] == 2
    assert figures["suites"]["dev"] == {
        "exact": 0,
        "normalised": 0,
        "near_copies": 0,
        "sharing_8grams": 0,
        "largest_share": 0.0,
        "held_out": 1,
        "examples": [],
    }


@pytest.mark.parametrize(
    ("prompt", "kinds"),
    [
        (HELD_OUT["dev"][0], {"exact", "normalised", "near_copies"}),
        (LONG.upper() + " !", {"normalised", "near_copies"}),
        (LONG + " now", {"near_copies"}),
        ("Please: " + LONG.replace("readings", "values"), {"near_copies"}),
        ("Every day at noon do this: " + LONG.split(" in ")[0] + " then mail it to ops and write a log line", set()),
    ],
)
def test_overlap_is_counted_by_kind(prompt: str, kinds: set[str]) -> None:
    figures = overlap([prompt, prompt, "Something else"], HELD_OUT)
    counts = figures["suites"]["dev"]
    assert {kind for kind in ("exact", "normalised", "near_copies") if counts[kind]} == kinds
    assert counts["sharing_8grams"] == 1
    assert bool(violations(figures)) == bool(kinds)
    if kinds:
        with pytest.raises(StageError, match="overlap with dev"):
            require_clean([prompt], HELD_OUT)


def test_normalising_keeps_words_and_numbers_only() -> None:
    assert normalise("  “Fetch”\tＡ-1,  NOW! ") == "fetch a 1 now"
