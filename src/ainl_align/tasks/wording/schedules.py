"""Schedules in words, as adverbials. Slots: ``n`` (a number), ``c`` (a time of day), ``c2``, ``d`` (a day), ``nth``."""

from ainl_align.tasks.wording.pool import Pool

MINUTES = Pool(
    train=(
        "every {n} minutes",
        "once every {n} minutes",
        "every {n} min",
        "at {n} minute intervals",
        "each {n} minutes",
        "in a cycle of {n} minutes",
        "every {n} minutes, around the clock",
        "with {n} minutes between runs",
        "again every {n} minutes",
    ),
    held=(
        "at intervals of {n} minutes",
        "at {n}-minute intervals",
        "whenever another {n} minutes of the hour are over",
        "in a rhythm of {n} minutes",
        "all {n} minutes",
    ),
)

QUARTER = Pool(
    train=("every quarter of an hour", "four times an hour, every 15 minutes", "every quarter hour"),
    held=("each quarter of an hour", "four times per hour at equal distances"),
)

HALF = Pool(
    train=("every half hour", "twice an hour, every 30 minutes", "every half an hour"),
    held=("each half hour", "twice per hour at equal distances"),
)

MINUTE = Pool(
    train=("every minute", "once a minute", "each minute", "minute by minute"),
    held=("every single minute", "once per minute", "at each full minute"),
)

HOURLY = Pool(
    train=(
        "every hour on the hour",
        "at the start of every hour",
        "hourly",
        "once an hour, on the hour",
        "every full hour",
        "every hour at minute 0",
    ),
    held=("hourly, at minute 0", "at the top of each hour", "each hour sharp", "whenever a new hour begins"),
)

HOURLY_AT = Pool(
    train=(
        "every hour at minute {n}",
        "{n} minutes past every hour",
        "every hour at {n} minutes past",
        "hourly at minute {n}",
        "at minute {n} of every hour",
        "once an hour, {n} minutes after the full hour",
    ),
    held=("hourly at {n} past", "in minute {n} of each hour", "each hour, {n} minutes into it", "{n} past, each hour"),
)

HOURS = Pool(
    train=(
        "every {n} hours on the hour",
        "every {n} hours, starting at midnight",
        "once every {n} hours",
        "every {n} hours",
        "each {n} hours",
        "at full hours, every {n} hours",
    ),
    held=(
        "on the hour, each {n} hours from midnight on",
        "at intervals of {n} hours",
        "at {n}-hour intervals counted from midnight",
        "in a rhythm of {n} hours",
    ),
)

DAILY = Pool(
    train=(
        "every day at {c}",
        "daily at {c}",
        "each day at {c}",
        "once a day at {c}",
        "at {c} daily",
        "at {c} each day",
        "seven days a week at {c}",
        "every single day at {c}",
        "day by day at {c}",
    ),
    held=(
        "at {c} every day",
        "once a day, at {c}",
        "day after day at {c}",
        "once per day when it is {c}",
        "{c}, daily",
    ),
)

TWICE = Pool(
    train=("every day at {c} and {c2}", "twice a day, at {c} and {c2}", "daily at {c} and again at {c2}"),
    held=("at {c} and {c2} every day", "two times per day: {c} and {c2}"),
)

WEEKDAY = Pool(
    train=(
        "on weekdays at {c}",
        "Monday to Friday at {c}",
        "every weekday at {c}",
        "at {c} on weekdays",
        "at {c} Monday through Friday",
        "each weekday (Mon-Fri) at {c}",
        "from Monday to Friday, each day at {c}",
        "on every workday (Monday to Friday) at {c}",
    ),
    held=(
        "at {c} from Monday to Friday",
        "at {c} on every working day from Monday to Friday",
        "at {c} on each weekday",
        "on Mondays through Fridays when it is {c}",
        "Mon to Fri, {c}",
    ),
)

WEEKEND = Pool(
    train=("on Saturdays and Sundays at {c}", "every Saturday and Sunday at {c}", "at {c} on Saturday and Sunday"),
    held=("on both days of the weekend at {c}", "each Saturday and each Sunday at {c}"),
)

WEEKLY = Pool(
    train=(
        "every {d} at {c}",
        "on {d}s at {c}",
        "each {d} at {c}",
        "weekly on {d} at {c}",
        "once a week on {d} at {c}",
        "at {c} every {d}",
        "at {c} on {d}s",
        "{d}s at {c}",
    ),
    held=("at {c} each {d}", "once a week, {d} at {c}", "when it is {c} on a {d}", "every week on {d}, {c}"),
)

MONTHLY = Pool(
    train=(
        "on the {nth} of every month at {c}",
        "on day {n} of each month at {c}",
        "every month on the {nth} at {c}",
        "at {c} on the {nth} of every month",
        "monthly on day {n} at {c}",
        "once a month, on the {nth} at {c}",
        "each month on the {nth}, at {c}",
    ),
    held=(
        "at {c} on the {nth} day of every month",
        "monthly, on the {nth} at {c}",
        "whenever the {nth} of a month comes, at {c}",
        "on the {nth} of the month, each month, at {c}",
    ),
)

YEARLY = Pool(
    train=("every year on {d} at {c}", "once a year, on {d} at {c}", "yearly on {d} at {c}"),
    held=("at {c} on {d} of every year", "each year when it is {d}, {c}"),
)
