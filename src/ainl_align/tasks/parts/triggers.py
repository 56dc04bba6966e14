"""What starts a program, in words and in AINL."""

from ainl_align.language.world_model import Trigger
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.program import Program

_NUMBER_WORDS = {
    2: "two",
    3: "three",
    4: "four",
    5: "five",
    6: "six",
    10: "ten",
    12: "twelve",
    15: "fifteen",
    20: "twenty",
}
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


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
    cron, words = ctx.pick((_minutes, _hourly, _hours, _daily, _weekday, _weekly, _monthly))(ctx)
    return Start(Trigger(kind="cron", cron=cron), words)


def _count(ctx: Ctx, number: int) -> str:
    return _NUMBER_WORDS[number] if number in _NUMBER_WORDS and ctx.rng.random() < 0.4 else str(number)


def _clock(ctx: Ctx) -> tuple[int, int, str]:
    minute = ctx.pick((0, 0, 15, 30, 45, 5, 10, 20, 40, 50))
    hour = ctx.pick(
        [h for h in range(24) if (h + minute) % 5 in {"train": (0, 1, 2), "dev": (3,), "test": (4,)}[ctx.split]]
    )
    if minute == 0 and ctx.rng.random() < 0.3:
        half, twelve = ("am", hour) if hour < 12 else ("pm", hour - 12)
        return hour, minute, f"{twelve or 12} {half}"
    return hour, minute, f"{hour:02d}:{minute:02d}"


def _minutes(ctx: Ctx) -> tuple[str, str]:
    every = ctx.pick({"train": (2, 5, 10, 15, 30), "dev": (3, 20), "test": (4, 6, 12)}[ctx.split])
    words = ctx.say(("every {n} minutes", "once every {n} minutes"), ("each {n} minutes", "at {n}-minute intervals"))
    return f"*/{every} * * * *", words.format(n=_count(ctx, every))


def _hourly(ctx: Ctx) -> tuple[str, str]:
    minute = ctx.pick({"train": (0, 15, 30, 5), "dev": (10, 45), "test": (20, 50)}[ctx.split])
    if minute == 0:
        return "0 * * * *", ctx.say(("every hour on the hour", "at the start of every hour"), ("hourly, at minute 0",))
    words = ctx.say(("every hour at minute {n}", "{n} minutes past every hour"), ("hourly at {n} past",))
    return f"{minute} * * * *", words.format(n=minute)


def _hours(ctx: Ctx) -> tuple[str, str]:
    every = ctx.pick({"train": (2, 4, 6), "dev": (3,), "test": (8, 12)}[ctx.split])
    words = ctx.say(
        ("every {n} hours on the hour", "every {n} hours, starting at midnight"),
        ("on the hour, each {n} hours from midnight on",),
    )
    return f"0 */{every} * * *", words.format(n=_count(ctx, every))


def _daily(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    words = ctx.say(("every day at {c}", "daily at {c}", "each day at {c}"), ("at {c} every day", "once a day, at {c}"))
    return f"{minute} {hour} * * *", words.format(c=clock)


def _weekday(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    words = ctx.say(
        ("on weekdays at {c}", "Monday to Friday at {c}", "every weekday at {c}"),
        ("at {c} from Monday to Friday", "at {c} on every working day from Monday to Friday"),
    )
    return f"{minute} {hour} * * 1-5", words.format(c=clock)


def _weekly(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    day = ctx.pick(range(7))
    words = ctx.say(("every {d} at {c}", "on {d}s at {c}"), ("at {c} each {d}", "once a week, {d} at {c}"))
    return f"{minute} {hour} * * {day}", words.format(c=clock, d=_DAYS[day])


def _monthly(ctx: Ctx) -> tuple[str, str]:
    hour, minute, clock = _clock(ctx)
    words = ctx.say(
        ("on the first of every month at {c}", "on day 1 of each month at {c}"),
        ("at {c} on the first day of every month", "monthly, on the 1st at {c}"),
    )
    return f"{minute} {hour} 1 * *", words.format(c=clock)
