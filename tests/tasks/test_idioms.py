"""Idioms: every one that real requests need is in the data of every split, and its parts mean what they say."""

import random
import re
from datetime import date

import pytest

from ainl_align.language.semantics import verdict
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.mutants import mutants
from ainl_align.tasks.parts.base import Ctx, Item, Scene
from ainl_align.tasks.parts.cases import played_scenes
from ainl_align.tasks.parts.changes import InsertList, ObjectList
from ainl_align.tasks.parts.compound import Both, CleanTest, Compare, Either
from ainl_align.tasks.parts.conditions import Bound, Condition
from ainl_align.tasks.parts.filters import ByDay, ByNumber, ByTwo, RowFilter
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.payloads import Fixed
from ainl_align.tasks.parts.sources import CacheEntry, HttpFields
from ainl_align.tasks.parts.transforms import Arithmetic
from ainl_align.tasks.parts.values import Default, Formula
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.suites import generate

IDIOMS = {
    "object in object": r'"body\.\w+\.[a-zA-Z_]\w*\.\w+"',
    "list index": r'"body\.\w+\.[1-9]\.',
    "aggregate": r"SELECT (SUM|MAX|MIN)\(",
    "order and limit": r"ORDER BY \w+( DESC)? LIMIT [2-9]",
    "yesterday": r"date\('now', '-1 day'\)",
    "older than days": r"< date\('now', '-\d+ days'\)",
    "two filters": r"WHERE status = '[^']+' AND ",
    "list into rows": r"FROM json_each\(\?\)",
    "duplicates dropped": r"INSERT OR IGNORE",
    "PUT": r"R http\.PUT",
    "DELETE": r"R http\.DELETE",
    "URL from a value": r"->url\n(.*\n)*  R http\.\w+ url",
    "default": r"If val ->L_there ->L_missing",
    "default of nothing": r"R core\.INT val",
    "lower-cased test": r"R core\.LOWER \w+ ->\w+\n  R core\.(EQ|CONTAINS|STARTSWITH|ENDSWITH)",
    "stripped test": r"R core\.STRIP \w+ ->\w+\n  R core\.(EQ|LOWER)",
    "two computations before a comparison": r"->num\n  R core\.\w+ num \w+ ->num2\n  R core\.(GT|LT)",
    "two values compared": r"R core\.(GT|GTE|LT|NEQ) val val2",
    "nested branch": r"L_yes2:",
    "and, or": r"L_more:",
    "nothing in a branch": r"L_(yes|no):\n  J false",
    "one sink twice": r'R queue\.PUT ("[^"]+") .* ->res\n(  R core.*\n)?  R queue\.PUT \1',
    "error as a value": r"Err @n1 ->L_fail\n(  R core.*\n)?  J val\n",
    "fixed backoff": r"Retry @n\d+ \d \d+ fixed",
    "doubling backoff": r"Retry @n\d+ \d \d+ exponential",
    "one handler for several": r"Err @n\d+ ->L_fail\n(  R .*\n)+  Err @n\d+ ->L_fail",
    "any rows": r"group_concat.*\n.*\n  If val ->L_yes ->L_no",
    "row by key": r"WHERE \w+ = \?\" args",
    "branch and go on": r"Call L_check ->out\n  R",
    "GET endpoint": r"E /\S+ G ",
    "POST endpoint": r"E /\S+ P ",
    "PUT endpoint": r"E /\S+ U ",
    "DELETE endpoint": r"E /\S+ D ",
    "two triggers": r"L_main2:",
    "time": r"R core\.ISO _",
}


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_idiom_is_in_every_split(split: str) -> None:
    golds = [task.gold for task in generate(split, seed=21, per_family=9)]
    assert [name for name, pattern in IDIOMS.items() if not any(re.search(pattern, gold) for gold in golds)] == []


def test_there_are_long_compositions() -> None:
    """Six to fourteen and more steps, three to six labels."""
    tiers = [name for name, family in FAMILIES.items() if family.tier == "T5"]
    golds = [task.gold for task in generate("train", seed=4, per_family=4, families=tiers)]
    steps = [len(re.findall(r"^  (R|Call) ", gold, re.M)) for gold in golds]
    labels = [len(re.findall(r"^L_\w+:", gold, re.M)) for gold in golds]
    assert sum(6 <= count <= 14 for count in steps) > len(golds) / 2
    assert sum(3 <= count <= 6 for count in labels) > len(golds) / 2


@pytest.fixture
def ctx() -> Ctx:
    return Ctx(random.Random(7), "train")


def _scenes(ctx: Ctx, *steps: object, question: Condition) -> list[Scene]:
    yes, no = Flow(ret=Fixed("a")), Flow(ret=Fixed("b"))
    return played_scenes(Flow(list(steps), check=Check(question, yes, no)), ctx)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", ["scaled", "scaled_less", "sum_less", "sum", "difference", "three"])
def test_worlds_put_a_formula_on_both_sides_of_its_threshold(ctx: Ctx, shape: str) -> None:
    source = HttpFields(ctx, ("num", "num", "num") if shape == "three" else ("num", "num"))
    formula = Formula(ctx, shape, *source.gives)
    scenes = _scenes(ctx, source, formula, question=Bound(ctx, formula.gives[0], 50, "GT"))
    assert {scene.values["formula"] for scene in scenes} >= {50, 51}


def test_worlds_solve_through_several_steps_and_add_the_missing_one(ctx: Ctx) -> None:
    entry = CacheEntry(ctx, "num")
    start = Default(entry.gives[0], 0)
    more = Arithmetic(ctx, "add", start.gives[0], 3)
    scenes = _scenes(ctx, entry, start, more, question=Bound(ctx, more.gives[0], 20, "GTE"))
    assert {scene.given["cached"] for scene in scenes} == {17, 16, 18, None}
    assert next(scene for scene in scenes if scene.name == "missing").values["result"] == 3


@pytest.mark.parametrize(("kind", "answers"), [(Both, {(1, 1)}), (Either, {(1, 0), (0, 1), (1, 1)})])
def test_two_questions(ctx: Ctx, kind: type[Both] | type[Either], answers: set[tuple[int, int]]) -> None:
    source = HttpFields(ctx, ("num", "num"))
    one, two = (Bound(ctx, item, 10, "GT") for item in source.gives)
    question = kind(one, two)
    keys = [item.key for item in source.gives]
    for first in (0, 1):
        for second in (0, 1):
            known = {keys[0]: 10 + first, keys[1]: 10 + second}
            assert question.test(known) == ((first, second) in answers)
    scenes = _scenes(ctx, source, question=question)
    assert {scene.returned for scene in scenes} == {"a", "b"}
    assert len({tuple(scene.given[key] > 10 for key in keys) for scene in scenes}) >= 3


def test_compare_asks_both_values(ctx: Ctx) -> None:
    left, right = Item("l", "the left", "num"), Item("r", "the right", "num")
    question = Compare(ctx, left, right, "GTE")
    assert [question.test(world) for world in question.worlds({"r": 8})] == [True, True, False]


def test_a_clean_test_ignores_what_it_says(ctx: Ctx) -> None:
    question = CleanTest(ctx, Item("x", "the text", "text"), "clean")
    word = question.word
    assert [question.holds(text) for text in (word, f" {word.upper()} ", f"{word} b", f"a{word}")] == [1, 1, 0, 0]
    assert not CleanTest(ctx, question.item, "strip").holds(word.upper())


@pytest.mark.parametrize("mode", ["yesterday", "today", "before", "since"])
def test_a_day_filter_has_rows_on_both_sides_of_its_boundary(ctx: Ctx, mode: str) -> None:
    rows = ByDay(ctx, mode)
    hits = sorted(str(rows.hit(number)[rows.column]) for number in range(2))
    misses = sorted(str(row[rows.column]) for row in rows.misses())
    days = [abs((date.fromisoformat(hit) - date.fromisoformat(miss)).days) for hit in hits for miss in misses]
    assert min(days) == 1
    assert not set(hits) & set(misses)


def test_each_of_two_filters_keeps_a_row_out(ctx: Ctx) -> None:
    one, two = ByNumber(ctx), ByDay(ctx, "today")
    both: RowFilter = ByTwo(one, two)
    passes_first = [row[one.column] == one.hit(0)[one.column] for row in both.misses()]
    assert sorted(passes_first) == [False, True]


def test_an_import_treats_known_keys_as_told(ctx: Ctx) -> None:
    source = ObjectList(ctx, "field")
    finals = {}
    for mode in ("ignore", "replace"):
        flow = Flow([source, InsertList(ctx, source, mode)])
        table = next(iter(played_scenes(flow, ctx)[0].tables.values()))
        finals[mode] = {row[source.key]: row[source.fields[1]] for row in table.rows}
    assert finals["ignore"]["k-1"] == "as it was"
    assert finals["replace"]["k-1"] == "It's 1"
    assert len(finals["ignore"]) == len(finals["replace"]) == 3


def test_several_guarded_steps_share_a_handler_and_each_fails_once(ctx: Ctx) -> None:
    one, two = HttpFields(ctx, ("num",)), HttpFields(ctx, ("num",))
    flow = Flow([one, two], ret=Fixed("a"), guard=Guard(handler=Flow(ret=Fixed("b"))), through=1)
    returned = {scene.name: scene.returned for scene in played_scenes(flow, ctx)}
    assert returned == {"usual": "a", "call 1 fails": "b", "call 2 fails": "b"}


def test_no_mutant_removes_a_handler_that_stands_already_or_changes_what_nobody_reads() -> None:
    shared = FAMILIES["shared_handler"].sample(random.Random(3), "train")
    errs = [number for number, line in enumerate(shared.gold.split("\n"), 1) if line.startswith("  Err ")]
    removed = [mutant.line for mutant in mutants(shared.gold) if mutant.kind == "handler removed"]
    assert len(errs) > 1
    assert removed == errs[:1]
    forked = FAMILIES["enrich_store"].sample(random.Random(3), "train")
    lines = forked.gold.split("\n")
    changed = [lines[mutant.line - 1] for mutant in mutants(forked.gold) if mutant.kind == "returned value changed"]
    assert "  J false" in lines
    assert "  J false" not in changed


def test_a_program_with_two_triggers_needs_both() -> None:
    task = FAMILIES["two_routes"].sample(random.Random(5), "train")
    assert verdict(task.gold).canonical
    assert judge(task.gold, task).success
    lines = task.gold.split("\n")
    one_less = "\n".join(line for line in lines if not line.startswith("E ") or line.endswith("->L_main ->out"))
    assert not judge(one_less.split("L_main2:")[0], task).success
    assert {scenario.trigger for scenario in task.scenarios if scenario.trigger} >= {task.trigger}
