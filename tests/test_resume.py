"""Reruns of a cycle: what is finished is kept, what depends on a change runs again, an interrupted run goes on.

The stages that need a model are the stand-ins of test_pipeline.
"""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ainl_align import pipeline
from ainl_align.artifacts import write_json
from ainl_align.cli import main
from ainl_align.config import CycleSettings
from ainl_align.cycle.state import read_or_empty
from ainl_align.errors import ExitCode, UserError
from ainl_align.locks import locked
from ainl_align.progress import Progress
from tests.test_pipeline import Outcome, health_of, outcome, run

__all__ = ["outcome"]


@pytest.fixture
def settings(tmp_path: Path, tiny_base: Path) -> CycleSettings:
    return CycleSettings(
        adapter_out=tmp_path / "adapter",
        corpus_dir=tmp_path / "corpus",
        base_model=str(tiny_base),
        device="cpu",
        variants_per_prompt=1,
        distill_mode=0,
    )


@pytest.fixture
def no_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports for people take most of a run's time here."""
    monkeypatch.setattr(pipeline, "write_outputs", lambda *_: {})


def ran(outcome: Outcome) -> set[str]:
    """The stages that were called since the last look."""
    names = set(outcome.given)
    outcome.given.clear()
    return names


def notes(health: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row.get("note") or "" for row in health["stages"]}


@pytest.mark.usefixtures("no_pages")
def test_only_what_depends_on_a_change_runs_again(settings: CycleSettings, outcome: Outcome) -> None:
    _, first, _ = run(settings)
    assert ran(outcome) == {"training", "sweep", "evaluation"}
    written = (settings.curated / "alignment_run_health.json").read_bytes()

    told: list[str] = []
    said = io.StringIO()
    code = pipeline.run(settings, Progress(said), lambda health, _: told.append(health["run_id"]))
    assert (code, ran(outcome), told) == (ExitCode.OK, set(), [first["run_id"]])
    assert "nothing has changed since run" in said.getvalue()
    assert (settings.curated / "alignment_run_health.json").read_bytes() == written

    stricter = settings.replaced({"min_strict_rate": 1.0, "gate_policy": "certified"})
    code, health, _ = run(stricter)
    assert (code, ran(outcome)) == (ExitCode.GATE_INCONCLUSIVE, set())
    assert health["run_id"] == first["run_id"], "what was evaluated is judged again, not evaluated again"
    assert "nothing that it depends on has changed" in notes(health)["evaluation"]
    assert notes(health)["gate"] == ""

    run(stricter, "finetune")
    assert ran(outcome) == {"training"}, "the same weights again change nothing after it"
    outcome.weights = b"others"
    _, health, said_now = run(stricter, "finetune")
    assert ran(outcome) == {"training", "sweep", "evaluation"}
    assert health["run_id"] != first["run_id"]
    assert "evaluation: runs again, because data changed" in said_now

    dataset = settings.corpus_dir / "train_chatml_regression_supervised_train.jsonl"
    whole = dataset.read_bytes()
    dataset.write_bytes(whole[:-100])
    _, _, said_now = run(stricter)
    assert f"regression: runs again, because {dataset} was changed" in said_now
    assert dataset.read_bytes() == whole
    assert ran(outcome) == set(), "the same rows again change nothing after it"


@pytest.mark.usefixtures("no_pages")
def test_an_interrupted_run_goes_on_and_says_so(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.crash["sweep"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(settings)
    stopped = health_of(settings)
    assert stopped["status"] == "error"
    assert ran(outcome) == {"training", "sweep"}
    outcome.crash.clear()
    code, health, said = run(settings)
    assert (code, ran(outcome)) == (ExitCode.OK, {"sweep", "evaluation"})
    assert health["run_id"] == stopped["run_id"]
    assert [part["ended"] for part in health["parts"]] == ["interrupted in stage sweep", "finished"]
    assert "finished in an earlier part of this run" in notes(health)["finetune"]
    assert "of it in earlier parts of this run" in notes(health)["sweep"]
    assert health["seconds"] >= sum(row["seconds"] for row in health["stages"] if row["name"] == "regression")
    assert "goes on where it stopped" in said
    # Other settings are another run, and a killed one (its end was never written) is named as such.
    state = read_or_empty(settings.curated)[0]
    state.status, state.parts[-1]["ended"] = "running", None
    state.save()
    assert " killed" in run(settings)[2]


@pytest.mark.usefixtures("no_pages")
def test_a_sweep_killed_while_it_pruned_is_completed(settings: CycleSettings, outcome: Outcome) -> None:
    outcome.checkpoints = (4, 8)
    outcome.crash["evaluation"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(settings)
    ran(outcome)
    outcome.crash.clear()
    # As a kill between the sweep's report and the end of its pruning leaves it.
    state = read_or_empty(settings.curated)[0]
    swept = state.stages.pop("sweep")
    state.running = {"stage": "sweep", "key": dict(swept.key), "before": {}, "since": "then"}
    state.save()
    pruned = settings.adapter_out / "checkpoint-8"
    row = dict.fromkeys(("error", "counts", "report_json"))
    rates = {f"{name}_rate": 1.0 for name in ("strict_ainl", "runtime_compile", "nonempty")}
    best = str(settings.adapter_out / "checkpoint-4")
    write_json(
        settings.curated / "checkpoint_sweep_report_v5_aligned.json",
        "checkpoint_sweep_report",
        {
            "adapter_root": str(settings.adapter_out),
            "base_model": settings.base_model,
            "prompt_set": "dev",
            "top_k": 1,
            "ranked": [{**row, **rates, "adapter_path": best, "ok": True}],
            "selected": [],
            "pruned": [str(pruned)],
            "promoted": best,
        },
        json.loads((settings.curated / "alignment_run_health.json").read_text())["provenance"],
    )
    (pruned / "adapter_config.json").unlink()
    code, _, _ = run(settings)
    assert (code, ran(outcome)) == (ExitCode.OK, {"evaluation"})
    assert not pruned.exists()
    # Asked for other prompts, the sweep needs what it pruned.
    _, _, said = run(settings.replaced({"dev_limit": 3}))
    assert ran(outcome) >= {"training", "sweep"}
    assert "finetune: runs again, because" in said and "is gone" in said


@pytest.mark.usefixtures("no_pages")
def test_a_second_run_on_the_same_outputs_is_refused(settings: CycleSettings, outcome: Outcome, tmp_path: Path) -> None:
    quiet = Progress(io.StringIO())
    with (
        locked(quiet, folders=[settings.corpus_dir]),
        pytest.raises(UserError, match=r"corpus: is in use by process \d+ on"),
    ):
        run(settings)
    with locked(quiet, folders=[settings.adapter_out]), pytest.raises(UserError, match=r"adapter: is in use by"):
        run(settings)
    assert health_of(settings)["error"]["stage"] == "check"
    assert run(settings.replaced({"corpus_dir": tmp_path / "other"}))[0] == ExitCode.OK


@pytest.mark.usefixtures("no_pages")
def test_status_tells_done_stale_and_missing(
    settings: CycleSettings, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def status(*words: str) -> dict[str, Any]:
        monkeypatch.setattr(
            "sys.argv", ["ainl-align", "status", "--corpus-dir", str(settings.corpus_dir), *words, "--json"]
        )
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    assert (status()["status"], status()["stages"]) == ("missing", [])
    outcome.crash["sweep"] = RuntimeError("boom")
    with pytest.raises(RuntimeError):
        run(settings)
    found = {row["name"]: row["status"] for row in status()["stages"]}
    assert found == {
        "check": "done",
        "regression": "done",
        "distill": "off",
        "boost": "off",
        "finetune": "done",
        "sweep": "missing",
        "evaluation": "missing",
        "gate": "missing",
    }
    outcome.crash.clear()
    run(settings)
    done = status()
    assert {row["status"] for row in done["stages"]} == {"done", "off"}
    assert (done["status"], done["exit_code"], done["result"], done["at_work"]) == ("finished", 0, "pass", None)
    with locked(Progress(io.StringIO()), folders=[settings.corpus_dir]):
        assert status()["status"] == "running"
    (settings.adapter_out / "checkpoint-4" / "adapter_config.json").write_text("[]")
    stale = {row["name"]: (row["status"], row["note"]) for row in status()["stages"]}
    assert stale["finetune"][0] == "stale" and stale["finetune"][1].endswith("was changed")
    assert stale["gate"] == ("stale", "finetune comes first")


@pytest.mark.usefixtures("no_pages")
def test_a_damaged_state_file_costs_time_and_nothing_else(settings: CycleSettings, outcome: Outcome) -> None:
    settings = settings.replaced({"gate_policy": "point"})
    run(settings)
    ran(outcome)
    path = settings.curated / "alignment_cycle_state.json"
    path.write_bytes(path.read_bytes()[:100])
    _, _, said = run(settings)
    assert "its spare copy is used" in said
    assert ran(outcome) == set()
    for name in (path, settings.curated / "history" / path.name):
        name.write_text("{}")
    code, health, said = run(settings)
    assert (code, health["status"]) == (ExitCode.OK, "pass")
    assert "every stage is checked anew" in said
    assert ran(outcome) == {"training", "sweep", "evaluation"}


def test_what_the_end_of_a_run_wrote_is_written_again(settings: CycleSettings, outcome: Outcome) -> None:
    _, health, _ = run(settings)
    ran(outcome)
    page = settings.curated / "alignment_run_report.html"
    page.write_text("cut")
    kept = Path(health["artifacts"]["model_eval_report_kept"])
    kept.unlink()
    run(settings)
    assert page.read_text().rstrip().endswith("</html>")
    assert kept.is_file()
    assert ran(outcome) == set()
