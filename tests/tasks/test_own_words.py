"""Requests in people's own words: each says what its program needs, and other names go into both alike."""

import random
import re

import pytest

from ainl_align.data.leakage import WRITTEN
from ainl_align.data.own_words import own_words
from ainl_align.decoding.grounding import copying_errors
from ainl_align.language.semantics import verdict
from ainl_align.tasks.compose import held_out
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.own_words import Request, Slot, draw, instance, open_slots, requests
from ainl_align.tasks.prompts import load_prompt_set
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.structure import structure

TEXTS = [request for texts in requests().values() for request in texts]
LOCKER = Request(
    "sql_read",
    "How many beds are closed? They're in beds, status 'closed' I think. Over 30 and I want \"closed\" - tell 5 of us.",
    "S app core noop\nL_main:\n"
    "  R sqlite.QUERY \"SELECT COUNT(*) AS n FROM beds WHERE status = 'shut'\" ->rows\n"
    '  R core.GET rows "0.n" ->val\n  R core.GT val 30 ->hit\n  If hit ->L_yes ->L_no\nL_yes:\n  J "closed"\n'
    "L_no:\n  J false\n",
    (Slot("beds", "table"), Slot("closed", "word"), Slot("30", "number", (20, 400))),
)


def _steps(gold: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"|(?<= )/[^ ]+|(?<= )-?\d[\d.]*(?=\s)', "_", gold)


def test_every_family_has_requests_and_no_text_stands_twice() -> None:
    assert all(len(requests()[name]) >= 10 for name in FAMILIES)
    assert len({request.prompt for request in TEXTS}) == len(TEXTS)


def test_instances_ask_for_canonical_programs_of_the_same_structure() -> None:
    rng = random.Random(11)
    for request in rng.sample(TEXTS, 150):
        prompt, gold = instance(request, rng)
        assert verdict(gold).canonical, request.prompt
        assert _steps(gold) == _steps(request.gold), request.prompt
        assert copying_errors(gold, prompt) == [], request.prompt
        for slot in request.slots:
            assert gold.count(slot.value) < request.gold.count(slot.value) or slot.value in prompt, (slot, prompt)


def test_names_change_together_and_words_only_where_they_are_quoted() -> None:
    prompt, gold = instance(LOCKER, random.Random(3))
    table = re.search(r"FROM (\w+)", gold)
    answer = re.search(r'J "([^"]+)"', gold)
    bound = re.search(r"GT val (\d+)", gold)
    assert table is not None and answer is not None and bound is not None
    assert table[1] != "beds" and f"in {table[1]}, status" in prompt and f"How many {table[1]} are closed?" in prompt
    assert f'"{answer[1]}" - tell 5 of us' in prompt
    assert f"Over {bound[1]} and" in prompt


def test_numbers_keep_their_order() -> None:
    request = Request(
        "two_tests",
        "between 30 and 40",
        "L_main:\n  R core.GT val 30 ->hit\n  R core.LT val 40 ->hit2\n",
        (Slot("30", "number", (5, 400)), Slot("40", "number", (5, 400))),
    )
    for seed in range(40):
        low, high = map(int, re.findall(r"\d+", instance(request, random.Random(seed))[0]))
        assert low < high


def test_a_slot_is_open_only_where_request_and_program_have_it_and_nothing_else_fixes_it() -> None:
    gold = (
        'S core cron\nCr L_main "30 4 * * *"\nL_main:\n  R http.GET "https://a.example/b" ->resp\n'
        "  Retry @n1 2 500 fixed\n"
    )
    slots = (
        Slot("https://a.example/b", "url"),
        Slot("2", "number", (2, 9)),
        Slot("30", "number", (5, 40)),
        Slot("unseen", "word"),
    )
    assert open_slots(slots, "At 4:30 fetch https://a.example/b, 2 tries, 30, unseen", gold) == slots[:1]
    assert open_slots(slots[:1], "fetch it", gold) == ()


def test_drawn_tasks_are_right_and_name_their_slots() -> None:
    rng = random.Random(5)
    for family in rng.sample(list(FAMILIES), 8):
        task, slots = draw(family, rng)
        assert judge(task.gold, task).success
        assert open_slots(slots, task.prompt, task.gold)


def test_rows_are_new_and_as_many_as_asked_for() -> None:
    rows = own_words("fetch_field", 150, "direct", random.Random(1), min_lines=3, avoid=())
    prompts = {row["messages"][1]["content"] for row in rows}
    assert len(prompts) == 150 > len(requests()["fetch_field"])
    less = own_words("fetch_field", 60, "direct", random.Random(1), min_lines=99, avoid=())
    assert less == []


def test_a_part_of_a_family_takes_its_own_texts_alone() -> None:
    texts = requests()["fetch_field"]
    for which in range(3):
        part = (which, len(texts))
        rows = own_words("fetch_field", 2, "direct", random.Random(1), min_lines=3, avoid=(), part=part)
        assert {structure(row["messages"][2]["content"]) for row in rows} == {structure(texts[which].gold)}


@pytest.mark.parametrize("path", WRITTEN.values())
def test_what_is_there_to_choose_by_is_in_no_training_text(path: object) -> None:
    known = {request.prompt for request in TEXTS}
    rows = load_prompt_set(str(path))
    assert rows and not known & {row.prompt for row in rows}


def test_the_dev_requests_are_whole_tasks_half_of_them_of_unseen_compositions() -> None:
    tasks = [row.task for row in load_prompt_set(WRITTEN["own_words"])]
    assert len(tasks) == 110
    for task in tasks[::5]:
        assert task is not None and task.split == "dev"
        assert judge(task.gold, task).success, task.id
        assert copying_errors(task.gold, task.prompt) == [], task.prompt
    assert any(task is not None and held_out(task.cluster) for task in tasks)
