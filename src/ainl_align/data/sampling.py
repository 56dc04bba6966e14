"""What the dataset stages share: gated tasks, exact shares, splits by task, and the options they have in common."""

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ainl_align.config import ROOT
from ainl_align.data.crew import Crew
from ainl_align.data.drafts import Draft, any_drafts, malformed_drafts
from ainl_align.data.failures import drafts_for, practises
from ainl_align.data.leakage import Pair
from ainl_align.data.own_words import own_words
from ainl_align.data.records import (
    Row,
    SampleType,
    check_messages,
    make_row,
    program_of,
    prompt_of,
    repair_messages,
    request_messages,
)
from ainl_align.errors import StageError, UserError
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.scenario import Task, judge
from ainl_align.tasks.suites import generate

SPLITS = ("train", "val", "test")
Aims = Mapping[str, Collection[str]]
"""Kinds of failures (``failures.PRACTICE``) that the rows of a family shall practise against."""
NO_AIMS: Aims = MappingProxyType({})
MEDLEY = "medley"
_MEDLEY_PART = 96
"""Rows of the family medley in one order."""
_ROUNDS = 4
_AIMED_CHOICE = 3
"""So many times more tasks are drawn than needed where some are to be preferred."""
_T = TypeVar("_T")


class DatasetSettings(BaseModel):
    """Options that every dataset stage takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(42, ge=0, le=2**32 - 1, description="seed; the same seed gives the same bytes")
    variants_per_prompt: int = Field(24, ge=1, description="different prompts for each prompt id")
    min_lines: int = Field(3, ge=1, description="least lines of a target program")
    val_ratio: float = Field(0.1, ge=0, lt=1, description="share of the tasks held back for validation")
    test_ratio: float = Field(0.1, ge=0, lt=1, description="share of the tasks held back for tests")
    own_words: float = Field(0.3, ge=0, le=1, description="share of gold rows with a request in people's own words")
    medley: float = Field(0.0, ge=0, le=1, description="share of gold rows whose task joins its parts at random")
    output_dir: Path = Field(ROOT / "corpus", description="folder for the dataset files")

    @model_validator(mode="after")
    def _something_to_train_on(self) -> Self:
        if self.val_ratio + self.test_ratio >= 1:
            raise UserError(
                f"--val-ratio {self.val_ratio:g} and --test-ratio {self.test_ratio:g} leave nothing to train on; "
                "choose ratios whose sum is below 1"
            )
        return self


class MixSettings(DatasetSettings):
    """Options of the stages that mix gold, repair and check rows."""

    mix_gold: float = Field(0.50, ge=0, le=1, description="share of gold rows (request, program)")
    mix_repair: float = Field(0.35, ge=0, le=1, description="share of repair rows (broken draft, program)")
    mix_check: float = Field(0.15, ge=0, le=1, description="share of check-rewrite rows")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = self.mix_gold + self.mix_repair + self.mix_check
        if abs(total - 1) > 1e-6:
            raise UserError(
                f"--mix-gold {self.mix_gold:g}, --mix-repair {self.mix_repair:g} and --mix-check {self.mix_check:g} "
                f"sum to {total:g}; they must sum to 1"
            )
        return self

    @property
    def shares(self) -> dict[SampleType, float]:
        """The asked share of every sample type."""
        return {"direct": self.mix_gold, "repair": self.mix_repair, "check_rewrite": self.mix_check}


def derive_seed(seed: int, *purpose: object) -> int:
    """A seed of its own for each purpose, the same on every machine."""
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


@dataclass(frozen=True)
class Order:
    """What one family shall give: ``rows`` of each sample type from ``tasks`` tasks, for which ``seed`` decides.

    No prompt is in ``avoid`` (normalised prompts). Tasks and drafts that hold what goes wrong in the kinds of failures
    named by ``aim`` are taken first. ``own_words`` is the share of gold rows that take a request in people's own words
    in place of a task; ``part`` says which of those requests, so that several orders of a family have none in common.
    """

    family: str
    tasks: int
    rows: Mapping[SampleType, int]
    seed: int
    min_lines: int
    avoid: frozenset[str] = frozenset()
    aim: Collection[str] = ()
    own_words: float = 0.0
    part: tuple[int, int] = (0, 1)

    @property
    def gold(self) -> tuple[SampleType, int]:
        """The type of the gold rows and their number."""
        kind: SampleType = "regression" if "regression" in self.rows else "direct"
        return kind, self.rows.get(kind, 0)


@dataclass
class Harvest:
    """The rows of an order, all prompts that were drawn for them (normalised), and what was left out and why."""

    rows: list[Row]
    drawn: set[str] = field(default_factory=set)
    dropped: Counter[str] = field(default_factory=Counter)


def gather(orders: Sequence[Order], crew: Crew, progress: Progress) -> tuple[list[Row], Counter[str]]:
    """The rows of all orders in turn, and what was left out and why; no two families share a prompt.

    StageError when a family cannot fill its number.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    seen: set[str] = set()
    with progress.task("tasks", sum(order.tasks for order in orders), "tasks") as bar:
        for order, found in zip(orders, crew.map(fill, orders), strict=True):
            if not seen.isdisjoint(found.drawn):
                found = fill(replace(order, avoid=order.avoid | seen))
            seen |= found.drawn
            rows += found.rows
            dropped += found.dropped
            bar.advance(order.tasks, note=order.family)
    if broken := sum(dropped[reason] for reason in ("not_canonical", "fails_its_scenarios", "broken_world")):
        progress.fallback(f"{broken} generated tasks were left out because their gold program failed its own checks")
    return rows, dropped


def fill(order: Order) -> Harvest:
    """The rows of one order, from train tasks whose gold passes the gates.

    The gates: the prompt is new, the gold has ``min_lines`` lines, is canonical in strict AINL, and passes its
    scenarios. StageError when the family cannot fill its number.
    """
    found = Harvest([])
    kind, gold = order.gold
    wanted = round(order.own_words * gold)
    words = random.Random(derive_seed(order.seed, "own words", order.family))
    lines, avoid = order.min_lines, order.avoid
    own = own_words(order.family, wanted, kind, words, min_lines=lines, avoid=avoid, part=order.part)
    found.drawn.update(normalised(prompt_of(row)) for row in own)
    tasks = max(1, order.tasks - len(own))
    kept: list[Task] = []
    for attempt in range(_ROUNDS):
        missing = tasks - len(kept)
        if missing <= 0:
            break
        count = missing if attempt == 0 else 2 * missing + 8
        if order.aim:
            count *= _AIMED_CHOICE
        seed = derive_seed(order.seed, order.family, attempt)
        drawn = generate("train", seed=seed, per_family=count, families=[order.family])
        drawn.sort(key=lambda task: bool(order.aim) and not practises(task, order.aim))
        kept += _gated(drawn, missing, order, found)
    if len(kept) < tasks:
        raise StageError(_shortfall(order, tasks, len(kept), found.dropped))
    rng = random.Random(derive_seed(order.seed, "drafts", order.family))
    found.rows = own + mixed_rows(kept, {**order.rows, kind: gold - len(own)}, rng, drafts_for(order.aim))
    return found


def _gated(drawn: Sequence[Task], missing: int, order: Order, found: Harvest) -> Iterator[Task]:
    for task in drawn:
        if not missing:
            return
        plain = normalised(task.prompt)
        known = plain in found.drawn or plain in order.avoid
        reason = "repeated_prompt" if known else refusal(task, order.min_lines)
        found.drawn.add(plain)
        if reason:
            found.dropped[reason] += 1
            continue
        missing -= 1
        yield task


def refusal(task: Task, min_lines: int) -> str | None:
    """Why the gold of a task cannot be a target; None when it can."""
    if len(task.gold.splitlines()) < min_lines:
        return "too_short"
    if not verdict(task.gold).canonical:
        return "not_canonical"
    try:
        return None if judge(task.gold, task).success else "fails_its_scenarios"
    except ValueError:  # of a world that cannot be built
        return "broken_world"


def _shortfall(order: Order, wanted: int, found: int, dropped: Counter[str]) -> str:
    why = ", ".join(f"{number} {reason}" for reason, number in sorted(dropped.items()))
    mend = f"lower --min-lines (now {order.min_lines})" if dropped["too_short"] else "ask for fewer rows a prompt id"
    return f"family {order.family} gave {found} of {wanted} usable tasks (left out: {why or 'none'}); {mend}"


def shares_of(count: int, shares: Mapping[_T, float]) -> dict[_T, int]:
    """``count`` split by ``shares`` (which sum to 1) with the largest remainders rounded up; the sum is exact."""
    exact = {key: count * share for key, share in shares.items()}
    whole = {key: int(value + 1e-9) for key, value in exact.items()}
    by_remainder = sorted(exact, key=lambda key: whole[key] - exact[key])
    for key in by_remainder[: count - sum(whole.values())]:
        whole[key] += 1
    return whole


def plan_mix(rows: Mapping[str, int], shares: Mapping[SampleType, float]) -> dict[str, dict[SampleType, int]]:
    """Rows of each sample type for each family: ``rows[family]`` in all, and the exact mix over all families."""
    total = sum(rows.values())
    quota = shares_of(total, shares)
    used: dict[SampleType, int] = dict.fromkeys(quota, 0)
    plan = {}
    step = 0
    for family, count in rows.items():
        numbers: dict[SampleType, int] = dict.fromkeys(quota, 0)
        for _ in range(count):
            step += 1
            # Whatever lags furthest behind its quota comes next, so that every family is close to the mix.
            due = max(
                (kind for kind in quota if used[kind] < quota[kind]), key=lambda k: quota[k] * step / total - used[k]
            )
            numbers[due] += 1
            used[due] += 1
        plan[family] = numbers
    return plan


def with_medley(plan: Mapping[str, Mapping[SampleType, int]], share: float) -> dict[str, dict[SampleType, int]]:
    """The plan with ``share`` of all its gold rows from the family medley, in even parts in place of the others'."""
    kind: SampleType = "regression" if any("regression" in numbers for numbers in plan.values()) else "direct"
    gold = {family: numbers.get(kind, 0) for family, numbers in plan.items()}
    total = sum(gold.values())
    wanted = round(share * total)
    changed = {family: dict(numbers) for family, numbers in plan.items()}
    if not wanted:
        return changed
    for family, number in shares_of(total - wanted, {name: number / total for name, number in gold.items()}).items():
        changed[family][kind] = number
    return {**changed, MEDLEY: {kind: wanted}}


def planned(rows: Mapping[str, int], settings: MixSettings) -> dict[str, dict[SampleType, int]]:
    """Rows of each sample type for each family, by the mix and the share of medley that the settings ask for."""
    return with_medley(plan_mix(rows, settings.shares), settings.medley)


def medley_orders(
    rows: Mapping[SampleType, int], settings: DatasetSettings, *, seed: int, avoid: frozenset[str] = frozenset()
) -> Iterator[Order]:
    """Orders for gold rows of the family medley: several of one seed each, so that processes can share them."""
    for kind, count in rows.items():
        starts = range(0, count, _MEDLEY_PART)
        for part, start in enumerate(starts):
            number = min(_MEDLEY_PART, count - start)
            own_seed = derive_seed(seed, MEDLEY, part)
            share, which = settings.own_words, (part, len(starts))
            yield Order(MEDLEY, number, {kind: number}, own_seed, settings.min_lines, avoid, (), share, which)


def orders_for(
    plan: Mapping[str, Mapping[SampleType, int]],
    settings: MixSettings,
    *,
    seed: int,
    avoid: frozenset[str] = frozenset(),
    aims: Aims = NO_AIMS,
) -> list[Order]:
    """The orders of a plan: rows from ``variants_per_prompt`` tasks of each family, or from as many as there are gold
    rows when that is more. Where a family has an aim, all rows are of tasks that can be chosen by it."""
    orders = [
        Order(
            family,
            max(settings.variants_per_prompt, numbers["direct"]),
            numbers,
            seed,
            settings.min_lines,
            avoid,
            aims.get(family, ()),
            0.0 if aims.get(family) else settings.own_words,
        )
        for family, numbers in plan.items()
        if family != MEDLEY
    ]
    return [*orders, *medley_orders(plan.get(MEDLEY, {}), settings, seed=seed, avoid=avoid)]


def mixed_rows(
    tasks: Sequence[Task], numbers: Mapping[SampleType, int], rng: random.Random, first: Collection[str] = ()
) -> list[Row]:
    """``numbers`` rows of each sample type from one family's tasks, all different.

    Gold rows (direct, or regression) take the tasks in order; drafted rows start with the tasks that have no gold row.
    ``tasks`` must hold at least as many tasks as there are gold rows; drafts of the kinds in ``first`` come first.
    StageError when the tasks have not enough different drafts.
    """
    kind: SampleType = "regression" if "regression" in numbers else "direct"
    gold = numbers.get(kind, 0)
    rows = [make_row(task, request_messages(task.prompt), kind) for task in tasks[:gold]]
    turned = [*tasks[gold:], *tasks[:gold]]
    drafted_types: tuple[SampleType, ...] = ("repair", "check_rewrite")
    for sample_type in drafted_types:
        number = numbers.get(sample_type, 0)
        drafted = _drafted(turned, sample_type, rng, first)
        found = [row for row, _ in zip(drafted, range(number), strict=False)]
        if len(found) < number:
            raise StageError(
                f"family {tasks[0].family} gave {len(found)} of {number} {sample_type} rows; "
                "raise --variants-per-prompt or ask for fewer rows"
            )
        rows += found
        turned = [*turned[number % len(turned) :], *turned[: number % len(turned)]]
    return rows


def _drafted(
    tasks: Sequence[Task], sample_type: SampleType, rng: random.Random, first: Collection[str]
) -> Iterator[Row]:
    """Rows over wrong drafts, task by task in rounds, until every task has run out of new drafts."""
    source = malformed_drafts if sample_type == "repair" else any_drafts
    open_tasks: list[tuple[Task, Iterator[Draft]]] = [(task, source(task, rng, first)) for task in tasks]
    while open_tasks:
        going = []
        for task, drafts in open_tasks:
            draft = next(drafts, None)
            if draft is None:
                continue
            going.append((task, drafts))
            if sample_type == "repair":
                messages = repair_messages(task.prompt, draft.text, draft.diagnostics)
            else:
                messages = check_messages(task.prompt, draft.text)
            yield make_row(task, messages, sample_type) | {"draft_kind": draft.kind}
        open_tasks = going


def pair_of(row: Row) -> Pair:
    """What a row teaches, as overlap is measured: the request without a draft, and the program."""
    return Pair(prompt_of(row), program_of(row))


def split_rows(rows: Sequence[Row], *, val_ratio: float, test_ratio: float, rng: random.Random) -> dict[str, list[Row]]:
    """Rows by split, shuffled; all rows of one prompt are in one split, and every family is split in proportion."""
    by_family: dict[str, dict[str, None]] = {}
    for row in rows:
        by_family.setdefault(row["family"], {})[prompt_of(row)] = None
    ordered = [prompt for prompts in by_family.values() for prompt in rng.sample([*prompts], len(prompts))]
    where: dict[str, str] = {}
    rest = 0
    for index, prompt in enumerate(ordered):
        if _due(index, val_ratio):
            where[prompt] = "val"
            continue
        where[prompt] = "test" if _due(rest, test_ratio / (1 - val_ratio)) else "train"
        rest += 1
    splits: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for row in rng.sample(rows, len(rows)):
        splits[where[prompt_of(row)]].append(row)
    return splits


def _due(index: int, ratio: float) -> bool:
    """Systematic sampling: true for ``ratio`` of all indexes, evenly spread."""
    return int((index + 1) * ratio + 1e-9) > int(index * ratio + 1e-9)
