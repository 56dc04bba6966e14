"""Requests in people's own words: sheets of tasks for a writer, and what the writer made of them as rows.

    python scripts/write_requests.py sheet --split train --count 300 --seed 1 --out sheet.md
    python scripts/write_requests.py check --split train --count 300 --seed 1 --texts texts.jsonl
    python scripts/write_requests.py take  --split train --count 300 --seed 1 --texts texts.jsonl --out own_words.jsonl

A sheet shows each task as a plain request of the generator and as its program. The writer answers with JSON lines
{"n": NUMBER, "text": REQUEST}: the same thing as somebody else would say it. ``check`` names the texts from which a
program could not copy what it has to (addresses, names, fields, quoted words) and those that repeat one another;
``take`` writes the others: for train with the names and numbers that may be drawn anew (tasks/own_words.py), for dev
as a prompt set with whole tasks.

Split, count and seed name the tasks of one version of the generator: take texts before the generator changes.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from ainl_align.artifacts import read_jsonl, write_jsonl
from ainl_align.decoding.grounding import copying_errors
from ainl_align.language.canonical import tokenize
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.own_words import Slot, draws, open_slots
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.task_model import Task

Drawn = tuple[Task, list[Slot]]


def missing(task: Task, text: str) -> list[str]:
    """What the program of ``task`` needs and ``text`` does not say."""
    wrong = [f"{kind} {name!r} is not in the text" for kind, name in copying_errors(task.gold, text)]
    for line in task.gold.splitlines():
        words = tokenize(line) or []
        said = [word[1:-1] for word in words[2:] if word.startswith('"')] if words[:1] == ["R"] else []
        if words[1:2] in (["core.GET"], ["sqlite.QUERY"], ["sqlite.EXECUTE"]):
            continue
        for literal in said + [word[1:-1] for word in words[1:] if words[0] == "J" and word.startswith('"')]:
            plain = normalised(literal)
            if " " in plain and plain in normalised(task.prompt) and plain not in normalised(text):
                wrong.append(f"the words {literal!r} are not in the text")
    return wrong


def usable(drawn: list[Drawn], texts: Path) -> list[tuple[int, str]]:
    """The texts that pass, with the numbers of their tasks; the others are named on stderr."""
    seen: set[str] = set()
    found = []
    for line, fields in read_jsonl(texts):
        number, text = int(fields["n"]), str(fields["text"]).strip()
        if not 1 <= number <= len(drawn):
            print(f"{texts}, line {line}: there is no task {number}", file=sys.stderr)
            continue
        wrong = missing(drawn[number - 1][0], text)
        if normalised(text) in seen:
            wrong.append("the text is there already")
        seen.add(normalised(text))
        if wrong:
            print(f"{texts}, line {line}, task {number}: {'; '.join(wrong)}", file=sys.stderr)
        else:
            found.append((number, text))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("sheet", "check", "take"))
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument(
        "--families", nargs="+", default=list(FAMILIES), help="default: all but those for training only"
    )
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    drawn = draws(options.split, options.count, random.Random(f"{options.split}|{options.seed}"), options.families)
    if options.action == "sheet":
        parts = [f"## {n}\nSAYS: {task.prompt}\nPROGRAM:\n{task.gold}" for n, (task, _) in enumerate(drawn, 1)]
        options.out.write_text("\n".join(parts), encoding="utf-8")
        return
    found = usable(drawn, options.texts)
    missed = set(range(1, len(drawn) + 1)) - {number for number, _ in found}
    print(json.dumps({"usable": len(found), "tasks without a usable text": sorted(missed)}))
    taken = [(*drawn[number - 1], text) for number, text in found]
    if options.action == "take" and options.split == "dev":
        rows = [
            PromptRow(id=task.id, prompt=text, task=task.model_copy(update={"prompt": text})) for task, _, text in taken
        ]
        write_prompt_set(options.out, rows)
    elif options.action == "take":
        write_jsonl(options.out, (fields(task, slots, text) for task, slots, text in taken))


def fields(task: Task, slots: list[Slot], text: str) -> dict[str, object]:
    """A row of own_words.jsonl."""
    opened = [[slot.kind, slot.value, *(slot.bounds or ())] for slot in open_slots(slots, text, task.gold)]
    return {"family": task.family, "tier": task.tier, "prompt": text, "gold": task.gold, "slots": opened}


if __name__ == "__main__":
    main()
