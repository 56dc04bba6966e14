"""How a program goes wrong although it compiles: one thing of the request is changed, dropped or swapped.

A mutation takes gold lines and returns the changed program, or None where it does not apply. Whether the result
really does the wrong thing is for ``drafts`` to prove by running it.
"""

import random
import re
from collections.abc import Callable, Sequence

from ainl_align.data.breakers import tokens
from ainl_align.tasks.mutants import reachable, without_step

Mutation = Callable[[Sequence[str], random.Random], str | None]
_OTHER_VERBS = {
    "core.GT": ("core.GTE", "core.LT"),
    "core.GTE": ("core.GT", "core.LTE"),
    "core.LT": ("core.LTE", "core.GT"),
    "core.LTE": ("core.LT", "core.GTE"),
    "core.EQ": ("core.NEQ",),
    "core.NEQ": ("core.EQ",),
    "core.ADD": ("core.SUB",),
    "core.SUB": ("core.ADD",),
    "core.CONTAINS": ("core.STARTSWITH",),
    "core.STARTSWITH": ("core.ENDSWITH",),
    "core.ENDSWITH": ("core.STARTSWITH",),
    "core.LOWER": ("core.UPPER",),
    "core.UPPER": ("core.LOWER",),
    "http.GET": ("http.POST", "http.HEAD"),
    "http.POST": ("http.PUT", "http.GET"),
    "http.PUT": ("http.POST",),
    "http.PATCH": ("http.POST",),
    "http.DELETE": ("http.GET",),
    "fs.WRITE": ("fs.DELETE",),
    "fs.READ": ("fs.LIST",),
}


def _replace(lines: Sequence[str], index: int, new: str) -> str:
    return "\n".join([*lines[:index], new, *lines[index + 1 :]])


def _choose(lines: Sequence[str], rng: random.Random, pattern: str) -> int | None:
    found = [index for index, line in enumerate(lines) if re.search(pattern, line)]
    return rng.choice(found) if found else None


def _branches_swapped(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s*If .*->\w+ ->\w+$")
    if index is None:
        return None
    *head, yes, no = tokens(lines[index])
    return _replace(lines, index, "  " + " ".join((*head, no, yes)))


def _number_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s+R [^\"]* -?\d+ ")
    if index is None:
        return None
    parts = tokens(lines[index])
    place = rng.choice([i for i, part in enumerate(parts) if re.fullmatch(r"-?\d+", part)])
    parts[place] = str(int(parts[place]) + rng.choice((-1, 1, 10)))
    return _replace(lines, index, "  " + " ".join(parts))


def _retry_count(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s*Retry @n\d+ \d+ \d+")
    if index is None:
        return None
    parts = tokens(lines[index])
    parts[2] = str(max(1, int(parts[2]) + rng.choice((-1, 1, 2))))
    return _replace(lines, index, "  " + " ".join(parts))


def _text_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r'^\s+\w+ .*"[^"]{3,}"')
    if index is None:
        return None
    texts = re.findall(r'"[^"]{3,}"', lines[index])
    text = rng.choice(texts)
    inner = text[1:-1]
    word = rng.choice(re.findall(r"[A-Za-z]+", inner) or [inner])
    other = rng.choice((word[:-1] or "x", f"{word}s", "main", "data", "items", "example"))
    return _replace(lines, index, lines[index].replace(text, f'"{inner.replace(word, other, 1)}"', 1))


def _verb_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s+R (" + "|".join(map(re.escape, _OTHER_VERBS)) + r") ")
    if index is None:
        return None
    verb = tokens(lines[index])[1]
    return _replace(lines, index, lines[index].replace(verb, rng.choice(_OTHER_VERBS[verb]), 1))


def _step_dropped(lines: Sequence[str], rng: random.Random) -> str | None:
    """Drops a write, with its Retry and Err."""
    index = _choose(lines, rng, r"^\s+R (http\.(POST|PUT|PATCH|DELETE)|sqlite\.EXECUTE|fs\.|queue\.|cache\.SET)")
    return None if index is None else "\n".join(without_step(lines, index))


def _guard_dropped(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s+(Retry|Err) @n")
    return None if index is None else "\n".join(reachable(without_step(lines, index)))


def _path_shortened(lines: Sequence[str], rng: random.Random) -> str | None:
    """Reads a nested field as if it stood higher up."""
    index = _choose(lines, rng, r'^\s+R core\.GET \w+ "\w+\.')
    if index is None:
        return None
    path = tokens(lines[index])[3][1:-1]
    parts = path.split(".")
    gone = rng.randrange(len(parts) - 1)
    return _replace(lines, index, lines[index].replace(path, ".".join((*parts[:gone], *parts[gone + 1 :])), 1))


def _schedule_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r'^Cr L_\w+ "')
    if index is None:
        return None
    fields = re.findall(r'"([^"]*)"', lines[index])[0].split()
    if len(fields) != 5:
        return None
    minute, hour, *rest = fields
    other = rng.choice(
        (
            [hour, minute, *rest],
            ["0", hour, *rest],
            [minute, "*", *rest],
            ["*/5", "*", "*", "*", "*"],
            ["0", "0", *rest],
        )
    )
    return _replace(lines, index, re.sub(r'"[^"]*"', f'"{" ".join(other)}"', lines[index])) if other != fields else None


def _method_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^E \S+ [GPUD] ")
    if index is None:
        return None
    parts = tokens(lines[index])
    parts[2] = rng.choice([method for method in "GPUD" if method != parts[2]])
    return _replace(lines, index, " ".join(parts))


def _answer_changed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _choose(lines, rng, r"^\s+J ")
    if index is None:
        return None
    start = max(i for i in range(index) if lines[i].endswith(":") and not lines[i].startswith(" "))
    here = [re.findall(r"->([a-z]\w*)$", line) for line in lines[start:index] if line.lstrip().startswith("R ")]
    names = sorted({name for found in here for name in found} - {tokens(lines[index])[1]})
    return _replace(lines, index, f"  J {rng.choice([*names, 'true', 'null'])}")


MUTATIONS: dict[str, Mutation] = {
    "branches_swapped": _branches_swapped,
    "number_changed": _number_changed,
    "retry_count": _retry_count,
    "text_changed": _text_changed,
    "verb_changed": _verb_changed,
    "step_dropped": _step_dropped,
    "guard_dropped": _guard_dropped,
    "path_shortened": _path_shortened,
    "schedule_changed": _schedule_changed,
    "method_changed": _method_changed,
    "answer_changed": _answer_changed,
}
"""Every mutation by the kind of draft that it makes."""
