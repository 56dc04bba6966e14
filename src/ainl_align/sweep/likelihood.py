"""The first round: which checkpoints find the prompts' known programs most likely. A screen, never a score.

A forward pass a program says it, so the round costs a small part of one in which every checkpoint writes programs.
What decides is the sum of the programs' probabilities, the number of them that sampling would be expected to write: it
agreed best with what checkpoints then wrote (docs/log.md), for a program that is out of reach counts so and no more.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ainl_align.artifacts import atomic_open, content_hash, file_hash
from ainl_align.evaluation.likelihood import DECIDES, known_programs
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.store import code_hash
from ainl_align.progress import Progress
from ainl_align.sweep.rejects import Outcome, Phase, halve
from ainl_align.sweep.workers import Asker, Scales
from ainl_align.tasks.prompts import PromptRow, stratified
from ainl_align.training.checkpoints import WEIGHTS, Adapter
from ainl_align.training.rows import Encoded

MOST = 6
"""Programs that are weighed; docs/log.md says why so few are enough."""
MANY_PROMPTS = 24
LEAST = 3
"""Nothing is rejected on fewer."""
_IMPOSSIBLE = 1e9
"""Stands for a likelihood that is no number, such as that of weights that have run away."""


def most_kept(prompts: int) -> int:
    """How many checkpoints may go on where nobody says: with few prompts, what a third one writes is dear."""
    return 3 if prompts >= MANY_PROMPTS else 2


def kept(arms: int, most: int, finalists: int) -> int:
    """How many of the arms the round leaves: at most ``most`` and at most half, but two more than none decides on."""
    return min(arms, max(2, finalists, min(most, -(-arms // 2))))


@dataclass(frozen=True)
class Weighed:
    """What the round found. Arms are numbers of checkpoints."""

    phases: Sequence[Phase]
    survivors: Sequence[int]
    """Best first."""
    rejected: Sequence[Sequence[int]]
    """By phase, worst first."""
    chances: Mapping[int, float]
    """By arm: the mean probability of the programs that it was weighed on, which is what decides."""
    nats: Mapping[int, float]
    """By arm: the negative log-likelihood of those programs, by token of them."""
    path: str
    """How it was computed."""

    @property
    def likely(self) -> Mapping[int, Outcome]:
        """By arm what decides between equals, larger is better: chances, and where those are too small, nats."""
        return {arm: (self.chances[arm], -self.nats[arm]) for arm in self.chances}

    def rejected_after(self, arm: int) -> int | None:
        """On how many programs an arm was rejected; None for a survivor."""
        return next((phase.prompts for phase, out in zip(self.phases, self.rejected, strict=True) if arm in out), None)


@dataclass(frozen=True)
class Weighing:
    """How checkpoints are weighed; ``kept``: folder of known results."""

    scales: Scales
    wardrobe: Wardrobe
    asker: Asker
    kept: Path
    progress: Progress

    def run(
        self, found: Sequence[Adapter], arms: Sequence[int], rows: Sequence[PromptRow], phases: Sequence[Phase]
    ) -> Weighed:
        """Weigh ``arms`` of ``found`` phase by phase on ``rows``, which all have tasks, and reject the least likely."""
        lost: dict[int, list[float]] = {arm: [] for arm in arms}
        tokens = dict.fromkeys(arms, 0)
        seen: set[str] = set()

        def ask(left: Sequence[int], phase: Phase) -> Mapping[int, Sequence[Outcome]]:
            fresh = [row for row in stratified(rows, phase.prompts) if row.id not in seen]
            seen.update(row.id for row in fresh)
            programs = known_programs(self.wardrobe.tokenizer, fresh)
            losses = dict(zip(sorted(left), self._losses([found[arm] for arm in sorted(left)], programs), strict=True))
            for arm, new in losses.items():
                lost[arm] += new
                tokens[arm] += sum(program.labelled for program in programs)
            return {arm: [(math.exp(-loss), -loss) for loss in new] for arm, new in losses.items()}

        survivors, rejected = halve(
            arms, phases, ask, {arm: (-float(found[arm].step or 0), -float(arm)) for arm in arms}
        )
        chances = {arm: sum(math.exp(-loss) for loss in lost[arm]) / len(lost[arm]) for arm in arms}
        nats = {arm: sum(lost[arm]) / tokens[arm] for arm in arms}
        return Weighed(phases, survivors, rejected, chances, nats, self._path)

    @property
    def _path(self) -> str:
        return self.wardrobe.loss_path(self.scales.quantization, self.scales.fused)

    def _losses(self, adapters: Sequence[Adapter], programs: Sequence[Encoded]) -> list[list[float]]:
        """By adapter and program; what is known is not computed again."""
        files = [self.kept / f"{self._key(adapter, programs)[:32]}.json" for adapter in adapters]
        known = [_read(path, len(programs)) for path in files]
        missing = [place for place, losses in enumerate(known) if losses is None]
        if missing:
            label = f"likelihood of {len(programs)} known programs, {len(missing)} checkpoints"
            asked = [adapters[place] for place in missing]
            for place, losses in zip(missing, self.asker.weigh(self.scales, asked, programs, label), strict=True):
                losses = known[place] = [loss if math.isfinite(loss) else _IMPOSSIBLE for loss in losses]
                with atomic_open(files[place]) as handle:
                    handle.write(json.dumps({"losses": losses, "sha256": content_hash(losses)}) + "\n")
        return [losses for losses in known if losses is not None]

    def _key(self, adapter: Adapter, programs: Sequence[Encoded]) -> str:
        return content_hash(
            {
                "adapter": [file_hash(adapter.folder / name) for name in ("adapter_config.json", WEIGHTS)],
                "base": self.wardrobe.base.fingerprint,
                "programs": [[program.ids, program.labels] for program in programs],
                "path": self._path,
                "code": code_hash(DECIDES),
            }
        )


def _read(path: Path, count: int) -> list[float] | None:
    """The kept losses, or None where there are none or they are damaged."""
    try:
        entry = json.loads(path.read_bytes())
        losses = [float(loss) for loss in entry["losses"]]
        return losses if len(losses) == count and entry["sha256"] == content_hash(losses) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
