"""Noise: seeded, modest, and never on anything that carries the meaning."""

import random
import re

import pytest

from ainl_align.tasks import noise
from ainl_align.tasks.compose import names_in
from ainl_align.tasks.noise import noisy
from ainl_align.tasks.suites import generate

_MEANING = re.compile(r'"[^"\n]*"|\S*[0-9/_@]\S*|[A-Za-z]+')


def _meaning(text: str, names: frozenset[str]) -> list[str]:
    """Quoted texts, names of resources and fields, and whatever has a digit or a sign in it, in order."""
    found = (token.rstrip(".,:;?!") for token in _MEANING.findall(text))
    return [token for token in found if not token.isalpha() or token in names]


def _within(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(token in rest for token in wanted)


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_what_carries_the_meaning_stays(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_SHARE", 0.0)
    tasks = generate(split, seed=4, per_family=3)
    monkeypatch.setattr(noise, "_SHARE", 1.0)
    changed = 0
    for task in tasks:
        names = names_in(task.gold)
        for seed in range(6):
            text = noisy(task.prompt, names, split, random.Random(seed))
            assert _within(_meaning(task.prompt, names), _meaning(text, names)), (task.prompt, text)
            assert "  " not in text.replace("\n  - ", "\n- ")
            changed += text != task.prompt
    assert changed > 3 * len(tasks)


def test_most_requests_stay_clean_and_a_seed_repeats() -> None:
    text = "Please read the file. When this is not possible, send the message to the queue, and stop."
    made = [noisy(text, frozenset(), "train", random.Random(seed)) for seed in range(400)]
    assert made == [noisy(text, frozenset(), "train", random.Random(seed)) for seed in range(400)]
    assert 0.6 < sum(entry == text for entry in made) / 400 < 0.9
    assert len(set(made)) > 25


def test_train_and_held_out_noise_share_no_words_of_their_own() -> None:
    train, held = noise._TRAIN, noise._HELD
    for name in ("words", "pairs", "typos"):
        assert not set(getattr(train, name).values()) & set(getattr(held, name).values())
    assert not set(train.before + train.after) & set(held.before + held.after)


def test_names_and_quotes_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "_SHARE", 1.0)
    text = "Put \"and this\" with the's, 'and that' and the every-with_and/and.and on every AND"
    for seed in range(60):
        made = noisy(text, frozenset({"every"}), "train", random.Random(seed))
        for kept in ('"and this"', "'and that'", "the's", "every-with_and/and.and", "every", "AND"):
            assert kept in made
