"""How small models spoil the form of a program: each breaker turns gold lines into a draft that is hardly canonical.

A breaker returns None where it does not apply. Whether a draft really is broken is for ``drafts`` to prove.
"""

import json
import random
import re
from collections.abc import Callable, Sequence

from ainl_align.data import harvested
from ainl_align.language.canonical import tokenize

Breaker = Callable[[Sequence[str], random.Random], str | None]
_PREFACES = (
    "Sure! Here is the program:",
    "Here is the AINL program you asked for.",
    "The following workflow does that:",
    "AINL:",
    "Answer:",
)
_REMARKS = (
    "This program does what was asked.",
    "Note: replace the address with your own.",
    "Let me know if you need anything else!",
    "Explanation: the first step reads the data and the last returns it.",
)
_UNKNOWN_VERBS = {
    "http.": ("http.FETCH", "http.REQUEST", "requests.GET"),
    "sqlite.": ("sqlite.SELECT", "sqlite.INSERT", "sql.RUN"),
    "fs.": ("fs.OPEN", "fs.SAVE", "file.WRITE"),
    "queue.": ("queue.SEND", "email.SEND", "mail.SEND"),
    "cache.": ("cache.PUT", "cache.FETCH", "cache.READ"),
    "core.": ("core.FORMAT_TEXT", "core.CONCATENATE", "core.COMPARE", "core.IF"),
}


def tokens(line: str) -> list[str]:
    """A gold line's tokens; a quoted text is one, with its quotes."""
    return tokenize(line) or line.split()


def _pick(lines: Sequence[str], rng: random.Random, pattern: str) -> int | None:
    found = [index for index, line in enumerate(lines) if re.search(pattern, line)]
    return rng.choice(found) if found else None


def _with(lines: Sequence[str], index: int, *new: str) -> str:
    return "\n".join([*lines[:index], *new, *lines[index + 1 :]])


def _fence(lines: Sequence[str], rng: random.Random) -> str:
    tag = rng.choice(("ainl", "", "python", "yaml", "text"))
    return "\n".join([f"```{tag}", *lines, "```"])


def _prose_before(lines: Sequence[str], rng: random.Random) -> str:
    return "\n".join([rng.choice(_PREFACES), *lines])


def _prose_after(lines: Sequence[str], rng: random.Random) -> str:
    return "\n".join([*lines, rng.choice(_REMARKS)])


def _calls(lines: Sequence[str]) -> list[tuple[str, list[str], str]]:
    calls = []
    for line in lines:
        parts = tokens(line)
        if parts and parts[0] == "R" and "." in parts[1] and parts[-1].startswith("->"):
            calls.append((parts[1], parts[2:-1], parts[-1][2:]))
    return calls


def _yaml(lines: Sequence[str], rng: random.Random) -> str | None:
    calls = _calls(lines)
    if not calls:
        return None
    out = [f"name: {rng.choice(('workflow', 'job', 'main'))}", "steps:"]
    for verb, arguments, name in calls:
        out += [f"  - call: {verb.lower()}", f"    with: [{', '.join(arguments)}]", f"    save: {name}"]
    return "\n".join([*out, f"return: {calls[-1][2]}"])


def _json(lines: Sequence[str], rng: random.Random) -> str | None:
    steps = [
        {"do": verb, "args": [a.strip('"') for a in arguments], "as": name} for verb, arguments, name in _calls(lines)
    ]
    return json.dumps({"steps": steps}, indent=rng.choice((None, 1))) if steps else None


def _python(lines: Sequence[str], rng: random.Random) -> str | None:
    calls = _calls(lines)
    if not calls:
        return None
    indent = rng.choice(("    ", "  "))
    out = ["def main():"]
    for verb, arguments, name in calls:
        out.append(f"{indent}{name} = {verb.lower()}({', '.join(arguments)})")
    return "\n".join([*out, f"{indent}return {calls[-1][2]}"])


def _truncated(lines: Sequence[str], rng: random.Random) -> str:
    text = "\n".join(lines)
    return text[: rng.randint(len(text) * 2 // 5, len(text) * 9 // 10)].rstrip()


def _wrong_arrow(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"->[a-zL]")
    if index is None:
        return None
    return _with(lines, index, lines[index].replace("->", rng.choice(("=>", "-> ", "=", "→", ">", "")), 1))


def _all_arrows(lines: Sequence[str], rng: random.Random) -> str:
    return "\n".join(lines).replace("->", rng.choice(("=>", "-->", "→")))


def _undefined(lines: Sequence[str], rng: random.Random) -> str | None:
    names = {parts[-1][2:] for line in lines if (parts := tokens(line)) and re.fullmatch(r"->[a-z]\w*", parts[-1])}
    index = _pick(lines, rng, r"^\s*(J|If|Set) ")
    if index is None or not names:
        return None
    parts = tokens(lines[index])
    place = 2 if parts[0] == "Set" else 1
    if place >= len(parts) or parts[place] not in names:
        return None
    name = parts[place]
    parts[place] = rng.choice((f"{name}s", f"{name}_value", name[:-1] or "x", "result", "response", "data"))
    return _with(lines, index, "  " + " ".join(parts)) if parts[place] not in names else None


def _label_renamed(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^L_\w+:$")
    if index is None:
        return None
    name = lines[index][:-1]
    return _with(lines, index, rng.choice((f"{name}_step:", f"{name[2:]}:", f"{name} :", "L1:")))


def _label_dropped(lines: Sequence[str], rng: random.Random) -> str | None:
    starts = [index for index, line in enumerate(lines) if re.fullmatch(r"L_\w+:", line)]
    if len(starts) < 2:
        return None
    chosen = rng.randrange(1, len(starts))
    end = starts[chosen + 1] if chosen + 1 < len(starts) else len(lines)
    return "\n".join([*lines[: starts[chosen]], *lines[end:]])


def _unknown_verb(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*R (http|sqlite|fs|queue|cache|core)\.")
    if index is None:
        return None
    parts = tokens(lines[index])
    parts[1] = rng.choice(_UNKNOWN_VERBS[parts[1].split(".")[0] + "."])
    return _with(lines, index, "  " + " ".join(parts))


def _missing_else(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*If .*->\w+ ->\w+$")
    return None if index is None else _with(lines, index, lines[index].rsplit(" ", 1)[0])


def _infix(lines: Sequence[str], rng: random.Random) -> str | None:
    signs = {"core.GT": ">", "core.GTE": ">=", "core.LT": "<", "core.LTE": "<=", "core.EQ": "==", "core.NEQ": "!="}
    for index in range(len(lines) - 1):
        step, branch = tokens(lines[index]), tokens(lines[index + 1])
        if len(step) == 5 and step[1] in signs and branch and branch[0] == "If":
            blank = rng.choice((" ", ""))
            condition = blank.join((step[2], signs[step[1]], step[3]))
            return "\n".join([*lines[:index], f"  If {condition} " + " ".join(branch[2:]), *lines[index + 2 :]])
    return None


def _quotes_lost(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r'"[^"]* [^"]*"')
    return None if index is None else _with(lines, index, lines[index].replace('"', ""))


def _unterminated(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r'"[^"]+"')
    if index is None:
        return None
    place = lines[index].rfind('"')
    return _with(lines, index, lines[index][:place] + lines[index][place + 1 :])


def _dotted(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*(J|If) [a-z]\w*( |$)")
    if index is None:
        return None
    parts = tokens(lines[index])
    parts[1] += rng.choice((".body", ".status", "[0]", ".ok"))
    return _with(lines, index, "  " + " ".join(parts))


def _no_declaration(lines: Sequence[str], rng: random.Random) -> str | None:
    kept = [line for line in lines if not re.match(r"(S|E|Cr) ", line)]
    return "\n".join(kept if rng.random() < 0.5 else lines[1:])


def _declaration_last(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^(E|Cr) ")
    return None if index is None else "\n".join([*lines[:index], *lines[index + 1 :], lines[index]])


def _no_end(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*J ")
    return None if index is None else "\n".join([*lines[:index], *lines[index + 1 :]])


def _runs_on(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*(J|R) ")
    return None if index is None else _with(lines, index, *([lines[index]] * rng.randint(3, 6)), *lines[:1])


def _inline_label(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines[:-1], rng, r"^L_\w+:$")
    if index is None:
        return None
    return "\n".join([*lines[:index], f"{lines[index]} {lines[index + 1].strip()}", *lines[index + 2 :]])


def _wrong_node(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*(Retry|Err) @n\d+")
    if index is None:
        return None
    return _with(lines, index, re.sub(r"@n\d+ ?", rng.choice(("@n9 ", "@n12 ", "@node ")), lines[index]))


def _lower_case(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r"^\s*R [a-z]+\.[A-Z]")
    if index is None:
        return None
    parts = tokens(lines[index])
    parts[1] = rng.choice((parts[1].lower(), parts[1].replace(".", " ")))
    return _with(lines, index, "  " + " ".join(parts))


def _bad_schedule(lines: Sequence[str], rng: random.Random) -> str | None:
    index = _pick(lines, rng, r'^Cr L_\w+ "')
    if index is None:
        return None
    wrong = rng.choice(("every 5 minutes", "0 */5 * * * *", "*/5 * * *", "08:00", "0 25 * * *", "daily"))
    return _with(lines, index, re.sub(r'"[^"]*"', f'"{wrong}"', lines[index]))


BREAKERS: dict[str, Breaker] = {
    "fence": _fence,
    "prose_before": _prose_before,
    "prose_after": _prose_after,
    "yaml": _yaml,
    "json": _json,
    "python": _python,
    "truncated": _truncated,
    "wrong_arrow": _wrong_arrow,
    "all_arrows": _all_arrows,
    "undefined_variable": _undefined,
    "label_renamed": _label_renamed,
    "label_dropped": _label_dropped,
    "unknown_verb": _unknown_verb,
    "missing_else": _missing_else,
    "infix_condition": _infix,
    "quotes_lost": _quotes_lost,
    "unterminated_text": _unterminated,
    "dotted_access": _dotted,
    "no_declaration": _no_declaration,
    "declaration_last": _declaration_last,
    "no_end": _no_end,
    "runs_on": _runs_on,
    "inline_label": _inline_label,
    "wrong_node": _wrong_node,
    "lower_case_verb": _lower_case,
    "bad_schedule": _bad_schedule,
    "harvested": harvested.whole,
    "harvested_cut": harvested.cut_off,
}
"""Every breaker by the kind of draft that it makes."""
