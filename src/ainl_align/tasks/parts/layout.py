"""Turns a flow into a request in words: its sentences in one of many voices."""

from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.sentences import Writer, capital, sentence
from ainl_align.tasks.parts.triggers import Start
from ainl_align.tasks.wording import endpoints, voices
from ainl_align.tasks.wording.pool import Pool

_BARE = 0.22
"""Share of plain requests without any frame."""

_NO_VERB = (
    *(
        "if",
        "when",
        "unless",
        "only",
        "in",
        "should",
        "on",
        "from",
        "with",
        "out",
        "at",
        "for",
        "the",
        "is",
        "whenever",
    ),
    *("given", "supposing", "two", "by", "using", "as", "where", "provided", "assuming", "it", "there", "depending"),
    *("whether", "under", "into", "to", "its", "a", "an", "every", "each", "all", "via", "through", "no", "nothing"),
    *("among", "of", "wherever", "db", "api", "ext", "memory", "cache", "file", "table"),
)
_TABLE_END = "\x00"


def prompt(ctx: Ctx, start: Start, flow: Flow) -> str:
    """The request."""
    parts = Writer(ctx, start.trigger.kind == "endpoint").sentences(flow)
    return _voice(ctx, start, parts)


def _voice(ctx: Ctx, start: Start, parts: list[str]) -> str:
    slots = {
        "text": _joined([sentence(part) for part in parts]),
        "first": _closed(parts[0]),
        "rest": "".join(f" {_closed(sentence(part))}" for part in parts[1:]),
        **_lists(ctx, parts),
    }
    if start.trigger.kind == "endpoint":
        method, path = start.trigger.method or "", start.trigger.path or ""
        slots |= {"m": method, "p": path, "where": ctx.phrase(endpoints.WHERE, m=method, p=path)}
        slots["body"] = ctx.phrase(endpoints.BODY) if method in ("POST", "PUT") and ctx.rng.random() < 0.5 else ""
        return _tidy(ctx.phrase(endpoints.VOICES, **slots))
    if start.trigger.kind == "cron":
        return _tidy(ctx.phrase(voices.CRON, when=start.when, When=capital(start.when), **slots))
    if ctx.rng.random() < _BARE:
        return _tidy(slots["text"])
    pool = voices.PLAIN
    if parts[0].split()[0].strip(",:;") not in _NO_VERB and "?" not in parts[0]:
        pool = Pool(pool.train + voices.PLAIN_VERB.train, pool.held + voices.PLAIN_VERB.held)
    return _tidy(ctx.phrase(pool, **slots))


def _closed(part: str) -> str:
    return part + _TABLE_END if "\n" in part else part


def _joined(sentences: list[str]) -> str:
    return " ".join(map(_closed, sentences))


def _lists(ctx: Ctx, parts: list[str]) -> dict[str, str]:
    """The parts as bullets and as numbered lines; a table inside is set in."""
    change = capital if ctx.rng.random() < 0.4 else str
    mark = ctx.pick(("-", "-", "*"))
    numbering = ctx.pick(("{}.", "{}.", "{})"))
    lines = [change(part).replace("\n- ", "\n  - ") for part in parts]
    return {
        "bullets": "".join(f"\n{mark} {line}" for line in lines),
        "numbered": "".join(f"\n{numbering.format(number)} {line}" for number, line in enumerate(lines, 1)),
    }


def _tidy(text: str) -> str:
    """Line breaks after tables, and no full stop after them or after a question mark."""
    for mark in (".", "?", ""):
        text = text.replace(f"{_TABLE_END}{mark} ", "\n").replace(f"{_TABLE_END}{mark}", "\n")
    return text.replace("?.", "?").strip()
