"""Where one cycle keeps its files (contract, section 3)."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Where one cycle keeps its files (contract, section 3)."""

    corpus: Path
    adapter_root: Path

    @property
    def curated(self) -> Path:
        """Prompt sets and reports."""
        return self.corpus / "curated"

    @property
    def history(self) -> Path:
        """One copy of every final report, and the log of the runs; the gate compares with these."""
        return self.curated / "history"

    @property
    def best_link(self) -> Path:
        """The promoted checkpoint."""
        return self.adapter_root / "best_by_strict_ainl"

    @property
    def answers(self) -> Path:
        """What models have answered, by content; the sweep keeps its answers there too."""
        return self.adapter_root / "sweep" / "answers"

    @property
    def sweep_report(self) -> Path:
        """Ranking of the checkpoints."""
        return self.curated / "checkpoint_sweep_report_v5_aligned.json"

    @property
    def eval_report(self) -> Path:
        """The final evaluation."""
        return self.curated / "model_eval_report_v5_aligned.json"

    @property
    def trends(self) -> Path:
        """Trend and gate."""
        return self.curated / "model_eval_trends.json"

    @property
    def health(self) -> Path:
        """Run health."""
        return self.curated / "alignment_run_health.json"

    def prompts(self, suite: str) -> Path:
        """Prompt set of a suite: regression, dev or test."""
        return self.curated / f"{suite}_prompts.jsonl"

    def dataset(self, name: str, split: str = "") -> Path:
        """A dataset's file: all of it, or one split."""
        return self.corpus / f"train_chatml_{name}{'_' + split if split else ''}.jsonl"
