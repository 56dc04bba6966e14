"""The ladder: six metrics of base, base with examples in the prompt, and adapter; constraint and repair off and on.

    .venv/bin/python benchmarks/ladder.py --adapter FOLDER --out FOLDER [--json FILE]
        [--sets regression dev own_words handwritten] [--few-shot 2 4 8] [--processes 1] [--device auto]

Greedy. Every system answers every set twice: unconstrained, and constrained with two repairs, whose first answers are
the condition without repair. ``few-shot K`` is the base with K golds of training tasks as turns of the chat before the
request, those whose requests are most like it (cosine over words and pairs of words), the nearest last; the K
that does best on dev, constrained, is the one that is compared. The test suite is opened by ``--sets test`` alone, with
that K, which needs the dev answers in the same folder.

``--out`` keeps one file a set, system and mode, and the answers as they come, so a run that was stopped goes on;
``--processes`` works on so many at once, which a GPU is used better by: launches limit so small a model. ``--json``
gathers all that the folder has: counts with exact 95% intervals (Clopper and Pearson 1934), by tier and by composition
(seen in training or not), kinds of failure (``failure_family`` of the reports, and ``data/failures.py``) with examples.
"""

import argparse
import json
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import binomtest

from ainl_align.artifacts import METRICS, content_hash, file_hash, provenance
from ainl_align.data.failures import kinds_of
from ainl_align.data.leakage import WRITTEN
from ainl_align.decoding.grounding import copying_errors
from ainl_align.errors import UserError
from ainl_align.evaluation.answer import Answer, Answers, AnswerSettings, Done, Job, answer, scored
from ainl_align.evaluation.metrics import Score, failure_family
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.run import prompt_set_hash
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.evaluation.store import Circumstances, Shelf, answered
from ainl_align.progress import Progress
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, stratified
from ainl_align.tasks.suites import generate, suite
from ainl_align.training.base import EMBEDDED, resolve
from ainl_align.training.checkpoints import WEIGHTS, load_adapter
from ainl_align.training.precision import pick_device

SETS = ("regression", "dev", "own_words", "medley", "handwritten", "test")
MODES = ("unconstrained", "constrained")
CONDITIONS = {
    "unconstrained": ("unconstrained", "first"),
    "constrained": ("constrained", "first"),
    "constrained + repair": ("constrained", "final"),
}
"""Condition to the mode that it was answered in, and which answer counts."""
_EXAMPLE_SEED, _EXAMPLES_PER_FAMILY, _LEAST_TASKS = 4711, 40, 5
_SHOWN = 3


@dataclass(frozen=True)
class Options:
    """What every part shares; ``limit`` prompts of each set, 0: all."""

    adapter: Path
    out: Path
    base: str
    device: str
    budget: int
    batch: int
    repairs: int
    limit: int
    threads: int

    def settings(self, mode: str) -> AnswerSettings:
        """How a mode answers."""
        return DecodingSettings(
            base_model=self.base,
            device=self.device,
            max_new_tokens=self.budget,
            batch_size=self.batch,
            constrained_decoding=mode == "constrained",
            repair_attempts=self.repairs if mode == "constrained" else 0,
        ).answering()

    def file(self, name: str, system: str, mode: str) -> Path:
        """Where one set's part is kept."""
        return self.out / f"{name}_{system.replace(' ', '')}_{mode}.json"


def prompts(name: str, limit: int = 0) -> list[PromptRow]:
    """A set's prompts."""
    if name in WRITTEN:
        rows = load_prompt_set(WRITTEN[name])
    else:
        rows = [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in suite(name)]  # type: ignore[arg-type]
    return stratified(rows, limit) if limit else rows


def _terms(prompt: str) -> Counter[str]:
    """Plain words and pairs of them; URLs, paths and names of resources say nothing of what is to be done."""
    words = [word.lower() for word in (raw.strip(".,;:!?()\"'") for raw in prompt.split()) if word.isalpha()]
    return Counter([*words, *(f"{one} {two}" for one, two in pairwise(words))])


class _Library:
    """Training requests with their golds, as vectors of terms."""

    def __init__(self) -> None:
        tasks = generate("train", seed=_EXAMPLE_SEED, per_family=_EXAMPLES_PER_FAMILY)
        self.examples = [(task.prompt, task.gold) for task in tasks]
        terms = [_terms(prompt) for prompt, _ in self.examples]
        frequent = Counter(term for found in terms for term in found)
        kept = sorted(term for term, count in frequent.items() if count >= _LEAST_TASKS)
        self._place = {term: at for at, term in enumerate(kept)}
        self._weight = [math.sqrt(math.log(len(tasks) / frequent[term])) for term in kept]
        self._vectors = np.stack([self._vector(found) for found in terms])

    def _vector(self, terms: Counter[str]) -> np.ndarray[Any, Any]:
        made = np.zeros(len(self._place), np.float32)
        for term, count in terms.items():
            if (at := self._place.get(term)) is not None:
                made[at] = math.sqrt(count) * self._weight[at]
        return made / max(float(np.linalg.norm(made)), 1e-9)

    def nearest(self, prompt: str, count: int) -> tuple[tuple[str, str], ...]:
        """The ``count`` requests most like a prompt, the nearest last."""
        order = np.argsort(-(self._vectors @ self._vector(_terms(prompt))), kind="stable")[:count]
        return tuple(self.examples[at] for at in reversed(order.tolist()))


def measure(options: Options, system: str, mode: str, names: Sequence[str]) -> list[str]:
    """Answer and score the sets that the folder does not have yet; returns a line for each."""
    torch.set_num_threads(options.threads)
    progress = Progress()
    base, adapter = resolve(options.base), load_adapter(options.adapter) if system == "adapter" else None
    wardrobe = Wardrobe(base, options.device, "none", progress)
    settings, shots = options.settings(mode), int(system.removeprefix("few-shot ")) if "few" in system else 0
    key = Circumstances(base, settings, wardrobe.path).key(adapter)
    sets = {name: prompts(name, options.limit) for name in names}
    keys = {name: content_hash([key, shots, prompt_set_hash(rows)]) for name, rows in sets.items()}
    sets = {name: rows for name, rows in sets.items() if _key(options.file(name, system, mode)) != keys[name]}
    rows = [row for found in sets.values() for row in found]
    if not rows:
        return [f"{system}, {mode}: known"]

    def ask(jobs: Sequence[Job], done: Done) -> Sequence[Answer]:
        with wardrobe.wearing(adapter) as engine:
            return answer(engine, wardrobe.tokenizer, jobs, settings, progress, f"{system}, {mode}", done)

    started = time.monotonic()
    library = _Library() if shots else None
    shelf = Shelf(options.out / "answers" / system.replace(" ", ""), key, progress)
    jobs = [Job(row, examples=library.nearest(row.prompt, shots) if library else ()) for row in rows]
    answers, replayed = answered(jobs, [shelf], ask)
    seconds = time.monotonic() - started
    judged = scored(Answers(rows, answers, replayed))
    lines, at = [], 0
    for name, found in sets.items():
        part = judged.part(range(at, at + len(found)))
        at += len(found)
        content = {
            "key": keys[name],
            "set": name,
            "system": system,
            "mode": mode,
            "device": options.device,
            "answered_in_s": round(seconds, 1),
            "answered_together": len(rows),
            "replayed": replayed,
            "results": [
                {
                    "id": row.id,
                    "tier": row.task.tier if row.task else None,
                    "unseen": held_out(row.task.cluster) if row.task else None,
                    "prompt": row.prompt,
                    "first": _verdict(row, item.drafts[0] if item.drafts else item.program, one, item.first_finish),
                    "final": _verdict(row, item.program, other, item.finish_reason),
                    "repairs": item.attempts,
                }
                for row, item, one, other in zip(found, part.answers.answers, part.first_pass, part.final, strict=True)
            ],
        }
        file = options.file(name, system, mode)
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        met = sum(one.metrics["task_success"] is True for one in part.first_pass)
        lines.append(f"{name}: {system}, {mode}: {met} of {len(found)}; {len(rows)} prompts in {seconds:.0f} s")
    return lines


def _key(file: Path) -> str | None:
    return json.loads(file.read_text(encoding="utf-8"))["key"] if file.is_file() else None


def _verdict(row: PromptRow, program: str, result: Score, finish: str) -> dict[str, Any]:
    found: dict[str, Any] = {"program": program, "metrics": dict(result.metrics), "finish_reason": finish}
    family = failure_family(result, finish)
    if family is None:
        return found
    reasons = [{"line": why.line, "code": why.code, "message": why.message[:300]} for why in result.reasons]
    scenarios = [{"passed": passed} for _, passed, _ in (result.outcome.scenarios if result.outcome else ())]
    side = {"failure_family": family, "final": {"metrics": result.metrics, "reasons": reasons}, "scenarios": scenarios}
    copied = copying_errors(program, row.prompt)
    return {
        **found,
        "failure": family,
        "kinds": kinds_of(side),
        "reasons": reasons[:_SHOWN],
        "copying_errors": len(copied),
    }


def interval(count: int, n: int) -> dict[str, Any]:
    """A rate with its exact 95% interval."""
    bounds = binomtest(count, n).proportion_ci(0.95, "exact") if n else None
    rate = {"count": count, "n": n, "rate": count / n if n else None}
    return {**rate, "low": float(bounds.low) if bounds else None, "high": float(bounds.high) if bounds else None}


def gather(options: Options) -> dict[str, Any]:
    """All parts of the folder as one table, with examples of the adapter's failures on dev."""
    parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(options.out.glob("*_*_*constrained.json"))]
    rows = []
    for part in sorted(parts, key=lambda part: (SETS.index(part["set"]), part["system"], part["mode"])):
        for condition, (mode, which) in CONDITIONS.items():
            if mode == part["mode"]:
                rows.append(_row(part, condition, which))
    content = {
        "few_shot": {"tried": _tried(parts), "best": best_shots(parts)},
        "conditions": {name: f"{mode}, {which} answer" for name, (mode, which) in CONDITIONS.items()},
        "rows": rows,
        "examples": _examples(parts),
    }
    settings = {"base": options.base, "budget": options.budget, "repairs": options.repairs, "limit": options.limit}
    made_by = provenance(settings, data={}, device=options.device)
    return {"adapter_sha256": file_hash(options.adapter / WEIGHTS), **content, "provenance": made_by}


def _row(part: dict[str, Any], condition: str, which: str) -> dict[str, Any]:
    results = part["results"]
    verdicts = [item[which] for item in results]
    failed = [verdict for verdict in verdicts if "failure" in verdict]

    def success(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
        met = [item[which]["metrics"]["task_success"] is True for item in items]
        return interval(sum(met), len(met))

    tiers = sorted({item["tier"] for item in results if item["tier"]})
    return {
        "set": part["set"],
        "system": part["system"],
        "condition": condition,
        "device": part["device"],
        "metrics": {
            name: interval(sum(verdict["metrics"][name] is True for verdict in verdicts), len(verdicts))
            for name in METRICS
        },
        "by_tier": {tier: success(item for item in results if item["tier"] == tier) for tier in tiers},
        "by_composition": {
            name: success(item for item in results if item["unseen"] is unseen)
            for name, unseen in (("seen", False), ("unseen", True))
        },
        "failures": dict(Counter(verdict["failure"] for verdict in failed).most_common()),
        "kinds": dict(Counter(kind for verdict in failed for kind in verdict["kinds"]).most_common()),
        "with_copying_errors": sum(verdict["copying_errors"] > 0 for verdict in failed),
        "answered_in_s": part["answered_in_s"],
        "answered_together": part["answered_together"],
    }


def _tried(parts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Task success on dev, first answers, by number of examples and mode."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        if part["set"] == "dev" and part["system"].startswith("few-shot"):
            met = [item["first"]["metrics"]["task_success"] is True for item in part["results"]]
            shots = part["system"].removeprefix("few-shot ")
            found.setdefault(shots, {})[part["mode"]] = interval(sum(met), len(met))
    return found


def best_shots(parts: Iterable[dict[str, Any]]) -> int | None:
    """The number of examples that does best on dev, constrained; None where none was tried."""
    tried = {int(shots): by["constrained"]["count"] for shots, by in _tried(parts).items() if "constrained" in by}
    return min(tried, key=lambda shots: (-tried[shots], shots)) if tried else None


def _examples(parts: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Failed first answers of the constrained adapter on dev, a few of each kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        if (part["set"], part["system"], part["mode"]) != ("dev", "adapter", "constrained"):
            continue
        for item in part["results"]:
            for kind in item["first"].get("kinds", ())[:1]:
                if len(found.setdefault(kind, [])) < _SHOWN:
                    shown = {name: item["first"][name] for name in ("program", "failure", "reasons")}
                    found[kind].append({"id": item["id"], "tier": item["tier"], "prompt": item["prompt"], **shown})
    return found


def systems(options: Options, names: Sequence[str], shots: Sequence[int]) -> list[str]:
    """Who answers: of the numbers of examples only the best one where the test suite is opened."""
    if "test" in names:
        parts = [json.loads(path.read_text(encoding="utf-8")) for path in options.out.glob("dev_few-shot*.json")]
        best = best_shots(parts)
        if best is None:
            raise UserError(f"{options.out}: has no dev answers with examples; run --sets dev into it first")
        shots = [best]
    return ["base", *(f"few-shot {count}" for count in shots), "adapter"]


def main() -> None:
    """Answer what is missing, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts; another run goes on in it")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS[:-1]))
    parser.add_argument("--systems", nargs="+", help="only these, for example: adapter 'few-shot 4'")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--few-shot", type=int, nargs="+", default=[2, 4, 8], help="numbers of examples to try")
    parser.add_argument("--budget", type=int, default=416)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repairs", type=int, default=2)
    parser.add_argument(
        "--limit", type=int, default=0, help="so many prompts of each set, spread over tiers and families"
    )
    parser.add_argument("--base", default=EMBEDDED)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    options = Options(
        adapter=given.adapter,
        out=given.out,
        base=given.base,
        device=pick_device(given.device),
        budget=given.budget,
        batch=given.batch,
        repairs=given.repairs,
        limit=given.limit,
        threads=max(1, (os.cpu_count() or 1) // given.processes),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    who = given.systems or systems(options, given.sets, given.few_shot)
    # The longest first: examples make long prompts, and what is unconstrained runs to the end of the budget.
    work = sorted(
        ((system, mode) for system in who for mode in given.modes), key=lambda item: (item[0], item[1]), reverse=True
    )
    if given.processes == 1:
        for system, mode in work:
            print("\n".join(measure(options, system, mode, given.sets)), flush=True)
    else:
        with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
            for lines in pool.map(
                measure, *zip(*((options, system, mode, given.sets) for system, mode in work), strict=True)
            ):
                print("\n".join(lines), flush=True)
    content = gather(options)
    print(f"\n{'set':12}{'system':12}{'condition':26}{'n':>5}{'canonical':>11}{'success':>9}{'rate':>7}  95%")
    for row in content["rows"]:
        success = row["metrics"]["task_success"]
        print(
            f"{row['set']:12}{row['system']:12}{row['condition']:26}{success['n']:5}{row['metrics']['canonical']['count']:11}"
            f"{success['count']:9}{success['rate']:7.3f}  {success['low']:.3f} to {success['high']:.3f}"
        )
    if given.json:
        given.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
