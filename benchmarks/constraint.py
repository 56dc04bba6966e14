"""What the constraint and grounding are worth: the same prompts with and without them.

    .venv/bin/python benchmarks/constraint.py [--adapter FOLDER] [--json FILE] [--limit 64] [--device cpu]

Greedy first answers to dev prompts, no repair: unconstrained, under the grammar alone (its context-free part, no state
and no budget), under the full constraint, and with grounding. A copying error is an address or a name of a resource
that does not stand in the request (``decoding/grounding.py``); ``hurt`` and ``mended`` count tasks against the full
constraint.
"""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from ainl_align.artifacts import METRICS
from ainl_align.decoding.generate import Engine, GenerationSettings
from ainl_align.decoding.grounding import copied_literals, copying_errors
from ainl_align.evaluation.answer import CUT_SHORT, AnswerSettings, Job, answer
from ainl_align.evaluation.metrics import score
from ainl_align.evaluation.models import Wardrobe
from ainl_align.language.grammar import program_grammar
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, stratified
from ainl_align.tasks.suites import suite
from ainl_align.training.base import EMBEDDED, resolve
from ainl_align.training.checkpoints import load_adapter

MODES = ("unconstrained", "grammar", "full", "prefer", "require")


class GrammarOnly:
    """Stands in for ``Constraint``: one matcher a program over the whole grammar."""

    def __init__(self, tokenizer: Any, vocabulary: int, eos_ids: Sequence[int]) -> None:
        self.minimum = 1
        self.eos_ids = frozenset(eos_ids)
        self.tokens = from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(eos_ids))
        self.tokenizer = tokenizer
        self.matcher = LLMatcher(self.tokens, program_grammar())

    @property
    def vocabulary(self) -> int:
        return int(self.tokens.vocab_size)

    def start(self, budget: int, loop: int | None = None) -> "GrammarOnlyRow":
        return GrammarOnlyRow(self, budget)

    def allocate(self, rows: int) -> Any:
        return allocate_token_bitmask(rows, self.tokens.vocab_size)

    def fill(self, rows: Sequence["GrammarOnlyRow"], mask: Any) -> None:
        for place, row in enumerate(rows):
            fill_next_token_bitmask(row.matcher, mask, place)


class GrammarOnlyRow:
    """Stands in for ``RowConstraint``; a program that reaches the budget is cut off."""

    def __init__(self, owner: GrammarOnly, budget: int) -> None:
        self.owner = owner
        self.matcher = owner.matcher.deep_copy()
        self.finished = self.closed_by_budget = self.closed_by_loop = False
        self._budget = budget
        self._ids: list[int] = []

    @property
    def tight(self) -> bool:
        """Whether the next token may be the last that the budget lets through."""
        return len(self._ids) + 2 >= self._budget

    @property
    def place(self) -> "GrammarOnlyRow":
        """Where the program stands, for looking ahead."""
        return self

    def allows(self, token: int) -> bool:
        """Whether the grammar lets the token follow."""
        return int(self.matcher.validate_tokens([token])) == 1

    def copy(self) -> "GrammarOnlyRow":
        """The same row once more, to go on with by itself."""
        other = GrammarOnlyRow(self.owner, self._budget)
        other.matcher = self.matcher.deep_copy()
        other.finished, other._ids = self.finished, list(self._ids)
        return other

    @property
    def program(self) -> str:
        text: str = self.owner.tokenizer.decode(self._ids)
        return text

    def forced(self) -> list[int]:
        return list(self.matcher.compute_ff_tokens())

    def take(self, tokens: Iterable[int]) -> list[int]:
        gained = []
        for token in tokens:
            if token in self.owner.eos_ids or len(self._ids) + 1 >= self._budget:
                self.finished = True
                break
            assert self.matcher.consume_token(token)
            self._ids.append(token)
            gained.append(token)
        return gained


class _GrammarEngine(Engine):
    @property
    def constraint(self) -> Any:
        return self.grammar

    grammar: GrammarOnly


def measure(engine: Engine, tokenizer: Any, rows: Sequence[PromptRow], mode: str, budget: int) -> dict[str, Any]:
    """One mode's row of the table; ``passed`` lists the ids of the tasks that succeed."""
    settings = GenerationSettings(
        max_new_tokens=budget,
        constrained=mode != "unconstrained",
        batch_size=64,
        grounding=mode if mode in ("prefer", "require") else "off",  # type: ignore[arg-type]
    )
    if mode == "grammar":
        plain = _GrammarEngine(engine.model, tokenizer, engine.device)
        plain.grammar = GrammarOnly(tokenizer, len(tokenizer), plain.eos_ids)
        engine = plain
    started = time.monotonic()
    found = answer(
        engine, tokenizer, [Job(row) for row in rows], AnswerSettings(settings, repair_attempts=0), Progress(), mode
    )
    seconds = time.monotonic() - started
    programs = [item.program for item in found]
    scores = score(programs, rows, [item.finish_reason in CUT_SHORT for item in found])
    literals = [list(copied_literals(program)) for program in programs]
    errors = [copying_errors(program, row.prompt) for program, row in zip(programs, rows, strict=True)]
    return {
        "n": len(rows),
        **{name: sum(item.metrics[name] is True for item in scores) for name in METRICS},
        "copied_literals": sum(map(len, literals)),
        "copying_errors": sum(map(len, errors)),
        "programs_with_copying_errors": sum(map(bool, errors)),
        "copied_choices": sum(item.generations[0].copied_choices for item in found),
        "copies_lost": sum(item.generations[0].copies_lost for item in found),
        "tokens": sum(item.tokens for item in found),
        "seconds": round(seconds, 1),
        "passed": [row.id for row, item in zip(rows, scores, strict=True) if item.metrics["task_success"]],
        "programs": {row.id: program for row, program in zip(rows, programs, strict=True)},
    }


def main() -> None:
    """Print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, help="default: the bare base")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--limit", type=int, help="so many dev prompts, spread over tiers and families; default: all")
    parser.add_argument("--only", nargs="*", default=[], help="ids of dev prompts; default: all")
    parser.add_argument("--modes", nargs="*", default=list(MODES), choices=MODES)
    parser.add_argument("--budget", type=int, default=416)
    parser.add_argument("--base", default=EMBEDDED)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    rows = [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in suite("dev")]
    rows = [row for row in rows if row.id in options.only] if options.only else rows
    rows = stratified(rows, options.limit) if options.limit else rows
    wardrobe = Wardrobe(resolve(options.base), options.device, "none", Progress())
    results: dict[str, Any] = {}
    heads = {"canonical": 10, "success": 8, "rate": 6, "copy errors": 12, "mended": 7, "hurt": 5, "s": 7}
    print(f"{'mode':14}", *(f"{head:>{width}}" for head, width in heads.items()))
    adapter = load_adapter(options.adapter) if options.adapter else None
    with wardrobe.wearing(adapter) as engine:
        for mode in options.modes:
            row = results[mode] = measure(engine, wardrobe.tokenizer, rows, mode, options.budget)
            base = set(results.get("full", row)["passed"])
            mended, hurt = len(set(row["passed"]) - base), len(base - set(row["passed"]))
            print(
                f"{mode:14} {row['canonical']:10} {row['task_success']:8} {row['task_success'] / row['n']:6.3f} "
                f"{row['copying_errors']:6}/{row['copied_literals']:5} {mended:7} {hurt:5} {row['seconds']:7.1f}",
                flush=True,
            )
    if options.json:
        content = {"adapter": str(options.adapter), "prompts": len(rows), "budget": options.budget, "modes": results}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
