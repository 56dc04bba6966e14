"""The decoder's guarantee and its converse, over many programs, on all cores.

    python -m tests.decoding.fuzz [--programs 20000] [--corpus 10000] [--golds 20] [--json FILE] [--cases FOLDER]
    python -m tests.decoding.fuzz --replay CASE.json

The guarantee: programs decoded from adversarial logits over the embedded tokenizer, under budgets from the smallest
possible to 512 tokens, are canonical by our checker, accepted by the reference compiler in strict mode, within their
budget, and never at a dead end. The converse: golds of all suites (``--golds`` training tasks a family) and random
canonical programs that were written without the decoder's grammar are accepted token by token. The first failures
are written to ``--cases`` as files that ``--replay`` runs again. Exit status 1 when there is one. Needs no model: of
the base only tokenizer.json, tokenizer_config.json and chat_template.jinja (``--tokenizer FOLDER`` names another
place).
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ainl_align.data.leakage import WRITTEN
from ainl_align.decoding.constraint import Constraint, RowConstraint
from ainl_align.decoding.masks import Bitmask
from ainl_align.errors import ConstraintDeadEnd
from ainl_align.language.canonical import canonicalize
from ainl_align.language.semantics import verdict
from tests.decoding.adversaries import NAMES, Adversary
from tests.decoding.random_programs import random_program

MOST_TOKENS = 512
_TOGETHER = 8
_SHOWN = 6
"""Failures that are printed and written as cases; the JSON file has all."""


@dataclass(frozen=True)
class Case:
    """One program to decode: an adversary, its seed, and a budget in tokens."""

    adversary: str
    seed: int
    budget: int


@dataclass
class Outcome:
    """How a case went; ``problem`` is empty when all holds."""

    case: Case
    problem: str = ""
    program: str = ""
    tokens: int = 0
    choices: int = 0
    closed_by_budget: bool = False


def cases(count: int, minimum: int) -> list[Case]:
    """``count`` cases over all adversaries; every fourth budget is within 48 tokens of the smallest."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        most = minimum + 49 if number % 4 == 0 else MOST_TOKENS + 1
        made.append(Case(NAMES[number % len(NAMES)], number, int(rng.integers(minimum, most))))
    return made


class _Walk:
    """One case on its way."""

    def __init__(self, constraint: Constraint, texts: tuple[bytes, ...], case: Case) -> None:
        self.case = case
        self.row = constraint.start(case.budget)
        self.taken: list[int] = []
        self.choices = 0
        self._adversary = Adversary(case.adversary, case.seed, texts, constraint.eos_ids[0])

    def force(self) -> None:
        """Take what is forced."""
        while not self.row.finished and (forced := self.row.forced()):
            self.taken += self.row.take(forced)

    def choose(self, mask: Bitmask) -> None:
        """Choose among what the mask allows, and take it."""
        allowed = np.flatnonzero(np.unpackbits(mask.view(np.uint8), bitorder="little"))
        self.choices += 1
        self.taken += self.row.take([self._adversary.choose(allowed)])

    def outcome(self, problem: str = "") -> Outcome:
        row = self.row
        problem = problem or finished_problem(row, self.taken)
        return Outcome(self.case, problem, row.program, row.used + 1, self.choices, row.closed_by_budget)


def finished_problem(row: RowConstraint, taken: Sequence[int]) -> str:
    """What is wrong with a finished row that took these tokens; empty when nothing is."""
    text = row.program
    found = verdict(text)
    if not found.canonical:
        rung = "accepted by the compiler" if found.strict_compile else "refused by the compiler"
        return f"not canonical, {rung}: " + "; ".join(f"line {why.line}: {why.message}" for why in found.reasons[:3])
    if row.budget is not None and row.used + 1 > row.budget:
        return f"{row.used + 1} tokens, over the budget of {row.budget}"
    if canonicalize(text).text != text:
        return "not in canonical form"
    if b"".join(map(row.owner.text, taken)) != text.encode() or len(taken) != row.used:
        return "the tokens are not those of the program"
    return ""


def decode(constraint: Constraint, texts: tuple[bytes, ...], wanted: Sequence[Case]) -> list[Outcome]:
    """Decode cases side by side; when one ends in an error, each by itself."""
    walks = [_Walk(constraint, texts, case) for case in wanted]
    mask = constraint.allocate(len(walks))
    try:
        while going := [walk for walk in walks if not walk.row.finished]:
            for walk in going:
                walk.force()
            going = [walk for walk in going if not walk.row.finished]
            constraint.fill([walk.row for walk in going], mask)
            for place, walk in enumerate(going):
                walk.choose(mask[place])
    except (ConstraintDeadEnd, ValueError) as error:
        if len(walks) == 1:
            return [walks[0].outcome(f"{type(error).__name__}: {error}")]
        return [outcome for case in wanted for outcome in decode(constraint, texts, [case])]
    return [walk.outcome() for walk in walks]


def refusal(constraint: Constraint, ids: Sequence[int], program: str) -> str:
    """Why the constraint does not let these tokens of a program through, one by one; empty when it does."""
    row = constraint.start(None)
    mask = constraint.allocate(1)
    for place, token in enumerate(ids):
        if row.finished:
            return f"the end is forced after {row.program[-80:]!r}"
        forced = row.forced()
        if forced and list(forced) != list(ids[place : place + len(forced)]):
            return f"{constraint.text(forced[0])!r} is forced after {row.program[-80:]!r}"
        constraint.fill([row], mask)
        if not mask[0, token >> 5] >> (token & 31) & 1:
            return f"{constraint.text(token)!r} is barred after {row.program[-80:]!r}"
        row.take([token])
    if not row.finished:
        return "the end is not allowed after the last character"
    return "" if row.program == program else "the tokens are not those of the program"


# ---- on all cores

_own: dict[str, Any] = {}
"""This process's constraint, tokenizer and token texts."""


def _open(tokenizer_folder: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    constraint = Constraint(tokenizer, vocabulary=len(tokenizer), eos_ids=[tokenizer.eos_token_id])
    texts = tuple(constraint.text(token) for token in range(constraint.vocabulary))
    _own.update(tokenizer=tokenizer, constraint=constraint, texts=texts)


def _minimum() -> int:
    return int(_own["constraint"].minimum)


def _decode(wanted: Sequence[Case]) -> list[Outcome]:
    return decode(_own["constraint"], _own["texts"], wanted)


def _accept(programs: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """(name, program, problem) of each (name, program)."""
    found = []
    for name, program in programs:
        judged = verdict(program)
        ids = _own["tokenizer"].encode(program, add_special_tokens=False)
        problem = refusal(_own["constraint"], ids, program) if judged.canonical else "is not canonical itself"
        found.append((name, program, problem))
    return found


def _accept_random(seeds: Sequence[int]) -> list[tuple[str, str, str]]:
    return _accept([(f"random-{seed}", random_program(seed, awkward=seed % 4 == 0)) for seed in seeds])


def _golds(per_family: int) -> dict[str, list[tuple[str, str]]]:
    from ainl_align.tasks.prompts import load_prompt_set
    from ainl_align.tasks.suites import generate, suite

    handwritten = [row.task for row in load_prompt_set(WRITTEN["handwritten"]) if row.task is not None]
    sets = {
        "train": generate("train", seed=7, per_family=per_family),
        "dev": suite("dev"),
        "test": suite("test"),
        "regression": suite("regression"),
        "handwritten": handwritten,
    }
    return {name: [(task.id, task.gold) for task in tasks] for name, tasks in sets.items()}


def _chunks(items: Iterable[Any], size: int) -> list[list[Any]]:
    stream = iter(items)
    return list(iter(lambda: list(islice(stream, size)), []))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Everything; returns what the JSON file holds, failures included."""
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, context, _open, (str(options.tokenizer),)) as pool:
        minimum = pool.submit(_minimum).result()
        decoded = [pool.submit(_decode, part) for part in _chunks(cases(options.programs, minimum), _TOGETHER)]
        golds = _golds(options.golds)
        accepted = {
            name: [pool.submit(_accept, part) for part in _chunks(programs, 20)] for name, programs in golds.items()
        }
        accepted["random corpus"] = [pool.submit(_accept_random, part) for part in _chunks(range(options.corpus), 20)]
        outcomes = [outcome for job in decoded for outcome in job.result()]
        verdicts = {name: [item for job in jobs for item in job.result()] for name, jobs in accepted.items()}
    return {
        "minimum_budget": minimum,
        "most_tokens": MOST_TOKENS,
        "adversaries": {name: _tally([o for o in outcomes if o.case.adversary == name]) for name in NAMES},
        "all": _tally(outcomes),
        "converse": {
            name: {"programs": len(items), "accepted": sum(not problem for *_, problem in items)}
            for name, items in verdicts.items()
        },
        "processes": options.processes,
        "seconds": round(time.monotonic() - started, 1),
        "failures": [
            *({**asdict(outcome)} for outcome in outcomes if outcome.problem),
            *(
                {"name": name, "program": program, "problem": problem}
                for items in verdicts.values()
                for name, program, problem in items
                if problem
            ),
        ],
    }


def _tally(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    problems = Counter(_kind(outcome.problem) for outcome in outcomes if outcome.problem)
    return {
        "programs": len(outcomes),
        "good": sum(not outcome.problem for outcome in outcomes),
        "not_canonical": problems["not canonical"],
        "over_budget": problems["over the budget"],
        "dead_ends": problems["dead end"],
        "other": problems["other"],
        "closed_by_budget": sum(outcome.closed_by_budget for outcome in outcomes),
        "tokens": sum(outcome.tokens for outcome in outcomes),
        "choices": sum(outcome.choices for outcome in outcomes),
        "different": len({outcome.program for outcome in outcomes}),
    }


def _kind(problem: str) -> str:
    for words in ("not canonical", "over the budget"):
        if words in problem:
            return words
    return "dead end" if problem.startswith((ConstraintDeadEnd.__name__, ValueError.__name__)) else "other"


def show(results: dict[str, Any]) -> None:
    """Print the tables."""
    heads = ("programs", "good", "not_canonical", "over_budget", "dead_ends", "other", "closed_by_budget", "tokens")
    print(f"{'adversary':20}", *(f"{head:>16}" for head in heads))
    for name, row in {**results["adversaries"], "all": results["all"]}.items():
        print(f"{name:20}", *(f"{row[head]:16}" for head in heads))
    print(f"\n{'accepted':20} {'programs':>16} {'accepted':>16}")
    for name, row in results["converse"].items():
        print(f"{name:20} {row['programs']:16} {row['accepted']:16}")
    print(
        f"\nbudgets {results['minimum_budget']} to {results['most_tokens']} tokens, "
        f"{results['all']['different']} different programs, {results['processes']} processes, {results['seconds']} s, "
        f"{len(results['failures'])} failures"
    )


def replay(path: Path, tokenizer: Path) -> bool:
    """Run a dumped case again; tells whether it is still wrong."""
    _open(str(tokenizer))
    content = json.loads(path.read_text(encoding="utf-8"))
    if "case" in content:
        (outcome,) = _decode([Case(**content["case"])])
        program, problem = outcome.program, outcome.problem
    else:
        ((_, program, problem),) = _accept([(content["name"], content["program"])])
    print(f"{program}\n{problem or 'nothing is wrong'}")
    return bool(problem)


def main() -> None:
    """Run, print the tables, write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--corpus", type=int, default=10_000)
    parser.add_argument("--golds", type=int, default=20, help="training tasks of each family")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--tokenizer", type=Path, help="folder of a fast tokenizer; default: the embedded base's")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--cases", type=Path, help="folder for failures")
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.tokenizer is None:
        from ainl_align.training.base import EMBEDDED, resolve

        options.tokenizer = resolve(EMBEDDED).folder
    if options.replay:
        sys.exit(replay(options.replay, options.tokenizer))
    results = run(options)
    show(results)
    for number, failure in enumerate(results["failures"]):
        if number >= _SHOWN:
            break
        print(json.dumps(failure, ensure_ascii=False)[:600])
        if options.cases:
            options.cases.mkdir(parents=True, exist_ok=True)
            text = json.dumps(failure, ensure_ascii=False, indent=2)
            (options.cases / f"case-{number}.json").write_text(f"{text}\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(results["failures"]))


if __name__ == "__main__":
    main()
