"""What starts a program, in words and in AINL."""

from ainl_align.language.world_model import Trigger
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.numerals import WORDS, number_words
from ainl_align.tasks.program import Program
from ainl_align.tasks.wording import schedules

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = ("January February March April May June July August September October November December").split()
_MINUTES = {
    "train": (0, 0, 0, 0, 15, 15, 30, 30, 30, 45, 45, 5, 10, 20, 25, 35, 40, 50, 55),
    "dev": (0, 15, 30, 45, 35),
    "test": (0, 15, 30, 25),
}
_HELD_HOURS = {"dev": 3, "test": 4}
"""Times of day that are held out for a split: one of its minutes, and hour and minute that leave this by five."""
_EVERY_MINUTES = {
    "train": (1, 2, 5, 5, 10, 10, 15, 15, 30, 30, 7, 8, 9, 25, 40),
    "dev": (3, 20, 15),
    "test": (4, 6, 12, 30),
}
_MINUTES_PAST = {
    "train": (0, 0, 0, 15, 30, 5, 25, 35, 40, 55, 1, 7, 12),
    "dev": (0, 10, 45),
    "test": (0, 20, 50),
}
_EVERY_HOURS = {"train": (2, 4, 6, 2, 4, 6, 5, 7, 9, 10, 11), "dev": (3,), "test": (8, 12)}
_DAYS_OF_MONTH = {"train": (1, 1, 2, *range(5, 12), *range(13, 28), 29, 30, 31), "dev": (1, 3, 12), "test": (1, 4, 28)}
_DAYS_OF_YEAR = {"train": (*range(1, 7), *range(9, 20), 21, 22, 23, *range(25, 32)), "dev": (7, 20), "test": (8, 24)}


class Start:
    """A trigger with its words: ``when`` is an adverbial (``every 5 minutes``) or empty."""

    def __init__(self, trigger: Trigger, when: str = "") -> None:
        self.trigger, self.when = trigger, when

    @property
    def signature(self) -> str:
        return self.trigger.kind if self.trigger.kind != "endpoint" else f"endpoint_{self.trigger.method}"

    def program(self) -> Program:
        """An empty program with the declarations of this trigger."""
        if self.trigger.kind == "cron":
            return Program("S core cron", f'Cr L_main "{self.trigger.cron}"')
        if self.trigger.kind == "endpoint":
            letter = {"GET": "G", "POST": "P", "PUT": "U", "DELETE": "D"}[self.trigger.method or ""]
            return Program("S core web /api", f"E {self.trigger.path} {letter} ->L_main ->out")
        return Program("S app core noop")


def plain() -> Start:
    """Nothing in particular starts it."""
    return Start(Trigger())


def endpoint(ctx: Ctx, method: str = "POST") -> Start:
    """A request to a path."""
    return Start(Trigger(kind="endpoint", path=ctx.names.path(), method=method))


def schedule(ctx: Ctx) -> Start:
    """A schedule in words."""
    cron, words = ctx.pick(_KINDS)(ctx)
    return Start(Trigger(kind="cron", cron=cron), words)


def _clock(ctx: Ctx) -> tuple[int, int, str]:
    minute = ctx.pick(_MINUTES[ctx.split])
    hour = ctx.pick([hour for hour in range(24) if _belongs(ctx.split, hour, minute)])
    return hour, minute, clock_words(ctx, hour, minute)


def _belongs(split: str, hour: int, minute: int) -> bool:
    """Whether a time of day is a split's; training has every time that neither of the others has."""
    if split in _HELD_HOURS:
        return (hour + minute) % 5 == _HELD_HOURS[split]
    return not any(minute in _MINUTES[held] and (hour + minute) % 5 == rest for held, rest in _HELD_HOURS.items())


def clock_words(ctx: Ctx, hour: int, minute: int) -> str:
    """A time of day: ``06:30``, ``6:30 am``, ``half past six in the morning``."""
    twelve = hour % 12 or 12
    shape = ctx.rng.random()
    if shape < (0.35 if ctx.split == "train" else 0.5) or hour == 0:
        return ctx.pick((f"{hour:02d}:{minute:02d}", f"{hour:02d}:{minute:02d}", f"{hour}:{minute:02d}"))
    half = "am" if hour < 12 else "pm"
    if shape < (0.65 if ctx.split == "train" else 0.75) or minute not in (0, 15, 30, 45):
        tail = "" if minute == 0 and ctx.rng.random() < 0.6 else f":{minute:02d}"
        return f"{twelve}{tail}{ctx.pick((' ', ''))}{half}"
    if minute == 0 and hour == 12:
        return "noon"
    if minute == 45:
        hour += 1
        twelve = hour % 12 or 12
    if hour in (12, 24):
        named = "noon" if hour == 12 else "midnight"
        return {15: "a quarter past ", 30: "half past ", 45: "a quarter to "}[minute] + named
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    if hour >= 22:
        part = "at night"
    lead = {0: "", 15: "a quarter past ", 30: "half past ", 45: "a quarter to "}[minute]
    oclock = " o'clock" if minute == 0 else ""
    return f"{lead}{WORDS[twelve]}{oclock} {part}"


def _minutes(ctx: Ctx) -> tuple[str, str]:
    every = ctx.pick(_EVERY_MINUTES[ctx.split])
    if every == 1:
        return "* * * * *", ctx.phrase(schedules.MINUTE)
    if every in (15, 30) and ctx.rng.random() < 0.5:
        return f"*/{every} * * * *", ctx.phrase(schedules.QUARTER if every == 15 else schedules.HALF)
    return f"*/{every} * * * *", ctx.phrase(schedules.MINUTES, n=number_words(ctx, every))


def _hourly(ctx: Ctx) -> tuple[str, str]:
    minute = ctx.pick(_MINUTES_PAST[ctx.split])
    if minute == 0:
        return "0 * * * *", ctx.phrase(schedules.HOURLY)
    return f"{minute} * * * *", ctx.phrase(schedules.HOURLY_AT, n=minute)


def _hours(ctx: Ctx) -> tuple[str, str]:
    every = ctx.pick(_EVERY_HOURS[ctx.split])
    return f"0 */{every} * * *", ctx.phrase(schedules.HOURS, n=number_words(ctx, every))


def _daily(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    return f"{minute} {hour} * * *", ctx.phrase(schedules.DAILY, c=clock)


def _twice(ctx: Ctx) -> tuple[str, str]:
    hours = sorted(ctx.rng.sample([hour for hour in range(24) if _belongs(ctx.split, hour, 0)], 2))
    minute = ctx.pick((0, 30))
    first, second = (f"{hour:02d}:{minute:02d}" for hour in hours)
    return f"{minute} {hours[0]},{hours[1]} * * *", ctx.phrase(schedules.TWICE, c=first, c2=second)


def _weekday(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    return f"{minute} {hour} * * 1-5", ctx.phrase(schedules.WEEKDAY, c=clock)


def _weekend(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    return f"{minute} {hour} * * 0,6", ctx.phrase(schedules.WEEKEND, c=clock)


def _weekly(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    day = ctx.pick(range(7))
    return f"{minute} {hour} * * {day}", ctx.phrase(schedules.WEEKLY, c=clock, d=_DAYS[day])


def _monthly(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    day = ctx.pick(_DAYS_OF_MONTH[ctx.split])
    nth = "first" if day == 1 and ctx.rng.random() < 0.5 else f"{day}{_ordinal(day)}"
    return f"{minute} {hour} {day} * *", ctx.phrase(schedules.MONTHLY, c=clock, n=day, nth=nth)


def _yearly(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    day = ctx.pick(_DAYS_OF_YEAR[ctx.split])
    month = ctx.pick((1, 3, 5, 7, 8, 10, 12))
    name = _MONTHS[month - 1]
    written = ctx.pick((f"{day} {name}", f"{name} {day}", f"the {day}{_ordinal(day)} of {name}"))
    return f"{minute} {hour} {day} {month} *", ctx.phrase(schedules.YEARLY, c=clock, d=written)


def _ordinal(day: int) -> str:
    return "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


_KINDS = (
    *(_minutes, _minutes, _hourly, _hours, _daily, _daily, _weekday, _weekday, _weekly, _weekly, _monthly),
    *(_twice, _weekend, _yearly),
)
