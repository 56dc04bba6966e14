"""The phrases that requests are made of. Modules hold nothing but pools, as named constants; parts fill their slots.

A constant is a ``Pool`` or a dict of them. A phrase of a train side never stands in a held side, whatever its slots.
"""

from types import ModuleType

from ainl_align.tasks.wording import (
    api,
    branches,
    cache,
    changes,
    compound,
    conditions,
    connectives,
    db,
    deep,
    endpoints,
    errors,
    ext,
    figures,
    files,
    filters,
    http,
    jobs,
    lookups,
    mail,
    memory,
    nouns,
    payloads,
    queue,
    retries,
    schedules,
    sql,
    text,
    values,
    voices,
)
from ainl_align.tasks.wording.pool import Pool, skeleton

_STRUCTURE = (branches, conditions, connectives, endpoints, errors, retries, schedules, voices)
_IDIOMS = (changes, compound, deep, figures, filters, jobs, lookups, values)
_STORES = (db, api, ext, memory)
MODULES: tuple[ModuleType, ...] = (
    http,
    files,
    cache,
    queue,
    mail,
    sql,
    text,
    nouns,
    payloads,
    *_IDIOMS,
    *_STORES,
    *_STRUCTURE,
)


def pools() -> dict[str, Pool]:
    """Every pool by name: ``queue.PUT``, or ``text.RECASE.upper`` where a dict holds several."""
    found: dict[str, Pool] = {}
    for module in MODULES:
        room = module.__name__.rpartition(".")[2]
        for name, value in vars(module).items():
            if isinstance(value, Pool):
                found[f"{room}.{name}"] = value
            elif isinstance(value, dict):
                found |= {f"{room}.{name}.{key}": entry for key, entry in value.items() if isinstance(entry, Pool)}
    return found


def skeletons() -> dict[str, tuple[int, int]]:
    """How many distinct skeletons each pool has: for training, and held out."""
    return {
        name: (len({skeleton(text) for text in pool.train}), len({skeleton(text) for text in pool.held}))
        for name, pool in pools().items()
    }


__all__ = ["MODULES", "Pool", "pools", "skeleton", "skeletons"]
