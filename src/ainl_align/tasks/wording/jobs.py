"""Two requests for one program. Slots: ``a`` and ``b``, each a whole request with its trigger."""

from ainl_align.tasks.wording.pool import Pool

TWO = Pool(
    train=(
        "{a}\n\n{b}",
        "{a}\n{b}",
        "First: {a}\nSecond: {b}",
        "Two parts in one program.\n{a}\n{b}",
        "{a}\nAnd in the same program: {b}",
        "1) {a}\n2) {b}",
        "1. {a}\n2. {b}",
        "- {a}\n- {b}",
        "(a) {a}\n(b) {b}",
        "Job 1: {a}\nJob 2: {b}",
        "One program with two jobs.\n\n{a}\n\n{b}",
        "{a}\n\nIn addition, in that same program: {b}",
        "Please put both of these into one program:\n{a}\n{b}",
        "{a}\nBesides that, the same program does this: {b}",
        "We need one program for two things.\n{a}\n{b}",
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
        "read the current UTC time in ISO format",
        "fetch the time now (UTC, ISO 8601)",
        "get an ISO timestamp of the present moment (UTC)",
        "record the current time as ISO 8601 in UTC",
        "check what time it is now in UTC, ISO format",
        "take down the current UTC timestamp (ISO)",
        "use the clock to get the present time (UTC, in ISO form)",
        "determine the current moment as an ISO UTC timestamp",
        "ask for the current time, ISO 8601, UTC",
        "capture the time as of now in ISO format (UTC)",
        "obtain the current timestamp (UTC, ISO 8601)",
    ),
    held=(
        "determine what time it is (UTC, ISO format)",
        "record the moment as an ISO timestamp in UTC",
        "have the ISO form of the present UTC time at hand",
    ),
)
CLOCK_NOUN = Pool(
    (
        "the time",
        "the timestamp",
        "that time",
        "that timestamp",
        "the current time",
        "the time taken from the clock",
        "the ISO timestamp",
        "the time now",
    ),
    ("this timestamp", "the time found"),
)
