"""The rooms of phrases: disjoint sides, enough of them, slots that parts can fill."""

from string import Formatter

import pytest

from ainl_align.tasks.wording import MODULES, Pool, pools, skeleton, skeletons

CLAUSES = ("http", "files", "cache", "queue", "mail", "sql", "text")


def _slots(phrase: str) -> set[str]:
    return {slot for _, slot, _, _ in Formatter().parse(phrase) if slot is not None}


def test_skeleton_ignores_case_spacing_and_slot_names() -> None:
    assert skeleton("GET {url}  -> {what}") == skeleton("get {a} -> {b}") == "get _ -> _"
    assert skeleton("the JSON {{{pairs}}}") == "the json {_}"


def test_no_skeleton_stands_on_both_sides_of_any_two_pools() -> None:
    train = {skeleton(text): name for name, pool in pools().items() for text in pool.train}
    held = {skeleton(text): name for name, pool in pools().items() for text in pool.held}
    assert {text: (train[text], held[text]) for text in train.keys() & held.keys()} == {}


def test_every_pool_has_both_sides() -> None:
    assert [name for name, counts in skeletons().items() if 0 in counts] == []


def test_steps_have_many_clause_skeletons() -> None:
    counts = [counts for name, counts in skeletons().items() if name.partition(".")[0] in CLAUSES]
    assert sum(train for train, _ in counts) >= 500
    assert sum(held for _, held in counts) >= 340


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_module_holds_nothing_but_pools(module: object) -> None:
    def is_pools(value: object) -> bool:
        return isinstance(value, Pool) or (isinstance(value, dict) and all(isinstance(v, Pool) for v in value.values()))

    public = {name: value for name, value in vars(module).items() if not name.startswith("_") and name != "Pool"}
    assert [name for name, value in public.items() if not is_pools(value)] == []


def test_phrases_of_a_pool_name_the_same_things() -> None:
    """What a phrase leaves out a reader cannot know; only these slots say the same in two ways or are mere grammar."""
    either = {"s", "word", "name", "listed", "pairs", "added"}
    for name, pool in pools().items():
        kinds = {frozenset(_slots(text) - either) for text in (*pool.train, *pool.held)}
        if name.partition(".")[0] in CLAUSES:
            assert len(kinds) == 1, (name, kinds)


def test_clauses_are_bare_infinitives_as_far_as_form_tells() -> None:
    """Lower case but for verbs of HTTP and SQL, no full stop, no question."""
    for name, pool in pools().items():
        if name.partition(".")[0] not in CLAUSES:
            continue
        for text in (*pool.train, *pool.held):
            first = text.split()[0]
            assert first[0] in "{" or first.islower() or first.isupper() or "{" in first, (name, text)
            assert text == text.strip() and text[-1] not in ".?!:;", (name, text)
            assert ". " not in text, (name, text)
