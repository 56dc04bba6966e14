"""Resource names: many of each kind, none shared between splits, all usable where they stand."""

import random
import re
import sqlite3
from collections.abc import Callable
from itertools import combinations

import pytest

from ainl_align.tasks import entity_pools
from ainl_align.tasks.entities import Entities, known_words, share
from ainl_align.tasks.entity_pools import Kind

KINDS = {name: value for name, value in vars(entity_pools).items() if isinstance(value, Kind)}
SPLITS = ("train", "dev", "test")
DRAWS: dict[str, Callable[[Entities], object]] = {
    "url": Entities.url,
    "number_field": Entities.number_field,
    "text_field": Entities.text_field,
    "flag_field": Entities.flag_field,
    "group": Entities.group,
    "list_field": Entities.list_field,
    "table": Entities.table,
    "state": Entities.state,
    "queue": Entities.queue,
    "cache_slot": Entities.cache_slot,
    "file": Entities.file,
    "address": Entities.address,
    "path": Entities.path,
    "word": Entities.word,
    "notice": Entities.notice,
    "needle": Entities.needle,
    "value": Entities.value,
}
# Names of variables in golds: the runtime would read the variable in place of such a text.
VARIABLES = re.compile(r"(resp|rows|val|num|text|msg|hit|js|raw|obj|args|res|body|out)\d*")


def _all_names(kind: Kind, split: str) -> set[str]:
    forms = ("{w}", *kind.forms)
    return {
        form.format(w=word, c=word.title().replace("_", ""), n=number)
        for word in share(kind.words, split)
        for form in forms
        for number in ((2, 99) if "{n}" in form else (2,))
    }


@pytest.mark.parametrize("name", KINDS)
def test_no_name_of_a_kind_can_come_up_in_two_splits(name: str) -> None:
    kind = KINDS[name]
    assert len(set(kind.words)) == len(kind.words)
    assert sorted(word for split in SPLITS for word in share(kind.words, split)) == sorted(kind.words)
    for first, second in combinations(SPLITS, 2):
        assert _all_names(kind, first) & _all_names(kind, second) == set()


@pytest.mark.parametrize("name", DRAWS)
def test_splits_draw_many_names_and_never_the_same(name: str) -> None:
    drawn = {split: {DRAWS[name](Entities(random.Random(seed), split)) for seed in range(1500)} for split in SPLITS}
    assert not any(drawn[first] & drawn[second] for first, second in combinations(SPLITS, 2))
    least = {"flag_field": 70, "group": 70, "list_field": 70}.get(name, 100)
    assert min(len(names) for names in drawn.values()) >= least


def test_every_kind_has_over_1600_names() -> None:
    def size(kind: Kind) -> int:
        return len(kind.words) * (1 + sum(98 if "{n}" in form else 1 for form in kind.forms))

    assert {name: size(kind) for name, kind in KINDS.items() if size(kind) < 1600} == {}


@pytest.mark.parametrize("name", KINDS)
def test_no_name_is_that_of_a_variable_or_a_number(name: str) -> None:
    if name == "FOLDER":
        return  # never stands alone
    for split in SPLITS:
        for text in _all_names(KINDS[name], split):
            assert not VARIABLES.fullmatch(text), text
            assert text not in {"true", "false", "null"}
            assert not re.fullmatch(r"-?[\d.e]+", text), text


def test_tables_and_columns_need_no_quotes_in_sql() -> None:
    database = sqlite3.connect(":memory:")
    for split in SPLITS:
        columns = [name for kind in ("NUMBER", "TEXT", "FLAG") for name in _all_names(KINDS[kind], split)]
        for name in columns:
            database.execute(f"SELECT {name} FROM (SELECT 1 AS {name})")
        for name in _all_names(KINDS["TABLE"], split):
            database.execute(f"CREATE TABLE {name} (id INTEGER)")
    made = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert made == {name for split in SPLITS for name in _all_names(KINDS["TABLE"], split)}


def test_a_task_gives_no_word_out_twice() -> None:
    names = Entities(random.Random(3), "dev")
    tables = [names.table() for _ in range(12)]
    words = [max((word for word in KINDS["TABLE"].words if word in table), key=len) for table in tables]
    assert len(set(words)) == 12


def test_a_name_keeps_its_split_where_a_query_may_follow() -> None:
    urls = [Entities(random.Random(seed), "train").url(query=True) for seed in range(300)]
    assert 10 <= sum("?" in url for url in urls) <= 60
    assert all(re.fullmatch(r"https://[a-z0-9.-]+/[a-zA-Z0-9/._?=&-]+", url) for url in urls)


def test_made_up_words_mean_nothing() -> None:
    possible = {head + tail for head in entity_pools.HEADS for tail in entity_pools.TAILS}
    dangerous = {"true", "false", "null", "none", "select", "table", "values", "order"} & possible
    assert "false" in dangerous
    assert dangerous <= known_words()
