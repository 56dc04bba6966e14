"""What constrained decoding costs: masks beside other engines', and tokens a second beside unconstrained decoding.

    .venv/bin/python benchmarks/decode.py [--json FILE] [--programs 200] [--rows 1 8 32] [--adapter FOLDER]
        [--device cuda] [--no-cuda-graphs]

Masks are made along gold programs of the dev suite, one row at a time. For ``ainl`` a row's time is all that the
constraint does for one choice: the mask, forced tokens, and taking the token, grammars built on the way included;
it starts with nothing remembered, and every program is met once, so this is the mix of seen and unseen places of real
decoding. ``ainl_unseen`` forgets everything before each program, ``ainl_seen`` walks the same programs once more.
``llguidance`` is the context-free part of the same grammar (``program_grammar``) in one matcher:
mask and taking the token. ``xgrammar`` is the same in XGrammar, where it is installed (``pip install --no-deps
xgrammar apache-tvm-ffi``): its EBNF has no exclusions, so there a text may look like a number and a name may be a
reserved word. ``naive`` asks the llguidance matcher about every token of the vocabulary, one after the other, at a
few places. End to end, the same prompts are decoded with and without the constraint in turns; forced tokens count as
output, and the ratio is that of the medians.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from ainl_align.data.records import request_messages
from ainl_align.decoding.constraint import Constraint
from ainl_align.decoding.generate import Engine, GenerationSettings, Request
from ainl_align.decoding.health import counters
from ainl_align.evaluation.models import Wardrobe
from ainl_align.language.grammar import program_grammar
from ainl_align.progress import Progress
from ainl_align.tasks.suites import suite
from ainl_align.tasks.task_model import Task
from ainl_align.training.base import EMBEDDED, BaseModel, load_tokenizer, resolve
from ainl_align.training.checkpoints import load_adapter
from ainl_align.training.encode import prompt_ids

_BUDGET = 416
_NAIVE_PLACES = 12
_SLOPE_ROWS = (1, 4, 16, 64)


def walk(constraint: Constraint, programs: Sequence[Sequence[int]], *, forget: bool = False) -> list[tuple[int, float]]:
    """(tokens so far, seconds) of every choice along the programs; ``forget``: each as the first of a process."""
    found = []
    mask = constraint.allocate(1)
    for ids in programs:
        if forget:
            constraint.forget()
        row = constraint.start(max(_BUDGET, 2 * len(ids)))
        while not row.finished:
            place = row.used
            start = time.perf_counter()
            constraint.fill([row], mask)
            row.take([ids[place]])
            while not row.finished and (forced := row.forced()):
                row.take(forced)
            found.append((place, time.perf_counter() - start))
    return found


def walk_plain(tokens: Any, programs: Sequence[Sequence[int]], shape: int) -> list[float]:
    """Seconds of every mask and the token after it, with one llguidance matcher a program."""
    found = []
    start_at = LLMatcher(tokens, program_grammar())
    assert not start_at.is_error(), start_at.get_error()
    mask = np.zeros(shape, dtype=np.int32)
    for ids in programs:
        matcher = start_at.deep_copy()
        for token in ids:
            start = time.perf_counter()
            matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            taken = matcher.consume_token(token)
            found.append(time.perf_counter() - start)
            assert taken, matcher.get_error()
    return found


def ebnf() -> str:
    """``program_grammar`` in XGrammar's EBNF, without the exclusions that it cannot say."""
    item = re.compile(r'(?: & ~)?/(?P<regex>(?:[^/\\\n]|\\.)+)/|"(?:[^"\\\n]|\\.)*"|.')
    rules = []
    for line in program_grammar().splitlines():
        name, _, body = line.partition(": ")
        parts = [
            "" if found[0].startswith(" &") else f"({_ebnf_regex(found['regex'])})" if found["regex"] else found[0]
            for found in item.finditer(body)
        ]
        rules.append(f"{'root' if name == 'start' else name} ::= {''.join(parts)}")
    return "\n".join(rules)


def _ebnf_regex(pattern: str) -> str:
    part = re.compile(r"\[(?:[^\]\\]|\\.)*\]|\{[0-9,]+\}|[()|*+?]|\\.|.")
    written = []
    for found in part.findall(pattern):
        literal = found[0] == "\\" or (len(found) == 1 and found not in "()|*+?")
        if literal:
            written.append(f' "{found[-1] if found[-1] not in (chr(34), chr(92)) else chr(92) + found[-1]}"')
        else:
            written.append(f" {found}" if found[0] in "[(|" else found)
    return "".join(written)


def walk_xgrammar(tokenizer: Any, programs: Sequence[Sequence[int]], vocabulary: int) -> dict[str, Any]:
    """The row of the mask table for XGrammar, with the seconds that compiling the grammar took."""
    import xgrammar

    info = xgrammar.TokenizerInfo.from_huggingface(
        tokenizer, vocab_size=vocabulary, stop_token_ids=[tokenizer.eos_token_id]
    )
    start = time.perf_counter()
    compiled = xgrammar.GrammarCompiler(info).compile_grammar(ebnf())
    compiling = time.perf_counter() - start
    mask = xgrammar.allocate_token_bitmask(1, vocabulary)
    found = []
    for ids in programs:
        matcher = xgrammar.GrammarMatcher(compiled)
        for token in ids:
            start = time.perf_counter()
            matcher.fill_next_token_bitmask(mask)
            taken = matcher.accept_token(token)
            found.append(time.perf_counter() - start)
            assert taken, f"xgrammar refuses token {token}"
    return {**spread(found), "compile_s": compiling, "version": importlib.metadata.version("xgrammar")}


def walk_naive(tokens: Any, ids: Sequence[int], vocabulary: int) -> list[float]:
    """Seconds of a mask that asks about every token by itself, at places spread over one program."""
    matcher = LLMatcher(tokens, program_grammar())
    found = []
    for place, token in enumerate(ids):
        if place % max(1, len(ids) // _NAIVE_PLACES) == 0:
            start = time.perf_counter()
            for candidate in range(vocabulary):
                matcher.validate_tokens([candidate])
            found.append(time.perf_counter() - start)
        matcher.consume_token(token)
    return found


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """p50, mean and p99 in microseconds, and how many masks."""
    micros = np.asarray(seconds) * 1e6
    return {
        "p50_us": float(np.median(micros)),
        "mean_us": float(micros.mean()),
        "p99_us": float(np.percentile(micros, 99)),
        "masks": len(micros),
    }


def batch_cost(constraint: Constraint, programs: Sequence[Sequence[int]]) -> tuple[dict[int, float], float]:
    """Median microseconds to fill the masks of so many rows in one call, and the slope by row."""
    costs: dict[int, float] = {}
    for count in _SLOPE_ROWS:
        rows = [constraint.start(None) for _ in range(count)]
        for number, row in enumerate(rows):
            ids = programs[number % len(programs)]
            row.take(ids[: len(ids) // 2])
        mask = constraint.allocate(count)
        timed = []
        for _ in range(9):
            start = time.perf_counter()
            constraint.fill(rows, mask)
            timed.append(time.perf_counter() - start)
        costs[count] = statistics.median(timed) * 1e6
    return costs, float(np.polyfit(list(costs), list(costs.values()), 1)[0])


def end_to_end(
    engine: Engine, requests: Sequence[Request], rows: int, budget: int, repeats: int, *, graphs: bool
) -> dict[str, Any]:
    """Tokens a second with and without the constraint, in turns."""
    speeds: dict[bool, list[float]] = {True: [], False: []}
    shares = []
    chosen = [requests[number % len(requests)] for number in range(rows)]
    if torch.device(engine.device).type == "cuda":  # recording CUDA graphs, once a process, is no part of the speed
        for constrained in (True, False, True, False):
            settings = GenerationSettings(
                max_new_tokens=budget, constrained=constrained, batch_size=rows, cuda_graphs=graphs
            )
            engine.generate(chosen, settings, Progress())
    for _ in range(repeats):
        for constrained in (True, False):
            settings = GenerationSettings(
                max_new_tokens=budget, constrained=constrained, batch_size=rows, cuda_graphs=graphs
            )
            start = time.perf_counter()
            found = engine.generate(chosen, settings, Progress())
            speeds[constrained].append(sum(item.tokens for item in found) / (time.perf_counter() - start))
            if constrained:
                shares.append(counters(found)["forced_share"])
    ours, free = statistics.median(speeds[True]), statistics.median(speeds[False])
    return {
        "batch": rows,
        "ratio": ours / free,
        "tokens_per_s": ours,
        "unconstrained_tokens_per_s": free,
        "forced_share": statistics.median(shares),
    }


def measure_masks(tokenizer: Any, vocabulary: int, golds: Sequence[str]) -> dict[str, Any]:
    """The mask table and the slopes."""
    eos = [tokenizer.eos_token_id]
    constraint = Constraint(tokenizer, vocabulary=vocabulary, eos_ids=eos)
    encode: Callable[[str], list[int]] = lambda text: tokenizer.encode(text, add_special_tokens=False)  # noqa: E731
    programs = [encode(gold) for gold in golds]
    first = walk(constraint, programs)
    seen = walk(constraint, programs)
    unseen = walk(constraint, programs, forget=True)
    tokens = from_tokenizer(tokenizer, n_vocab=constraint.vocabulary, eos_token=eos)
    shape = constraint.allocate(1).shape[1]
    costs, slope = batch_cost(constraint, programs)
    peers = {"xgrammar": walk_xgrammar(tokenizer, programs, vocabulary)} if importlib.util.find_spec("xgrammar") else {}
    return {
        "vocabulary": vocabulary,
        "programs": len(programs),
        "mask": {
            "ainl": spread([seconds for _, seconds in first]),
            "ainl_seen": spread([seconds for _, seconds in seen]),
            "ainl_unseen": spread([seconds for _, seconds in unseen]),
            "llguidance": spread(walk_plain(tokens, programs, shape)),
            **peers,
            "naive": spread(walk_naive(tokens, programs[0], vocabulary)),
        },
        "fill_us_by_rows": costs,
        "fill_us_slope_by_row": slope,
        "choice_us_slope_by_token": float(
            np.polyfit([place for place, _ in seen], [seconds * 1e6 for _, seconds in seen], 1)[0]
        ),
    }


def main() -> None:
    """Print the tables and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 8, 32], help="none: no model, masks alone")
    parser.add_argument("--budget", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--base", default=EMBEDDED)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--cuda-graphs", action=argparse.BooleanOptionalAction, default=True, help="on CUDA: record passes, replay them"
    )
    options = parser.parse_args()
    base = resolve(options.base)
    tokenizer = load_tokenizer(base)
    tasks = suite("dev")
    tasks = [tasks[number * len(tasks) // options.programs] for number in range(options.programs)]
    results = measure_masks(tokenizer, len(tokenizer), [task.gold for task in tasks])
    print(f"{'mask, µs a row':16} {'p50':>10} {'mean':>10} {'p99':>10}  masks")
    for name, row in results["mask"].items():
        print(f"{name:16} {row['p50_us']:10.1f} {row['mean_us']:10.1f} {row['p99_us']:10.1f}  {row['masks']}")
    if "xgrammar" not in results["mask"]:
        print("xgrammar         not installed here, so not measured")
    print(f"fill by rows, µs: {results['fill_us_by_rows']}, slope {results['fill_us_slope_by_row']:.2f} a row")
    print(f"a choice costs {results['choice_us_slope_by_token']:+.3f} µs more for each token of the program before it")
    results["cuda_graphs"] = options.cuda_graphs
    results["machine"] = {"device": options.device, "cores": os.cpu_count(), "torch": torch.__version__}
    if options.device == "cuda":
        results["machine"]["gpu"] = torch.cuda.get_device_name()
    if options.rows:
        results["end_to_end"] = measure_end_to_end(options, base, tokenizer, tasks)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure_end_to_end(
    options: argparse.Namespace, base: BaseModel, tokenizer: Any, tasks: Sequence[Task]
) -> list[dict[str, Any]]:
    """Load the model and print and return the table of speeds."""
    wardrobe = Wardrobe(base, options.device, "none", Progress())
    adapter = load_adapter(options.adapter) if options.adapter else None
    requests = [Request(task.id, prompt_ids(tokenizer, request_messages(task.prompt))) for task in tasks]
    found = []
    with wardrobe.wearing(adapter) as engine:
        engine.generate(requests[:1], GenerationSettings(max_new_tokens=24), Progress())  # warm up
        print(f"{'batch':>5} {'constrained':>12} {'free':>8} {'ratio':>6} {'forced':>7}   tokens a second")
        for rows in options.rows:
            row = end_to_end(engine, requests, rows, options.budget, options.repeats, graphs=options.cuda_graphs)
            found.append(row)
            print(
                f"{rows:5} {row['tokens_per_s']:12.1f} {row['unconstrained_tokens_per_s']:8.1f} {row['ratio']:6.2f} "
                f"{row['forced_share']:7.3f}"
            )
    return found


if __name__ == "__main__":
    main()
