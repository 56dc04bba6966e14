"""Do readable names help? The same training rows with canonical names: v0, v1, ... and L_a, L_b, ...

    python benchmarks/names.py --rows TRAIN.jsonl --out CANONICAL.jsonl --same READABLE.jsonl
    python benchmarks/names.py --check 200

Names count up in the order in which a program first mentions them; ``body``, ``query`` and ``_error`` belong to the
runtime and stay. Rows of repairs show drafts and messages that hold names, so both files have the direct rows alone:
train one adapter on each with equal settings, and compare task_success on dev (the tasks judge what programs do, not
how they call things). ``--rows`` stops at a program whose new text is not canonical or whose names do not map back to
the old text; ``--check`` runs so many dev golds with their new names through their scenarios.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from ainl_align.artifacts import write_jsonl
from ainl_align.data.records import program_of, read_rows
from ainl_align.evaluation.metrics import score
from ainl_align.language.canonical import tokenize
from ainl_align.language.semantics import verdict
from ainl_align.tasks.prompts import PromptRow
from ainl_align.tasks.suites import suite

_KEPT = frozenset({"body", "query", "_error"})
_LABEL = re.compile(r"L_[a-z][a-z0-9_]*")
_OPERANDS = {"R": 2, "Set": 1, "J": 1, "If": 1, "Call": 1, "Err": 1, "Cr": 1, "E": 3}
"""Where the operands that may be names begin, by the first word of a line."""


def rename(program: str, names: dict[str, str]) -> str:
    """A canonical program with other names; names that ``names`` lacks stay."""
    lines = []
    for line in program.splitlines():
        words = tokenize(line) or []
        lead = line[: len(line) - len(line.lstrip())]
        lines.append(lead + " ".join(_replaced(words, names)) + "\n")
    return "".join(lines)


def _replaced(words: list[str], names: dict[str, str]) -> Iterator[str]:
    for place, word in enumerate(words):
        lead = "->" if word.startswith("->") else ""
        body, rest = word[len(lead) :], ""
        if place == 0 and word.endswith(":"):
            body, rest = word[:-1], ":"
        elif words[0] == "If" and place == 1:
            body, equals, atom = word.partition("=")
            rest = equals + atom
        is_name = place >= _OPERANDS.get(words[0], len(words)) or rest == ":"
        yield lead + (names.get(body, body) if is_name else body) + rest


def canonical_names(program: str) -> dict[str, str]:
    """The new name of every variable and label of a canonical program."""
    written: list[str] = []
    for line in program.splitlines():
        words = tokenize(line) or []
        if words[0] in ("R", "Set", "Call", "E"):
            written.append(words[1] if words[0] == "Set" else words[-1].removeprefix("->"))
    variables = [name for name in dict.fromkeys(written) if name not in _KEPT]
    labels = list(dict.fromkeys(_LABEL.findall(re.sub(r'"(?:[^"\\]|\\.)*"', "", program))))
    texts = set(re.findall(r'"([^"\\]*)"|=(\S+)', program))
    spelled = {text for pair in texts for text in pair}
    fresh = (name for name in (f"v{number}" for number in range(10_000)) if name not in spelled)
    names = dict(zip(variables, fresh, strict=False))
    return names | {label: f"L_{_letters(number)}" for number, label in enumerate(labels)}


def _letters(number: int) -> str:
    return (_letters(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)


def convert(program: str) -> str:
    """The program with canonical names; ValueError where that would change more than names."""
    names = canonical_names(program)
    new = rename(program, names)
    back = {new: old for old, new in names.items()}
    if len(back) < len(names) or rename(new, back) != program:
        raise ValueError(f"the names of this program do not map back:\n{program}")
    found = verdict(new)
    if not found.canonical:
        raise ValueError(f"not canonical with new names, {found.reasons[0].message}:\n{new}")
    return new


def check(count: int) -> int:
    """Run dev golds with canonical names; returns how many fail."""
    tasks = suite("dev")
    tasks = [tasks[number * len(tasks) // count] for number in range(count)]
    rows = [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in tasks]
    scores = score([convert(task.gold) for task in tasks], rows, [False] * len(rows))
    failed = [row.id for row, item in zip(rows, scores, strict=True) if item.metrics["task_success"] is not True]
    print(f"{len(rows) - len(failed)} of {len(rows)} golds do the same with canonical names", *failed)
    return len(failed)


def main() -> None:
    """Convert, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--same", type=Path, help="the same rows with the names that they have")
    parser.add_argument("--check", type=int, default=0)
    options = parser.parse_args()
    if options.check:
        sys.exit(bool(check(options.check)))
    rows = [row for row in read_rows(options.rows) if row["sample_type"] in ("direct", "regression")]
    converted = json.loads(json.dumps(rows))
    for row in converted:
        row["messages"][2]["content"] = convert(program_of(row))
    write_jsonl(options.out, converted)
    if options.same:
        write_jsonl(options.same, rows)
    before, after = (sum(len(program_of(row)) for row in part) for part in (rows, converted))
    print(f"{len(rows)} rows, {before} characters of programs before, {after} after")


if __name__ == "__main__":
    main()
