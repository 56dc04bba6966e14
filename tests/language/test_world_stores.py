"""db, api, ext and memory: the imitations against the reference's own adapters, and nothing of the host."""

from pathlib import Path
from typing import Any

import pytest
import runtime.adapters.memory as reference_memory
from adapters.mock import MockAPIAdapter
from adapters.std_ext import StdExtAdapter
from cli.main import _InMemoryDbAdapter  # type: ignore[import-untyped]

from ainl_align.language.adapters import WORLD_READS, WORLD_VERBS, Budget
from ainl_align.language.compiler import compile_program
from ainl_align.language.world import (
    Command,
    Fault,
    Limits,
    MemoryRecord,
    Trace,
    Trigger,
    World,
    run_program,
)
from ainl_align.language.world_stores import Api, Db, Ext, Memory

Calls = list[tuple[str, list[Any]]]
NOW = "2026-01-15T09:00:00+00:00"


def plain(*steps: str, end: str = "J out") -> str:
    return "S app core noop\nL_main:\n" + "".join(f"  {step}\n" for step in (*steps, end))


def run(source: str, world: World | None = None) -> Trace:
    return run_program(source, world or World(), trigger=Trigger())


def behaviour(adapter: Any, calls: Calls) -> list[Any]:
    """What a sequence of calls returns or raises, every answer as it was at its time."""
    seen: list[Any] = []
    for verb, args in calls:
        try:
            answer = adapter.call(target=verb, args=args, context={})
            seen.append([dict(row) for row in answer] if isinstance(answer, list) else answer)
            seen[-1] = dict(seen[-1]) if isinstance(seen[-1], dict) else seen[-1]
        except Exception as error:
            seen.append(f"{type(error).__name__}: {error}")
    return seen


def test_db_behaves_like_the_reference() -> None:
    calls: Calls = [
        ("F", ["Order"]),
        ("G", ["Order", 1]),
        ("U", ["Order", {"state": "open"}]),
        ("D", ["Order", 1]),
        ("C", ["Order", {"state": "new"}]),
        ("P", ["Order", {"state": "late", "id": 40}]),
        ("C", ["User", "no object"]),
        ("F", ["Order", "*"]),
        ("F", ["Order", {"state": "late"}]),
        ("G", ["Order", 40]),
        ("G", ["Order", 2]),
        ("G", ["Order"]),
        ("U", ["Order", {"state": "paid"}]),
        ("U", ["Order", 40, {"state": "paid"}]),
        ("F", ["Order"]),
        ("D", ["Order", 7]),
        ("D", ["Order", 40]),
        ("F", ["Order", "*"]),
        ("F", ["User"]),
    ]
    ours, reference = behaviour(Db({}), calls), behaviour(_InMemoryDbAdapter(), calls)
    assert ours == reference
    assert ours[4] == {"id": 1, "state": "new"}


def test_db_goes_on_after_the_highest_id_and_keeps_the_world_as_it_was() -> None:
    world = World(db={"Order": [{"id": 8, "state": "open"}], "User": [{"id": 3}]})
    source = plain('R core.PARSE "{\\"state\\":\\"new\\"}" ->obj', 'R db.C "Order" obj ->out')
    trace = run(source, world)
    assert trace.returned == {"id": 9, "state": "new"}
    assert trace.db["Order"] == [{"id": 8, "state": "open"}, {"id": 9, "state": "new"}]
    assert world.db["Order"] == [{"id": 8, "state": "open"}]


def test_api_behaves_like_the_reference() -> None:
    calls: Calls = [("G", ["/rates"]), ("P", ["/orders", {"id": 1}]), ("POST", ["/orders", {"id": 1}]), ("P", ["/x"])]
    assert behaviour(Api({}), calls) == behaviour(MockAPIAdapter(), calls)
    assert Api({"/rates": {"usd": 3}}).call("G", ["/rates"], {})["data"] == {"usd": 3}


def test_ext_behaves_like_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AINL_EXT_ALLOW_EXEC", "1")
    calls: Calls = [
        ("OP", ["sync", {"id": 1}]),
        ("ECHO", ["hello"]),
        ("G", []),
        ("EXEC", ["printf", "two words"]),
        ("RUN", ["sh", "-c", "echo bad >&2; exit 3"]),
        ("EXEC", []),
    ]
    world = World(
        commands=(
            Command(argv=("printf", "two words"), stdout="two words"),
            Command(argv=("sh", "-c", "echo bad >&2; exit 3"), exit_code=3, stderr="bad\n"),
        )
    )
    assert behaviour(Ext(world), calls) == behaviour(StdExtAdapter(), calls)
    missing: Calls = [("EXEC", ["no-such-program-here"])]
    assert "executable not found" in behaviour(Ext(world), missing)[0]
    assert "executable not found" in behaviour(StdExtAdapter(), missing)[0]


RECORD: Calls = [
    ("PUT", ["ops", "incident", "last", {"count": 1}]),
    ("PUT", ["ops", "incident", "last", {"count": 2}, 60]),
    ("GET", ["ops", "incident", "last"]),
    ("GET", ["ops", "incident", "other"]),
    ("APPEND", ["daily_log", "note", "monday", {"text": "a"}]),
    ("APPEND", ["daily_log", "note", "monday", {"text": "b"}, None]),
    ("APPEND", ["ops", "incident", "last", {"text": "c"}]),
    ("GET", ["daily_log", "note", "monday"]),
    ("PUT", ["ops", "alert", "b2", {}]),
    ("PUT", ["ops", "alert", "A1", {}]),
    ("LIST", ["ops"]),
    ("LIST", ["ops", "alert"]),
    ("LIST", ["ops", "alert", "a"]),
    ("LIST", ["ops", None, None, "2026-01-15T09:00:00+00:00"]),
    ("LIST", ["ops", "alert", None, "2999-01-01"]),
    ("LIST", ["ops", ""]),
    ("LIST", ["ops", "alert", "a", 5]),
    ("LIST", []),
    ("DELETE", ["ops", "alert", "b2"]),
    ("DELETE", ["ops", "alert", "b2"]),
    ("PRUNE", ["ops"]),
    ("PRUNE", []),
    ("PUT", ["elsewhere", "a", "b", {}]),
    ("PUT", ["ops", "a", 7, {}]),
    ("PUT", ["ops", "", "b", {}]),
    ("PUT", ["ops", "a", "b"]),
    ("PUT", ["ops", "a", "b", "text"]),
    ("PUT", ["ops", "a", "b", {}, "soon"]),
    ("PUT", ["ops", "a", "b", {}, True]),
    ("APPEND", ["ops", "a", "b"]),
    ("GET", ["ops", "a"]),
    ("LIST", [5]),
    ("TOUCH", ["ops", "a", "b"]),
]


def test_memory_behaves_like_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference_memory, "_utc_now_iso", lambda: NOW)
    reference = reference_memory.MemoryAdapter(str(tmp_path / "memory.sqlite3"))
    calls = [call for call in RECORD if call[0] != "PRUNE"]  # the reference prunes by the clock of the host
    without_ttl = [call for call in calls if call[1][4:] != [60]]
    ours = behaviour(Memory(World(now=NOW), Budget(Limits())), without_ttl)
    assert ours == behaviour(reference, without_ttl)


def test_a_memory_record_past_its_time_cannot_be_read_and_is_pruned() -> None:
    world = World(
        memory=(
            MemoryRecord(namespace="ops", kind="a", id="old", payload={"n": 1}, ttl_s=60, age_s=61),
            MemoryRecord(namespace="ops", kind="a", id="edge", payload={"n": 2}, ttl_s=60, age_s=60),
            MemoryRecord(namespace="session", kind="a", id="old", payload={"n": 3}, ttl_s=60, age_s=61),
        )
    )
    source = plain(
        'R memory.GET "ops" "a" "old" ->old',
        'R memory.GET "ops" "a" "edge" ->edge',
        'R memory.PRUNE "ops" ->gone',
        'R core.GET old "found" ->first',
        'R core.GET edge "record.payload.n" ->second',
        'R core.GET gone "pruned" ->third',
        'R core.CONCAT first " " second " " third ->out',
    )
    trace = run(source, world)
    assert trace.returned == "False 2 1"
    assert set(trace.memory) == {"ops/a/edge", "session/a/old"}


def test_faults_hit_the_named_store_and_are_retried() -> None:
    source = plain('R memory.LIST "ops" ->out', "Retry @n1 2 50 fixed", 'R core.GET out "items" ->items', end="J items")
    faults = (
        Fault(call="memory.LIST", target="session", times=9),
        Fault(call="memory.LIST", target="ops", times=2),
    )
    trace = run(source, World(faults=faults))
    assert (trace.returned, trace.delays_ms) == ([], (50.0, 50.0))
    assert [call.ok for call in trace.calls] == [False, False, True]


def test_no_verb_of_these_namespaces_reaches_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AINL_MEMORY_DB", str(tmp_path / "memory.sqlite3"))
    monkeypatch.setenv("AINL_EXT_ALLOW_EXEC", "1")
    monkeypatch.setenv("AINL_ALLOW_IR_DECLARED_ADAPTERS", "1")
    mark = tmp_path / "mark"
    trace = run(plain(f'R ext.EXEC "touch" "{mark}" ->out'))
    assert "executable not found" in (trace.error or "")
    stored = run(plain("R core.PARSE '{\"a\":1}' ->obj", 'R memory.PUT "ops" "a" "b" obj ->out'))
    assert stored.memory == {"ops/a/b": {"a": 1}}
    for verb in ("RECALL", "SEARCH", "STORE_PATTERN", "EXPORT_GRAPH", "PATTERN_RECALL", "EXECUTE", "MERGE"):
        assert run(plain(f'R memory.{verb} "ops" ->out')).error is not None, verb
    assert list(tmp_path.iterdir()) == []


def test_what_grows_in_memory_is_counted() -> None:
    steps = ['R core.CONCAT "{\\"t\\":\\"" "word" "\\"}" ->raw', "R core.PARSE raw ->obj"]
    steps += ['R memory.APPEND "ops" "a" "b" obj ->out'] * 60
    trace = run_program(plain(*steps), World(), trigger=Trigger(), limits=Limits(output_chars=500))
    assert (trace.error or "").startswith("limit: ")


@pytest.mark.parametrize(
    "verb", sorted(verb for verb in WORLD_VERBS if verb.split(".")[0] in ("db", "api", "ext", "memory"))
)
def test_every_verb_is_allowed_by_strict_mode(verb: str) -> None:
    compiled = compile_program(plain(f'R {verb} "a" "b" ->out'), strict=True)
    assert compiled.ok
    assert not compiled.warnings
    tiers = [node["effect_tier"] for node in (compiled.ir or {})["labels"]["_main"]["nodes"]]
    assert ("io-read" in tiers) == (verb in WORLD_READS)
