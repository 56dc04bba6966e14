"""Which rows of a table are meant, as words after "rows". Slots: ``c`` a column, ``v`` its value, ``n`` a number."""

from ainl_align.tasks.wording.pool import Pool

STATUS = Pool(
    train=(
        "whose status is '{v}'",
        "with status '{v}'",
        "where status = '{v}'",
        "in status '{v}'",
        "that have the status '{v}'",
        "with '{v}' in the column status",
        "marked '{v}' in column status",
        "that are '{v}' (column status)",
    ),
    held=(
        "that carry the status '{v}'",
        "whose status column says '{v}'",
        "being in status '{v}'",
        "having '{v}' as their status",
        "that show '{v}' under status",
    ),
)
BOUND: dict[str, Pool] = {
    "GT": Pool(
        ("with {c} over {n}", "where {c} > {n}", "whose {c} is above {n}", "with a {c} of more than {n}"),
        ("whose {c} exceeds {n}", "having a {c} higher than {n}", "with {c} beyond {n}"),
    ),
    "GTE": Pool(
        ("with {c} of at least {n}", "where {c} >= {n}", "whose {c} is {n} or more", "with a {c} of {n} and up"),
        ("whose {c} is not below {n}", "having a {c} of no less than {n}", "with {c} at {n} or higher"),
    ),
    "LT": Pool(
        ("with {c} under {n}", "where {c} < {n}", "whose {c} is below {n}", "with a {c} of less than {n}"),
        ("whose {c} falls short of {n}", "having a {c} lower than {n}", "with {c} beneath {n}"),
    ),
    "LTE": Pool(
        ("with {c} of at most {n}", "where {c} <= {n}", "whose {c} is {n} or less", "with a {c} of up to {n}"),
        ("whose {c} is not above {n}", "having a {c} of no more than {n}", "with {c} at {n} or lower"),
    ),
}
DAY: dict[str, Pool] = {
    "yesterday": Pool(
        (
            "of yesterday ({c} is a date, YYYY-MM-DD)",
            "from yesterday (date column {c}, such as 2026-05-14)",
            "whose {c} (a date, YYYY-MM-DD) was yesterday",
            "dated yesterday in column {c} (YYYY-MM-DD)",
            "with yesterday's date in {c} (text, YYYY-MM-DD)",
        ),
        (
            "belonging to yesterday (by {c}, an ISO date)",
            "that have yesterday as their {c} (ISO date)",
            "of the day before today by {c}, an ISO date",
        ),
    ),
    "today": Pool(
        (
            "of today ({c} is a date, YYYY-MM-DD)",
            "from today (date column {c}, such as 2026-05-14)",
            "whose {c} (a date, YYYY-MM-DD) is today",
            "with today's date in {c} (text, YYYY-MM-DD)",
        ),
        ("belonging to today (by {c}, an ISO date)", "that have today as their {c} (ISO date)"),
    ),
    "before": Pool(
        (
            "older than {n} days (date column {c}, YYYY-MM-DD)",
            "whose {c} (a date, YYYY-MM-DD) is more than {n} days ago",
            "with a {c} of more than {n} days ago ({c} is a date, YYYY-MM-DD)",
            "more than {n} days old by their {c} (YYYY-MM-DD)",
        ),
        (
            "whose age by {c} (an ISO date) is over {n} days",
            "with {c} (ISO date) earlier than {n} days before today",
        ),
    ),
    "since": Pool(
        (
            "of the last {n} days (date column {c}, YYYY-MM-DD, {n} days ago included)",
            "whose {c} (a date, YYYY-MM-DD) is {n} days ago or later",
            "not older than {n} days by {c} (YYYY-MM-DD)",
        ),
        (
            "whose age by {c} (an ISO date) is {n} days at most",
            "with {c} (ISO date) no earlier than {n} days before today",
        ),
    ),
}
BOTH = Pool(("{one} and {two}", "{one}, and {two}"), ("{one} as well as {two}", "{one} and also {two}"))
