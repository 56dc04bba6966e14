"""Drafts that the base model itself wrote for training requests, kept as templates for any task.

How the tracked ``harvested.json`` was made (about twenty minutes on two cores):

    ainl-align tasks export train prompts.jsonl
    ainl-align generate --no-adapter --no-constrained --repair-attempts 0 --no-canonicalize-output \
        --max-new-tokens 180 --prompts prompts.jsonl --out outputs.jsonl
    python -c "from ainl_align.data.harvested import harvest; harvest('prompts.jsonl', 'outputs.jsonl')"
"""

import json
import random
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ainl_align.artifacts import atomic_open, read_jsonl
from ainl_align.language.canonical import tokenize
from ainl_align.tasks.prompts import load_prompt_set

_FILE = "harvested.json"
_LONGEST = {"eos": 900, "budget": 480}
"""Characters of a template by how its output ended: every token of a draft is paid for in training, and finished
outputs are rare."""
_SLOT = re.compile(r"«(\w+?)(\d)»")
_TRIES = 8


@cache
def templates() -> tuple[tuple[str, bool], ...]:
    """(text with slots such as ``«url0»``, whether a token budget cut it off) of every tracked draft."""
    found: dict[str, Any] = json.loads(files("ainl_align.data").joinpath(_FILE).read_text(encoding="utf-8"))
    return tuple((draft["text"], draft["cut"]) for draft in found["drafts"])


def whole(lines: Sequence[str], rng: random.Random) -> str | None:
    """A finished draft, about the resources of the gold ``lines``; None where none fits."""
    return _draft(lines, rng, cut=False)


def cut_off(lines: Sequence[str], rng: random.Random) -> str | None:
    """As ``whole``, of the drafts that a token budget cut off."""
    return _draft(lines, rng, cut=True)


def _draft(lines: Sequence[str], rng: random.Random, *, cut: bool) -> str | None:
    values = resources(lines)
    fitting = [text for text, was_cut in templates() if was_cut == cut]
    for text in rng.sample(fitting, min(_TRIES, len(fitting))):
        if all(values[kind] for kind, _ in _SLOT.findall(text)):
            return _SLOT.sub(lambda slot: values[slot[1]][int(slot[2]) % len(values[slot[1]])], text)
    return None


def resources(lines: Sequence[str]) -> dict[str, list[str]]:
    """What a program speaks of, by kind: url, mail, file, name (tables, fields, queues) and text."""
    found: dict[str, list[str]] = {"url": [], "mail": [], "file": [], "name": [], "text": []}
    for line in lines:
        words = tokenize(line) or []
        if len(words) < 2 or words[0] not in ("R", "J", "Set"):
            continue
        for place, word in enumerate(words):
            if word.startswith('"') and (entry := _resource(words[1], place, word[1:-1])) is not None:
                kind, value = entry
                if value not in found[kind]:
                    found[kind].append(value)
    return found


def _resource(verb: str, place: int, text: str) -> tuple[str, str] | None:
    if text.startswith(("https://", "http://")):
        return "url", text
    if text.startswith("mailto:"):
        return "mail", text.removeprefix("mailto:")
    if verb.startswith("fs."):
        return ("file" if place == 2 else "text"), text
    if verb.startswith("sqlite."):
        table = re.search(r"\b(?:FROM|INTO|UPDATE) (\w+)", text)
        return ("name", table[1]) if table else None
    if verb == "core.GET":
        field = text.rpartition(".")[2]
        return ("name", field) if re.fullmatch(r"[A-Za-z_]\w{2,}", field) and field != "body" else None
    if verb.startswith(("queue.", "cache.")) and place == 2:
        return "name", text
    return ("text", text) if re.fullmatch(r"[A-Za-z][A-Za-z ]{3,}", text) else None


def harvest(prompts: Path | str, outputs: Path | str, limit: int = 64) -> int:
    """Write the tracked file from a prompt set with tasks and what ``generate`` wrote for it; returns the number of
    drafts. Resources of a request become slots; outputs are cut at a line end, and no two begin alike."""
    golds = {row.id: row.task.gold for row in load_prompt_set(prompts) if row.task is not None}
    found: dict[str, dict[str, Any]] = {}
    for _, row in read_jsonl(Path(outputs)):
        text = row["program"].strip()
        longest = _LONGEST[row["finish_reason"]]
        cut = row["finish_reason"] != "eos" or len(text) > longest
        if len(text) > longest:
            text = text[:longest].rpartition("\n")[0].rstrip()
        values = resources(golds[row["id"]].splitlines())
        pairs = [(value, f"«{kind}{index}»") for kind in values for index, value in enumerate(values[kind][:9])]
        for value, slot in sorted(pairs, key=lambda pair: -len(pair[0])):
            text = text.replace(value, slot)
        if text:
            found.setdefault(text[:60], {"text": text, "cut": cut})
    distinct = list(found.values())
    drafts = [distinct[index * len(distinct) // limit] for index in range(limit)] if len(distinct) > limit else distinct
    with atomic_open(Path(__file__).with_name(_FILE)) as handle:
        json.dump({"drafts": drafts}, handle, indent=1, ensure_ascii=False)
        handle.write("\n")
    return len(drafts)
