"""Requests in words: what a reader needs is there, and one wording never means two things."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Hashable

import pytest

from ainl_align.tasks.parts.base import Ctx, Item
from ainl_align.tasks.parts.conditions import Bound, Present, TextTest
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.layout import prompt
from ainl_align.tasks.parts.payloads import Fixed
from ainl_align.tasks.parts.sentences import Writer, capital, sentence
from ainl_align.tasks.parts.sources import HttpFields
from ainl_align.tasks.parts.triggers import clock_words, plain, schedule
from ainl_align.tasks.suites import generate
from ainl_align.tasks.wording.conditions import POOLS, QUESTION
from ainl_align.tasks.wording.pool import skeleton

SPLITS = ("train", "dev", "test")
NUMBERS = "one two three four five".split()


def _meanings(draw: Callable[[Ctx], tuple[str, Hashable]], count: int) -> dict[str, set[Hashable]]:
    found = defaultdict(set)
    for split in SPLITS:
        for seed in range(count):
            words, meaning = draw(Ctx(random.Random(seed), split))
            found[words].add(meaning)
    return found


def test_a_schedule_in_words_names_one_schedule() -> None:
    def draw(ctx: Ctx) -> tuple[str, Hashable]:
        start = schedule(ctx)
        return start.when, start.trigger.cron

    found = _meanings(draw, 1200)
    assert {words: meant for words, meant in found.items() if len(meant) > 1} == {}
    assert len(found) > 1000


@pytest.mark.parametrize(
    ("hour", "minute", "words"),
    [
        (18, 30, "half past six in the evening"),
        (3, 45, "a quarter to four in the morning"),
        (12, 0, "noon"),
        (11, 45, "a quarter to noon"),
        (23, 30, "half past eleven at night"),
        (16, 15, "a quarter past four in the afternoon"),
        (9, 0, "nine o'clock in the morning"),
        (12, 5, "12:05 pm"),
        (0, 30, "00:30"),
    ],
)
def test_times_of_day(hour: int, minute: int, words: str) -> None:
    assert words in {clock_words(Ctx(random.Random(seed), "train"), hour, minute) for seed in range(80)}


def test_a_time_of_day_in_words_is_one_time() -> None:
    def draw(ctx: Ctx) -> tuple[str, Hashable]:
        time = ctx.rng.randrange(24), ctx.rng.choice((0, 15, 30, 45, 5))
        return clock_words(ctx, *time), time

    assert {words: meant for words, meant in _meanings(draw, 1000).items() if len(meant) > 1} == {}


def test_a_retry_in_words_is_one_policy() -> None:
    def draw(ctx: Ctx) -> tuple[str, Hashable]:
        guard = Guard(ctx.rng.randint(1, 5), ctx.pick((500, 1000, 1500, 250)), ctx.pick(("fixed", "exponential")))
        flow = Flow([HttpFields(ctx, ("num",))], guard=guard)
        words = Writer(ctx, endpoint=False).sentences(flow)[1]
        return words, (guard.retries, guard.wait_ms, guard.strategy)

    found = _meanings(draw, 1200)
    assert {words: meant for words, meant in found.items() if len(meant) > 1} == {}
    for words, meant in found.items():
        ((retries, *_),) = meant
        assert retries == 1 or any(
            re.search(rf"\b{word}\b", words) for word in ("twice", f"{retries}x?", NUMBERS[retries - 1])
        )


def test_a_phrase_belongs_to_one_condition() -> None:
    owners = defaultdict(set)
    for name, pool in POOLS.items():
        for phrase in (*pool.train, *pool.held):
            kind = name.replace("_sent", "").replace("_some", "")
            owners[skeleton(phrase)].add(kind)
    assert {phrase: names for phrase, names in owners.items() if len(names) > 1} == {}


def test_questions_are_turned_round_where_they_can_be() -> None:
    ctx = Ctx(random.Random(1), "train")
    bound = Bound(ctx, Item("body.load", "the load", "num"), 5, "GT")
    asked = {bound.question(ctx) for _ in range(60)}
    assert {"is the load above 5", "is the load above five"} & asked
    openings = ("is the load ", *(phrase.partition("{c}")[0] for phrase in QUESTION.train))
    assert all(text.startswith(openings) for text in asked), asked


def test_the_opposite_is_only_said_where_it_is_no_other_question() -> None:
    ctx = Ctx(random.Random(1), "train")
    item = Item("cached", "the value", "text")
    assert Bound(ctx, Item("n", "n", "num"), 5).negated(ctx) is None
    assert TextTest(ctx, item, "contains").negated(ctx) is not None
    assert Present(ctx, item).negated(ctx) is not None


def test_capitals_leave_names_alone() -> None:
    assert capital("https://a.example.com/x is read") == "https://a.example.com/x is read"
    assert sentence("read it") == "Read it."
    assert sentence("is it there?") == "Is it there?"


def test_two_long_branches_stand_in_blocks() -> None:
    ctx = Ctx(random.Random(3), "train")
    first, second, third = (HttpFields(ctx, ("num",)) for _ in range(3))

    def long(source: HttpFields, words: tuple[str, str]) -> Flow:
        yes, no = (Flow(ret=Fixed(word)) for word in words)
        return Flow([source], check=Check(Bound(ctx, source.gives[0], 8, "GT"), yes, no))

    check = Check(Bound(ctx, first.gives[0], 5, "GT"), long(second, ("a1", "a2")), long(third, ("b1", "b2")))
    for seed in range(30):
        parts = Writer(Ctx(random.Random(seed), "train"), endpoint=False).sentences(Flow([first], check=check))
        yes, no = parts[-2:]
        assert second.target in yes and '"a1"' in yes and '"a2"' in yes and "b1" not in yes
        assert third.target in no and '"b1"' in no and '"b2"' in no and "a1" not in no
        assert "\n" not in parts[0]
        text = prompt(Ctx(random.Random(seed), "train"), plain(), Flow([first], check=check))
        assert text.index(second.target) < text.index('"b1"')


@pytest.mark.parametrize("split", SPLITS)
def test_every_fixed_word_stands_in_the_request(split: str) -> None:
    for task in generate(split, seed=31, per_family=2):
        for word in re.findall(r'^  J "(.*)"$|^  Set out "(.*)"$', task.gold, re.MULTILINE):
            text = "".join(word)
            assert text in task.prompt or text == "ok", (text, task.prompt)
        for count in re.findall(r"Retry @n\d+ (\d)", task.gold):
            assert count == "1" or re.search(rf"\b({count}x?|twice|{NUMBERS[int(count) - 1]})\b", task.prompt, re.I)
