"""The cycle's spine: exit codes, and a health file whatever happens.

Data stages, prompt sets, gate and health are the real ones. Training, sweep and evaluation are replaced by functions
that leave the same artifacts (tests/e2e runs the real ones), so that their outcome can be chosen.
"""

import importlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ainl_align import pipeline
from ainl_align.artifacts import provenance, read_json, read_jsonl
from ainl_align.cli import main
from ainl_align.config import CycleSettings
from ainl_align.cycle import stages
from ainl_align.errors import ExitCode, UserError
from ainl_align.progress import Progress
from ainl_align.training import shipped
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import WEIGHTS, seal

MakeReport = Callable[..., Path]


class Outcome:
    """Stand-ins for the three stages that need a trained model, and what they were given."""

    def __init__(self, make_report: MakeReport) -> None:
        self.make_report = make_report
        self.given: dict[str, Any] = {}
        self.report: dict[str, Any] = {"n": 12}
        self.crash: dict[str, BaseException] = {}
        self.weights = b"weights"
        self.checkpoints: tuple[int, ...] = (4,)

    def module(self, name: str) -> Any:
        """What ``stages.load`` returns for a module's name."""
        stage = {
            "ainl_align.training.finetune": self._finetune,
            "ainl_align.sweep.run": self._sweep,
            "ainl_align.evaluation.run": self._evaluate,
        }.get(name)
        real: Any = importlib.import_module(name)
        if stage is None:
            return real

        def run(settings: Any, progress: Progress) -> Any:
            short = name.split(".")[1]
            self.given[short] = settings
            if short in self.crash:
                raise self.crash[short]
            return stage(settings)

        # The settings are validated by the real model, so that the cycle cannot pass what a stage does not take.
        return SimpleNamespace(Settings=real.Settings, run=run)

    def _finetune(self, settings: Any) -> None:
        base = resolve(settings.base_model)
        folders = [settings.output_dir / f"checkpoint-{step}" for step in self.checkpoints]
        for folder in (*folders, settings.output_dir):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "adapter_config.json").write_text("{}")
            (folder / WEIGHTS).write_bytes(self.weights)
            made_by = provenance({}, data={}, device="cpu")
            seal(folder, base, step=4, loss=None, eval_loss=None, epoch=None, provenance=made_by)

    def _sweep(self, settings: Any) -> dict[str, Any]:
        row = {"adapter_path": str(settings.adapter_root / "checkpoint-4"), "ok": True, "strict_ainl_rate": 1.0}
        settings.output_json.write_text("{}", encoding="utf-8")
        return {"ranked": [row], "pruned": []}

    def _evaluate(self, settings: Any) -> dict[str, Any]:
        path = self.make_report(settings.output_json, changes={"run_id": settings.run_id}, **self.report)
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return document


@pytest.fixture
def outcome(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    chosen = Outcome(make_report)
    monkeypatch.setattr(stages, "load", chosen.module)
    return chosen


@pytest.fixture
def settings(tmp_path: Path, tiny_base: Path) -> CycleSettings:
    return CycleSettings(
        adapter_out=tmp_path / "adapter",
        corpus_dir=tmp_path / "corpus",
        base_model=str(tiny_base),
        device="cpu",
        variants_per_prompt=2,
        samples_per_prompt=4,
        distill_mode=0,
    )


def run(settings: CycleSettings, *force: str) -> tuple[ExitCode, dict[str, Any], str]:
    stream = io.StringIO()
    code = pipeline.run(settings, Progress(stream), force=force)
    return code, health_of(settings), stream.getvalue()


def health_of(settings: CycleSettings) -> dict[str, Any]:
    return read_json(settings.curated / "alignment_run_health.json", "alignment_run_health")


def statuses(health: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["status"] for row in health["stages"]}


def test_a_good_cycle_passes_and_leaves_every_artifact(settings: CycleSettings, outcome: Outcome) -> None:
    code, health, shown = run(settings.replaced({"distill_mode": 1}))
    assert code == ExitCode.OK
    assert health["status"] == "pass"
    assert set(statuses(health).values()) == {"done", "off"}
    assert health["selected_adapter"] == str(settings.adapter_out / "checkpoint-4")
    assert health["checkpoint_top1"]["strict_ainl_rate"] == 1.0
    assert health["metrics"]["strict_ainl_rate"] == 1.0
    assert all(path and Path(path).exists() for path in health["artifacts"].values())
    assert all(row["seconds"] >= 0 for row in health["stages"])
    assert len(read_jsonl(settings.curated / "regression_prompts.jsonl")) == 12
    kept = settings.curated / "history" / f"model_eval_report_{health['run_id']}.json"
    assert kept.read_bytes() == (settings.curated / "model_eval_report_v5_aligned.json").read_bytes()
    assert "status: pass" in shown
    assert "where to look next" in shown
    page = Path(health["artifacts"]["run_report"])
    assert str(page) in shown
    assert health["run_id"] in page.read_text(encoding="utf-8")
    for kept in (f"alignment_run_report_{health['run_id']}.html", f"alignment_run_health_{health['run_id']}.json"):
        assert (settings.curated / "history" / kept).is_file()


def test_a_report_that_cannot_be_made_does_not_fail_the_run(
    settings: CycleSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> str:
        raise RuntimeError("no template")

    monkeypatch.setattr("ainl_align.report.html.render_run", broken)
    code, health, _ = run(settings)
    assert code == ExitCode.OK
    assert health["status"] == "pass"
    assert "run_report" not in health["artifacts"]
    assert any("run_report could not be written: RuntimeError: no template" in line for line in health["fallbacks"])


def test_the_outcome_is_told_in_one_place(settings: CycleSettings, outcome: Outcome) -> None:
    told: list[tuple[str, Path | None]] = []
    outcome.report = {"n": 12, "strict_ainl": 1}
    pipeline.run(settings, Progress(io.StringIO()), lambda health, page: told.append((health["status"], page)))
    assert told == [("fail", settings.curated / "alignment_run_report.html")]


def test_the_stages_get_the_cycles_choices(settings: CycleSettings, outcome: Outcome) -> None:
    run(settings.replaced({"distill_mode": 1}))
    finetune, sweep, evaluation = (outcome.given[name] for name in ("training", "sweep", "evaluation"))
    assert (finetune.seed, finetune.profile, finetune.epochs) == (42, "balanced", 2)
    assert finetune.data_path == settings.corpus_dir / "train_chatml_distill_train.jsonl"
    assert sweep.prompt_set == settings.curated / "dev_prompts.jsonl"
    assert (sweep.top_k, sweep.promote_best_link, sweep.prune_non_topk) == (3, True, True)
    assert evaluation.prompt_set == settings.curated / "regression_prompts.jsonl"
    assert evaluation.held_out_set == settings.curated / "test_prompts.jsonl"
    assert evaluation.adapter_path == settings.adapter_out / "checkpoint-4"
    for stage in (sweep, evaluation):
        assert stage.constrained_decoding
        assert stage.canonicalize_output
        assert stage.bucket_by_prompt_length
        assert stage.emit_timing
        assert stage.constraint_diagnostics
        assert (stage.repair_attempts, stage.max_new_tokens) == (2, sweep.max_new_tokens)


def test_a_warm_start_is_another_training_and_says_so(
    settings: CycleSettings, outcome: Outcome, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "SHELF", tmp_path / "shelf")
    warm = settings.replaced({"warm_start": True})
    with pytest.raises(UserError, match="--warm-start: no adapter comes with this installation"):
        run(warm)
    shutil.copytree(tiny_adapter / "checkpoint-1", tmp_path / "shelf" / "tiny-ainl-v1")
    _, health, shown = run(settings)
    assert outcome.given["training"].start_adapter is None
    assert health["training_start"] == "cold: fresh weights"
    assert "training began cold: fresh weights" in shown
    _, health, shown = run(warm)
    assert outcome.given["training"].start_adapter == tmp_path / "shelf" / "tiny-ainl-v1"
    assert health["training_start"].startswith("warm: tiny-ainl-v1")
    assert "finetune: runs again, because" in shown
    assert "warm: tiny-ainl-v1" in Path(health["artifacts"]["run_report"]).read_text(encoding="utf-8")


def test_a_failing_gate_exits_10_and_writes_the_health(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.report = {"n": 12, "strict_ainl": 1}
    code, health, shown = run(settings)
    assert code == ExitCode.GATE_FAIL == 10
    assert health["status"] == "fail"
    assert health["gate"]["failures"][0].startswith("strict_ainl_rate 0.083")
    assert health["error"] is None
    assert "strict_ainl_rate 0.083" in shown


def test_the_second_run_is_compared_with_the_first(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.report = {"n": 12, "created": "2026-01-01T00:00:00+00:00"}
    assert run(settings)[0] == ExitCode.OK
    outcome.report = {"n": 12, "created": "2026-01-02T00:00:00+00:00", "strict_ainl": 10}
    code, health, _ = run(settings.replaced({"gate_policy": "point"}), "evaluation")
    assert code == ExitCode.GATE_FAIL
    assert "dropped by 0.167" in health["gate"]["failures"][0]


def test_inconclusive_exits_11(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.report = {"n": 12, "strict_ainl": 9}
    code, health, _ = run(settings.replaced({"gate_policy": "certified"}))
    assert code == ExitCode.GATE_INCONCLUSIVE == 11
    assert health["status"] == "inconclusive"


def test_a_crashing_stage_leaves_its_name_and_error(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.crash["sweep"] = RuntimeError("out of memory")
    with pytest.raises(RuntimeError, match="out of memory"):
        run(settings)
    health = health_of(settings)
    assert health["status"] == "error"
    assert health["error"]["stage"] == "sweep"
    assert health["error"]["message"] == "out of memory"
    assert "RuntimeError" in health["error"]["traceback"]
    assert statuses(health)["finetune"] == "done"
    assert statuses(health)["sweep"] == "failed"
    assert statuses(health)["evaluation"] == statuses(health)["gate"] == "not_run"


def test_an_earlier_runs_files_are_not_listed_as_this_ones(settings: CycleSettings, outcome: Outcome) -> None:
    assert run(settings)[0] == ExitCode.OK
    outcome.crash["training"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(settings, "finetune")
    health = health_of(settings)
    assert "model_eval_report" not in health["artifacts"]
    assert health["metrics"] is health["gate"] is health["selected_adapter"] is None


def test_an_unreadable_boost_report_stops_before_anything_is_built(settings: CycleSettings, tmp_path: Path) -> None:
    report = tmp_path / "boost.json"
    report.write_text('{"schema": "model_eval_report", "rate": NaN}', encoding="utf-8")
    with pytest.raises(UserError, match=r"boost\.json.*NaN"):
        pipeline.run(settings.replaced({"boost_eval_report": report}), Progress(io.StringIO()))
    health = health_of(settings)
    assert health["error"]["stage"] == "check"
    assert "boost.json" in health["error"]["message"]
    assert not list(settings.corpus_dir.glob("*.jsonl"))


def test_a_bad_base_and_an_unwritable_output_are_found_first(settings: CycleSettings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no/such/base"):
        pipeline.run(settings.replaced({"base_model": "no/such/base"}), Progress(io.StringIO()))
    assert health_of(settings)["error"]["stage"] == "check"
    blocked = tmp_path / "file"
    blocked.write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        pipeline.run(settings.replaced({"corpus_dir": blocked / "corpus"}), Progress(io.StringIO()))
    assert blocked.read_text(encoding="utf-8") == "x"


def test_distill_off_trains_on_the_regression_data(settings: CycleSettings, outcome: Outcome) -> None:
    _, health, _ = run(settings)
    assert statuses(health)["distill"] == "off"
    data = outcome.given["training"].data_path
    assert data.name == "train_chatml_regression_supervised_train.jsonl"
    assert data.exists()


def test_boost_trains_on_the_merged_data(settings: CycleSettings, outcome: Outcome, make_report: MakeReport) -> None:
    report = make_report("boost.json")
    _, health, _ = run(settings.replaced({"boost_eval_report": report, "distill_mode": 1}))
    assert statuses(health)["boost"] == "done"
    assert outcome.given["training"].data_path.name == "train_chatml_distill_boost_train.jsonl"


def test_the_budget_is_raised_and_that_is_said(settings: CycleSettings, outcome: Outcome) -> None:
    _, health, _ = run(settings)
    assert health["max_new_tokens"] > 40
    assert health["max_new_tokens"] == outcome.given["evaluation"].max_new_tokens
    assert any("MAX_NEW_TOKENS raised from 40" in line for line in health["fallbacks"])


def test_a_given_budget_is_kept(settings: CycleSettings, outcome: Outcome) -> None:
    _, health, shown = run(settings.replaced({"max_new_tokens": 40}))
    assert health["max_new_tokens"] == 40
    assert health["fallbacks"] == []
    assert "MAX_NEW_TOKENS 40 was given and is kept" in shown


def test_the_command_exits_as_the_cycle_does(
    settings: CycleSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome.report = {"n": 12, "nonempty": 1}
    words = ["run", "--base-model", settings.base_model, "--device", "cpu", "--corpus-dir", str(settings.corpus_dir)]
    words += ["--positional", str(settings.adapter_out), "2", "", "", "0"]
    monkeypatch.setattr("sys.argv", ["ainl-align", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 10
    monkeypatch.setattr("sys.argv", ["ainl-align", "report", str(settings.curated / "alignment_run_health.json")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert "status: fail" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["ainl-align", *words])
    monkeypatch.setattr("sys.argv", ["ainl-align", "run", "--force", "evaluation", *words[1:]])
    outcome.crash["evaluation"] = RuntimeError("boom")
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert "stopped in stage evaluation: boom" in shown
