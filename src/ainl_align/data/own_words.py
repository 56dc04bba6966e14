"""Gold rows whose request is one in people's own words (``tasks/own_words.py``), with names drawn anew for each."""

import hashlib
import random
from collections.abc import Collection
from itertools import cycle, islice

from ainl_align.data.records import Row, SampleType, answered_row, request_messages
from ainl_align.language.semantics import verdict
from ainl_align.tasks.compose import normalised
from ainl_align.tasks.own_words import ALL_FAMILIES, instance, requests

_TRIES = 4
"""Instances that are tried for each row that is wanted."""


def own_words(
    family: str,
    count: int,
    sample_type: SampleType,
    rng: random.Random,
    *,
    min_lines: int,
    avoid: Collection[str],
    part: tuple[int, int] = (0, 1),
) -> list[Row]:
    """Up to ``count`` rows, each request of the family about as often as any other.

    ``part`` (which, of how many) takes a part of the family's requests alone; the parts share none. No two rows have
    the same normalised prompt and none has one of ``avoid``; programs are canonical and have ``min_lines`` lines.
    Fewer rows where the requests have too few names to change.
    """
    texts = requests()[family][part[0] :: part[1]]
    rows: dict[str, Row] = {}
    turns = cycle(rng.sample(texts, len(texts)))
    for request in islice(turns, _TRIES * count):
        if len(rows) == count:
            break
        prompt, gold = instance(request, rng)
        plain = normalised(prompt)
        if plain in rows or plain in avoid or len(gold.splitlines()) < min_lines or not verdict(gold).canonical:
            continue
        rows[plain] = _row(family, prompt, gold, sample_type)
    return list(rows.values())


def _row(family: str, prompt: str, gold: str, sample_type: SampleType) -> Row:
    digest = hashlib.blake2s(prompt.encode(), digest_size=5).hexdigest()
    task_id, tier = f"{family}-own-{digest}", ALL_FAMILIES[family].tier
    row = answered_row(request_messages(prompt), gold, sample_type, task_id=task_id, family=family, tier=tier)
    return row | {"wording": "own words"}
