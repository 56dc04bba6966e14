"""Two requests for one program. Slots: ``a`` and ``b``, each a whole request with its trigger."""

from ainl_align.tasks.wording.pool import Pool

TWO = Pool(
    train=(
        "{a}\n\n{b}",
        "{a}\n{b}",
        "First: {a}\nSecond: {b}",
        "Two parts in one program.\n{a}\n{b}",
        "{a}\nAnd in the same program: {b}",
    ),
    held=(
        "Part one: {a}\nPart two: {b}",
        "A) {a}\nB) {b}",
        "{a}\n---\n{b}",
    ),
)
CLOCK = Pool(
    train=(
        "get the current time (ISO, UTC)",
        "take the present UTC time in ISO form",
        "note the time now as an ISO timestamp",
        "take a timestamp of now (ISO 8601, UTC)",
        "look at the clock (ISO, UTC)",
    ),
    held=(
        "determine what time it is (UTC, ISO format)",
        "record the moment as an ISO timestamp in UTC",
        "have the ISO form of the present UTC time at hand",
    ),
)
CLOCK_NOUN = Pool(("the time", "the timestamp", "that time"), ("this timestamp", "the time found"))
