"""The alignment cycle: eight stages in order, from generated tasks to a gated adapter.

``run`` is the spine. What the stages are given stands in ``cycle/stages.py``, whether one has to run at all is decided
in ``cycle/run.py``; what they do is theirs.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ainl_align.artifacts import check_writable, read_json
from ainl_align.config import CycleSettings
from ainl_align.cycle import stages
from ainl_align.cycle.paths import Paths
from ainl_align.cycle.run import CycleRun
from ainl_align.cycle.stages import Stages
from ainl_align.cycle.state import output_hash
from ainl_align.errors import ExitCode
from ainl_align.gate import trends
from ainl_align.gate.history import read_history
from ainl_align.locks import locked
from ainl_align.progress import Progress
from ainl_align.report.outputs import keep_copies, write_outputs
from ainl_align.report.summary import print_summary, show
from ainl_align.report.track import track

Tell = Callable[[Mapping[str, Any], Path | None], None]
"""Takes the run health and the path of the report page (None when there is none)."""


def run(settings: CycleSettings, progress: Progress, tell: Tell | None = None, force: Sequence[str] = ()) -> ExitCode:
    """Run the cycle; the exit code is the gate's. Errors of a stage go on after the health is written and told.

    What an earlier call finished from the same inputs is kept, what it began is gone on with; ``force`` names stages
    (``stages.FORCE``) to run all the same. UserError when another process is at work on the same outputs.
    """
    paths = Paths(settings.corpus_dir, settings.adapter_out)
    files = [paths.eval_report, paths.sweep_report, paths.trends]
    with ExitStack() as locks:
        locks.enter_context(locked(progress, folders=[paths.corpus], files=files))
        cycle = Cycle(settings, progress, tell, force)
        try:
            cycle.check_inputs(locks)
            cycle.build("regression")
            if cycle.is_on("distill", bool(settings.distill_mode), "DISTILL_MODE is 0"):
                cycle.build("distill")
            if cycle.is_on("boost", settings.boost_eval_report is not None, "no BOOST_EVAL_REPORT"):
                cycle.build("boost")
            cycle.finetune()
            cycle.sweep()
            cycle.evaluate()
            gate = cycle.gate()
        except BaseException:
            cycle.finish_after_failure()
            raise
        code = trends.gate_exit_code(gate["status"])
        cycle.finish(code)
        return code


class Cycle:
    """One run of the cycle: its settings, where it is, and what it has found so far."""

    def __init__(
        self, settings: CycleSettings, progress: Progress, tell: Tell | None = None, force: Sequence[str] = ()
    ) -> None:
        self.settings = settings
        self.progress = progress
        self._tell = tell
        self.paths = Paths(settings.corpus_dir, settings.adapter_out)
        self.run = CycleRun(stages.NAMES, self.paths.curated, settings, progress, force)
        self.health = self.run.health
        self.device: str = settings.device
        self.budget = settings.max_new_tokens
        self._stages: Stages
        self._checkpoints: Mapping[str, str] = {}
        self._adapter = settings.adapter_out

    def is_on(self, stage: str, wanted: bool, note: str) -> bool:
        """Whether an optional stage runs; records why not."""
        if not wanted:
            self.health.off(stage, note)
        return wanted

    def check_inputs(self, locks: ExitStack) -> None:
        """Find every mistake in the input before minutes are spent; write the prompt sets; settle the budget."""
        with self.health.stage("check"):
            self.run.open()
            check_writable(self.paths.curated)
            locks.enter_context(locked(self.progress, folders=[self.paths.adapter_root]))
            self._stages = Stages(self.settings, self.progress, resolve_inputs(self.settings))
        facts = self.run.do("check", self._stages.check())
        self.device, self.budget = facts["device"], facts["budget"]
        self.health.max_new_tokens = self.budget
        for name in ("regression", "dev", "test"):
            self._have(f"{name}_prompts", self.paths.prompts(name))

    def build(self, stage: str) -> None:
        """Stages 1 to 3: regression-style supervision, the distill mix, and more of what failed."""
        self.run.do(stage, self._stages.build(stage))
        name = self._stages.datasets()[stage]
        self._have(f"dataset_{name}", self.paths.dataset(name))

    def finetune(self) -> None:
        """Stage 4: LoRA training."""
        self.run.do("finetune", self._stages.train(anew=self.run.begins_anew("finetune")), self._pruned())
        self._checkpoints = self.run.state.stages["finetune"].facts["checkpoints"]
        self.health.training_start = stages.training_start(self.settings)
        self._have("adapter", self.settings.adapter_out)

    def _pruned(self) -> Sequence[str]:
        """Checkpoints that may be missing: those that a sweep over this very training has pruned.

        A sweep that was killed after its report was written is completed here: only the pruning was left.
        """
        root, report = str(self.paths.adapter_root), self.paths.sweep_report
        if self.run.problem("finetune", self._stages.train().key(), [root]) is not None:
            return ()
        work = self._stages.sweep(self.budget, self.run.state.stages["finetune"].facts["checkpoints"])
        key = work.key()
        if self.run.problem("sweep", key) is None:
            return list(self.run.state.stages["sweep"].facts["pruned"])
        running = self.run.state.running
        if running is None or running["stage"] != "sweep" or running["key"] != key or not report.is_file():
            return ()
        if output_hash(report) == running["before"].get(str(report)):
            return ()
        from ainl_align.training.checkpoints import discard

        content = read_json(report, "checkpoint_sweep_report")
        if not content["promoted"] or not all(row["ok"] for row in content["ranked"]):
            return ()
        for folder in content["pruned"]:
            discard(Path(folder))
        self.run.record("sweep", work, key, stages.choice(content), self.run.state.spent.get("sweep", 0.0))
        return list(content["pruned"])

    def sweep(self) -> None:
        """Stage 5: every checkpoint on dev prompts; the best is promoted."""
        self._forget_answers("sweep")
        facts = self.run.do("sweep", self._stages.sweep(self.budget, self._checkpoints))
        self._have("checkpoint_sweep_report", self.paths.sweep_report)
        self.health.checkpoint_top1 = facts["top1"]
        self._adapter = Path(facts["top1"]["adapter_path"])
        self.health.selected_adapter = str(self._adapter)

    def evaluate(self) -> None:
        """Stage 6: the promoted checkpoint and the base on the twelve and on held-out test prompts."""
        self._forget_answers("evaluation")
        work = self._stages.evaluate(self.budget, self._adapter, self._checkpoints, self.health.run_id)
        facts = self.run.do("evaluation", work)
        # What was evaluated in an earlier run, and is judged again, stays that run's.
        self.health.run_id = self.run.state.run_id = self.run.state.stages["evaluation"].run_id
        self._have("model_eval_report", self.paths.eval_report)
        self.health.metrics = dict(facts["metrics"])
        # The report's own path is overwritten by the next run; the gate compares over runs.
        history = read_history(self.paths.history)
        run_id = history.record(self.paths.eval_report)
        self._have("model_eval_report_kept", history.runs[run_id].report)

    def _forget_answers(self, stage: str) -> None:
        """A stage that is forced to run answers anew."""
        if self.run.begins_anew(stage):
            shutil.rmtree(self.paths.answers, ignore_errors=True)

    def gate(self) -> Mapping[str, Any]:
        """Stage 7: trend over all kept reports, and the verdict on this run's."""
        gate: Mapping[str, Any] = self.run.do("gate", self._stages.gate(self.health.run_id))["gate"]
        self._have("model_eval_trends", self.paths.trends)
        self.health.gate = gate
        return gate

    def finish(self, code: ExitCode) -> None:
        """Stage 8: the health, the report, and a summary for the person who waited."""
        if self.run.nothing_new():
            self._tell_again()
            return
        self.run.part_ends("finished")
        self._write_all()
        artifacts = [path for path in self.health.artifacts.values() if path is not None and path.is_file()]
        copies = self.paths.history.glob(f"*_{self.health.run_id}*")
        self.run.close(int(code), [self.paths.health, *artifacts, *copies])

    def _tell_again(self) -> None:
        """Nothing has changed: the result stands."""
        health = read_json(self.paths.health, "alignment_run_health")
        show(health, self.paths.health, self.progress)
        self.progress.say(
            f"nothing has changed since run {health['run_id']} finished, so its result stands; --force all runs "
            "everything anew, --force STAGE one stage and what depends on it"
        )
        if self._tell is not None:
            page = health["artifacts"].get("run_report")
            self._tell(health, Path(page) if page else None)

    def finish_after_failure(self) -> None:
        """Stage 8 when a stage has failed: its error stays the one that the user sees."""
        try:
            error = self.health.error or {"stage": "check", "type": ""}
            how = "interrupted" if error["type"] == "KeyboardInterrupt" else "stopped by an error"
            self.run.part_ends(f"{how} in stage {error['stage']}")
            self._write_all()
            self.run.close(None)
        except Exception as problem:
            self.progress.say(f"{self.paths.health}: the run health could not be written either: {problem}")

    def _write_all(self) -> None:
        self._write_health()
        self.health.artifacts.update(write_outputs(self.paths.health, self.progress))
        if self.settings.track is not None and (problem := track(self.paths.health)):
            self.progress.fallback(problem)
        self._write_health()
        keep_copies(self.paths.health, self.progress)
        print_summary(self.health, self.paths.health, self.progress)
        if self._tell is not None:
            page = self.health.artifacts.get("run_report")
            self._tell(read_json(self.paths.health, "alignment_run_health"), page)

    def _write_health(self) -> None:
        settings = self.settings.model_dump(mode="json")
        self.health.write(self.paths.health, settings, self.progress.fallbacks, self.device)

    def _have(self, name: str, path: Path) -> None:
        """Record an artifact of this run; one that an earlier run left is never listed."""
        self.health.artifacts[name] = path


def resolve_inputs(settings: CycleSettings) -> Any:
    """Read what a cycle is given before it does anything; returns the resolved base model."""
    from ainl_align.training.base import resolve

    read_history(Paths(settings.corpus_dir, settings.adapter_out).history)
    if settings.boost_eval_report is not None:
        read_json(settings.boost_eval_report, "model_eval_report")
    base = resolve(settings.base_model)
    if settings.warm_start:
        from ainl_align.training.shipped import shipped_or_stop
        from ainl_align.training.start import read_start

        read_start(shipped_or_stop("--warm-start"), base)
    return base
