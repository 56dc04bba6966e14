"""Good input of every kind, made once, for the fuzz to damage."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ainl_align.artifacts import write_json
from ainl_align.gate.history import read_history
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, write_prompt_set
from ainl_align.tasks.suites import suite
from tests.conftest import report_content
from tests.report import runs
from tests.tiny import byte_tokenizer, make_base, write_chat_rows

PROGRAM = 'S app core noop\nL_main:\n  R http.GET "https://a.example/x" ->resp\n  Retry @n1 2 100\n  J resp\n'


@dataclass(frozen=True)
class Kit:
    """Where the good files lie. A case copies what it damages; the folder itself never changes."""

    root: Path
    base: Path
    adapter: Path
    rows: Path
    prompts: Path
    report: Path
    reports: Path
    corpus: Path
    configs: tuple[str, ...]

    def copy(self, source: Path, folder: Path) -> Path:
        """A copy of a file or folder under a case's own folder."""
        target = folder / source.name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy(source, target)
        return target


def make(root: Path, *, with_models: bool = True) -> Kit:
    """Make all of it; ``with_models`` trains a tiny adapter (seconds)."""
    reports = root / "reports"
    report = reports / "model_eval_report.json"
    made_by = {**runs.origin("2026-01-01T00:00:00+00:00"), "settings": {"repair_attempts": 2}}
    write_json(report, "model_eval_report", {**report_content({"task_success": 9}, 12), "run_id": "run-1"}, made_by)
    read_history(reports / "history").record(report)
    read_history(reports / "history").accept("run-1", "the first")
    read_history(reports / "history").judged("run-1", "pass", "point")
    tasks = [*suite("regression")[:3], *suite("dev")[:2]]
    prompts = root / "prompts.jsonl"
    write_prompt_set(
        prompts,
        [*(PromptRow(id=t.id, prompt=t.prompt, task=t) for t in tasks), PromptRow(id="bare", prompt="Return 5.")],
    )
    runs.PER_TIER, whole = 2, runs.PER_TIER  # a small run: its page is rendered in every case
    try:
        runs.finished(
            root / "corpus", runs.Run("run-7", "2026-01-02T08:00:00+00:00", lambda index, tier: index % 3 > 0)
        )
    finally:
        runs.PER_TIER = whole
    rows = write_chat_rows(root / "rows.jsonl", 6)
    checkout = Path(__file__).parents[2]
    configs = tuple((checkout / "configs" / name).read_text(encoding="utf-8") for name in ("cycle.toml", "smoke.toml"))
    base, adapter = root / "base", root / "adapter"
    if with_models:
        make_base(base, byte_tokenizer())
        _train(base, rows, adapter)
    return Kit(root, base, adapter, rows, prompts, report, reports, root / "corpus", configs)


def _train(base: Path, rows: Path, adapter: Path) -> None:
    from ainl_align.training import finetune

    settings = finetune.Settings(
        base_model=str(base),
        data_path=rows,
        eval_data_path=None,
        output_dir=adapter,
        epochs=1,
        batch_size=2,
        save_steps=2,
        train_device="cpu",
        int8_base="off",
    )
    finetune.run(settings, Progress())


def failures(kit: Kit) -> str:
    """A report with failures of a family that there is, as the boost stage reads it."""
    content = json.loads(kit.report.read_text(encoding="utf-8"))
    for row in content["results"]:
        row["family"] = "fetch_field"
    return json.dumps(content)
