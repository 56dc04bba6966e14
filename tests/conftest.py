"""What several rooms' tests share: evaluation reports that are valid and say what a test wants."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import METRICS, write_json

_NEEDS = {
    "strict_ainl": ("runtime_compile", "strict_compile", "strict_ainl"),
    "canonical": ("runtime_compile", "strict_compile", "strict_ainl", "canonical"),
    "task_success": ("runtime_compile", "strict_compile", "strict_ainl", "canonical", "task_success"),
}


def _passed(given: Mapping[str, int], n: int) -> dict[str, int]:
    """How many meet each metric: what a metric implies is met as well."""
    return {metric: min(given.get(name, n) for name in _NEEDS.get(metric, (metric,))) for metric in METRICS}


def _sides(passed: Mapping[str, int], n: int) -> list[dict[str, Any]]:
    sides = []
    for index in range(n):
        metrics = {metric: index < passed[metric] for metric in METRICS}
        sides.append(
            {
                "program": "S app core noop\n",
                "first_pass": {"metrics": metrics, "reasons": []},
                "final": {"metrics": metrics, "reasons": []},
                "finish_reason": "stop",
                "repairs": 0,
                "tokens": 12,
                "seconds": 0.1,
            }
        )
    return sides


def _summary(passed: Mapping[str, int], n: int) -> dict[str, Any]:
    rates = {f"{metric}_rate": passed[metric] / n if n else None for metric in METRICS}
    counts = dict(passed)
    group = {"n": n, **rates}
    return {
        "n": n,
        **rates,
        "counts": counts,
        "first_pass": rates,
        "by_suite": {"regression": group} if n else {},
        "by_tier": {"T1": group} if n else {},
        "by_family": {"f": group} if n else {},
    }


def report_content(given: Mapping[str, int], n: int) -> dict[str, Any]:
    """A model_eval_report of ``n`` prompts, of which the first ``given[metric]`` meet each metric."""
    passed = _passed(given, n)
    diagnostics = {
        "timing_totals": {"decode": 1.0},
        "constraint_diagnostics": None,
        "constraint_health": {"alerts": []},
        "length_buckets": [],
        "quantization": {"requested": "none", "applied": "none", "reason": None},
    }
    return {
        "base_model": "smollm2-135m",
        "adapter_path": "models/x/checkpoint-4",
        "prompt_set": "corpus/curated/regression_prompts.jsonl",
        "prompt_set_sha256": f"{n:064x}",
        "metric_version": 1,
        "max_new_tokens": 96,
        "device": "cpu",
        "limit": None,
        "skip_base_eval": True,
        "constrained_decoding": True,
        "repair_attempts": 2,
        "canonicalize_output": True,
        "canonicalize_chunk_lines": 256,
        "canonicalize_max_lines": 512,
        "bucket_by_prompt_length": True,
        "quantization_mode": "none",
        "sanity": {},
        "summary": {
            "lora": _summary(passed, n),
            "base": None,
            "failure_families": {"lora": {}, "base": None},
            "comparison": None,
        },
        "diagnostics": {"lora": diagnostics, "base": None},
        "results": [
            {
                "id": f"p{index}",
                "prompt": f"prompt {index}",
                "suite": "regression",
                "family": "f",
                "tier": "T1",
                "lora": side,
                "base": None,
            }
            for index, side in enumerate(_sides(passed, n))
        ],
    }


MakeReport = Callable[..., Path]


@pytest.fixture
def make_report(tmp_path: Path) -> MakeReport:
    """Write a valid report: ``make_report("a.json", n=12, strict_ainl=9, created="2026-01-01T00:00:00+00:00")``.

    Metrics that are not named are met by every prompt; ``changes`` replaces top-level keys.
    """

    def make(
        name: str | Path,
        *,
        n: int = 12,
        created: str = "2026-01-01T00:00:00+00:00",
        changes: Mapping[str, Any] | None = None,
        **passed: int,
    ) -> Path:
        path = tmp_path / name
        origin = {
            "settings": {},
            "code": {},
            "data": {},
            "libraries": {},
            "python": "3.11",
            "device": "cpu",
            "created": created,
        }
        write_json(path, "model_eval_report", {**report_content(passed, n), **(changes or {})}, origin)
        return path

    return make


@pytest.fixture(scope="session")
def embedded_tokenizer() -> Any:
    """The embedded base's tokenizer (its first use on a machine converts the base: about 20 s)."""
    from ainl_align.training.base import EMBEDDED, load_tokenizer, resolve

    return load_tokenizer(resolve(EMBEDDED))


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A byte tokenizer with the embedded base's special tokens."""
    from tests.tiny import byte_tokenizer

    return byte_tokenizer()


@pytest.fixture(scope="session")
def tiny_base(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny random-weight Llama."""
    from tests.tiny import make_base

    return make_base(tmp_path_factory.mktemp("tiny-llama"), tokenizer)


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of an adapter of the tiny base, with checkpoints of steps 1 to 3."""
    from ainl_align.progress import Progress
    from ainl_align.training import finetune
    from tests.tiny import write_chat_rows

    folder = tmp_path_factory.mktemp("tiny-adapter")
    settings = finetune.Settings(
        base_model=str(tiny_base),
        data_path=write_chat_rows(folder / "rows.jsonl", 6),
        eval_data_path=None,
        output_dir=folder / "adapter",
        epochs=1,
        batch_size=2,
        save_steps=1,
        train_device="cpu",
    )
    finetune.run(settings, Progress())
    return folder / "adapter"


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prompt set of three regression prompts with their tasks, and one prompt without."""
    from ainl_align.tasks.prompts import PromptRow, write_prompt_set
    from ainl_align.tasks.suites import suite

    path = tmp_path_factory.mktemp("prompts") / "small.jsonl"
    rows = [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in suite("regression")[:3]]
    write_prompt_set(path, [*rows, PromptRow(id="bare", prompt="Return 5.")])
    return path
