import random
from itertools import islice

import pytest

from ainl_align.data.breakers import BREAKERS
from ainl_align.data.drafts import CUT_KINDS, any_drafts, malformed, malformed_drafts, misguided
from ainl_align.data.mutations import MUTATIONS
from ainl_align.data.records import CUT_OFF
from ainl_align.language.semantics import verdict
from ainl_align.tasks.scenario import Task, judge

NOT_HERE = {"method_changed", "path_shortened"}
"""The task has no endpoint, and its field has the name of a variable, which no text may have."""


@pytest.mark.parametrize("kind", BREAKERS)
def test_malformed_drafts_are_refused_with_a_reason(task: Task, kind: str) -> None:
    drafts = [draft for seed in range(12) if (draft := malformed(task, kind, random.Random(seed)))]
    assert drafts
    for draft in drafts:
        assert not verdict(draft.text).canonical
        assert draft.diagnostics == ((CUT_OFF,) if kind in CUT_KINDS else verdict(draft.text).reasons)
        assert draft.diagnostics


@pytest.mark.parametrize("kind", sorted(set(MUTATIONS) - NOT_HERE))
def test_misguided_drafts_compile_and_do_the_wrong_thing(task: Task, kind: str) -> None:
    drafts = [draft for seed in range(12) if (draft := misguided(task, kind, random.Random(seed)))]
    assert drafts
    for draft in drafts:
        assert verdict(draft.text).canonical
        assert not judge(draft.text, task).success


def test_a_nested_field_is_read_higher_up(task: Task) -> None:
    gold = task.gold.replace("->load", "->val").replace("GT load", "GT val").replace('" load ->', '" val ->')
    assert gold.count("val") == 3
    draft = misguided(task.model_copy(update={"gold": gold}), "path_shortened", random.Random(0))
    assert draft is not None and 'R core.GET resp "load" ->val' in draft.text


def test_dropping_a_guard_keeps_the_others_right(task: Task) -> None:
    found = {MUTATIONS["guard_dropped"](task.gold.splitlines(), random.Random(seed)) for seed in range(9)}
    without_retry = task.gold.replace("  Retry @n1 3 200 exponential\n", "")
    without_handler = task.gold.replace("  Err @n1 ->L_fail\n", "").replace('L_fail:\n  J "gave up"\n', "")
    assert found == {without_retry.rstrip(), without_handler.rstrip()}


def test_dropping_a_step_renumbers_the_guards_behind_it() -> None:
    lines = [
        "L_main:",
        '  R fs.WRITE "a" "b" ->first',
        "  Err @n1 ->L_fail",
        '  R http.GET "u" ->second',
        "  Retry @n3 1 100",
        "L_fail:",
        "  Err @n9 ->L_x",
    ]
    changed = MUTATIONS["step_dropped"](lines, random.Random(0))
    assert changed is not None
    assert changed.splitlines() == [
        "L_main:",
        '  R http.GET "u" ->second',
        "  Retry @n1 1 100",
        "L_fail:",
        "  Err @n9 ->L_x",
    ]


def test_preferred_kinds_come_first(task: Task) -> None:
    first = ("retry_count", "harvested", "fence")
    assert {draft.kind for draft in islice(any_drafts(task, random.Random(1), first), 3)} <= set(first)
    assert {draft.kind for draft in islice(malformed_drafts(task, random.Random(1), first), 2)} == {
        "harvested",
        "fence",
    }


def test_drafts_differ_and_can_be_repeated(task: Task) -> None:
    for source in (malformed_drafts, any_drafts):
        first = list(islice(source(task, random.Random(3)), 40))
        assert len({draft.text for draft in first}) == 40
        assert len({draft.kind for draft in first}) > 12
        assert first == list(islice(source(task, random.Random(3)), 40))


def test_drafts_end_when_nothing_new_is_found(task: Task) -> None:
    short = task.model_copy(update={"gold": 'S app core noop\nL_main:\n  J "x"\n'})
    assert 5 < len(list(islice(malformed_drafts(short, random.Random(0)), 5000))) < 1000
