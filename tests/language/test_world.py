"""Worlds: the imitations against the real adapters, triggers, retries and handlers, and hostile programs."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from adapters.local_cache import LocalFileCacheAdapter
from adapters.mock import MockQueueAdapter
from pydantic import ValidationError
from runtime.adapters.builtins import CoreBuiltinAdapter
from runtime.adapters.fs import SandboxedFileSystemAdapter
from runtime.adapters.http import SimpleHttpAdapter
from runtime.adapters.sqlite import SimpleSqliteAdapter

from ainl_align.language.adapters import Budget, Cache, Core, Files, Http, LimitReached, Queue
from ainl_align.language.semantics import RUNNABLE
from ainl_align.language.world import (
    WORLD_VERBS,
    Fault,
    HttpRoute,
    Limits,
    Reply,
    Trace,
    Trigger,
    World,
    declared_triggers,
    run_program,
)
from ainl_align.language.world_sqlite import Sqlite, initial_tables

PLAIN = Trigger()
URL = "https://api.example/items"


def plain(*steps: str, end: str = "J out") -> str:
    return "S app core noop\nL_main:\n" + "".join(f"  {step}\n" for step in (*steps, end))


def run(source: str, world: World | None = None, **options: Any) -> Trace:
    options.setdefault("trigger", PLAIN)
    return run_program(source, world or World(), **options)


def route(*replies: Reply, method: str = "GET") -> HttpRoute:
    return HttpRoute(method=method, url=URL, replies=replies)


def behaviour(adapter: Any, calls: list[tuple[str, list[Any]]]) -> list[Any]:
    """What a sequence of calls returns or raises."""
    seen: list[Any] = []
    for verb, args in calls:
        try:
            seen.append(adapter.call(target=verb, args=args, context={}))
        except Exception as error:
            seen.append(f"{type(error).__name__}: {error}")
    return seen


# ---- the imitations against the real classes


def test_files_behave_like_the_real_adapter(tmp_path: Path) -> None:
    calls = [
        ("READ", ["a.txt"]),
        ("LIST", ["."]),
        ("LIST", ["nothing"]),
        ("WRITE", ["a.txt", "grün\n"]),
        ("WRITE", ["d/e/b.txt", "b"]),
        ("WRITE", ["d/c.txt", 3]),
        ("WRITE", ["d/j.json", {"a": [1, None]}]),
        ("WRITE", ["empty.txt"]),
        ("READ", ["./d/../a.txt"]),
        ("READ", ["d/j.json"]),
        ("READ", ["d"]),
        ("LIST", ["d"]),
        ("LIST", [""]),
        ("LIST", ["a.txt"]),
        ("READ", ["../outside"]),
        ("READ", ["/etc/passwd"]),
        ("WRITE", ["d/../../x", "no"]),
        ("DELETE", ["missing"]),
        ("DELETE", ["a.txt"]),
        ("READ", ["a.txt"]),
        ("DELETE", ["d"]),
        ("LIST", ["d"]),
        ("LIST", ["d/e"]),
        ("READ", []),
        ("COPY", ["a"]),
    ]
    real = SandboxedFileSystemAdapter(str(tmp_path / "root"), allow_delete=True)
    assert behaviour(Files({}), calls) == behaviour(real, calls)
    for path in ("b.txt/below", "d"):
        bad = [("WRITE", ["b.txt", "x"]), ("WRITE", ["d/x", "x"]), ("WRITE", [path, "y"])]
        assert "Error" in behaviour(Files({}), bad)[-1]
        assert "Error" in behaviour(SandboxedFileSystemAdapter(str(tmp_path / path / "r")), bad)[-1]


SQL = ("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, score REAL)", "INSERT INTO t VALUES (1, 'a', 2.5)")


def test_sqlite_behaves_like_the_real_adapter(tmp_path: Path) -> None:
    calls = [
        ("QUERY", ["SELECT * FROM t"]),
        ("QUERY", ["  select count(*) AS n, max(score) FROM t"]),
        ("QUERY", ["SELECT name FROM t WHERE id = ?", [1]]),
        ("QUERY", ["SELECT name FROM t WHERE id = ?", 1]),
        ("QUERY", ["SELECT name FROM t", "*"]),
        ("QUERY", ["SELECT name FROM t WHERE id = ?"]),
        ("QUERY", ["DELETE FROM t"]),
        ("QUERY", ["WITH x AS (SELECT 1) SELECT * FROM x"]),
        ("QUERY", ["SELECT nothing FROM nowhere"]),
        ("EXECUTE", ["INSERT INTO t (name, score) VALUES (?, ?)", ["b", 7]]),
        ("EXECUTE", ["INSERT INTO t (id, name) VALUES (1, 'twice')"]),
        ("EXECUTE", ["UPDATE t SET score = score + 1"]),
        ("EXECUTE", ["INSERT INTO t (name) VALUES (?)", [{"no": "column"}]]),
        ("EXECUTE", ["SELECT 1; SELECT 2"]),
        ("EXECUTE", ["CREATE TABLE u (x)"]),
        ("QUERY", ["SELECT * FROM t ORDER BY id DESC"]),
        ("QUERY", [7]),
        ("QUERY", []),
        ("BACKUP", ["x"]),
    ]
    real = SimpleSqliteAdapter(str(tmp_path / "db"), allow_write=True)
    for line in SQL:
        real.call("EXECUTE", [line], {})
    assert behaviour(Sqlite(World(sql=SQL), Budget(Limits())), calls) == behaviour(real, calls)


def test_cache_behaves_like_the_real_adapter(tmp_path: Path) -> None:
    calls = [
        ("GET", ["ns", "k"]),
        ("SET", ["ns", "k", {"a": 1}]),
        ("SET", ["ns", "n", 3, 60]),
        ("SET", ["alone", 5]),
        ("GET", ["ns", "k"]),
        ("GET", ["ns", "k", "more"]),
        ("GET", ["alone"]),
        ("GET", ["default", "alone"]),
        ("GET", []),
        ("SET", ["ns"]),
        ("DROP", ["ns"]),
    ]
    assert behaviour(Cache({}), calls) == behaviour(LocalFileCacheAdapter(str(tmp_path / "cache.json")), calls)


def test_queue_behaves_like_the_reference_mock() -> None:
    calls = [("PUT", ["alerts", "down"]), ("PUT", ["jobs", {"id": 1}]), ("PUT", ["jobs"]), ("GET", ["jobs", "x"])]
    assert behaviour(Queue(), calls) == behaviour(MockQueueAdapter(), calls)


CORE_CALLS = [
    ("ADD", [2, "3"]),
    ("DIV", [1, 0]),
    ("CONCAT", ["a", None, True, 2.5]),
    ("SPLIT", ["a,b", ","]),
    ("JOIN", ["-", ["a", 1]]),
    ("JOIN", ["-", "abc"]),
    ("REPLACE", ["aXbX", "X", "yy"]),
    ("GET", [{"a": [{"b": 5}]}, "a.0.b"]),
    ("PARSE", ['{"a": 1}']),
    ("PARSE", ["no"]),
    ("STRINGIFY", [{"a": "ü"}]),
    ("MERGE", [{"a": 1}, {"b": 2}]),
    ("LEN", [[1, 2]]),
    ("GT", ["b", "a"]),
    ("EQ", ["1", 1]),
    ("SUBSTR", ["abcdef", 1, 2]),
    ("ISO_TS", [0]),
    ("TRIM", ["  a   b "]),
    ("MUL", [1e200, 1e200]),
    ("CEIL", [1.5]),
    ("ADD", [1]),
]


def test_core_is_the_real_adapter() -> None:
    core = Core(World(), Budget(Limits()))
    assert behaviour(core, CORE_CALLS) == behaviour(CoreBuiltinAdapter(), CORE_CALLS)


def test_core_reads_the_clock_and_environment_of_the_world_and_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_SECRET", "do not tell")
    world = World(now="2026-03-01T00:00:00+01:00", env={"REGION": "north"})
    source = plain(
        "R core.NOW _ ->now",
        "R core.ISO _ ->iso",
        'R core.ENV "REGION" ->region',
        'R core.ENV "HOST_SECRET" ->secret',
        'R core.ENV "HOST_SECRET" "none" ->fallback',
        "R core.SLEEP 60000 ->slept",
        'R core.JOIN "|" all ->ignored',
        'R core.CONCAT now "|" iso "|" region "|" secret "|" fallback ->out',
    )
    started = time.monotonic()
    trace = run(source, world)
    assert trace.returned == "1772319600|2026-02-28T23:00:00Z|north|None|none"
    assert trace.slept_ms == (60000.0,)
    assert time.monotonic() - started < 5


def test_sql_reads_the_clock_of_the_world() -> None:
    source = plain(
        "R sqlite.QUERY \"SELECT date('now', '-1 day') AS d, strftime('%H:%M') AS t, CURRENT_TIMESTAMP AS c, "
        "datetime('2020-01-01 10:00', '+1 hour') AS fixed\" ->out"
    )
    expected = {"d": "2026-01-14", "t": "09:00", "c": "2026-01-15 09:00:00", "fixed": "2020-01-01 11:00:00"}
    assert run(source).returned == [expected]


class _Site(BaseHTTPRequestHandler):
    """A real server for the real adapter: the status is in the path, JSON unless the path says text."""

    def do_GET(self) -> None:
        status, kind = self.path.strip("/").split("/")
        self.send_response(int(status))
        self.send_header("Content-Type", "application/json" if kind == "json" else "text/plain")
        self.end_headers()
        self.wfile.write(b'{"a": [1]}')

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


def test_http_behaves_like_the_real_adapter() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        site = f"http://127.0.0.1:{server.server_port}"
        calls = [
            ("GET", [f"{site}/200/json"]),
            ("GET", [f"{site}/203/text", {"X-Key": "k"}]),
            ("POST", [f"{site}/201/json", {"b": 2}]),
            ("POST", [f"{site}/201/json", "text", {"X-Key": "k"}, 3]),
            ("GET", [f"{site}/404/text"]),
            ("POST", [f"{site}/409/json", None]),
            ("GET", ["ftp://x/y"]),
            ("GET", ["https://"]),
            ("GET", []),
            ("TRACE", [f"{site}/200/json"]),
        ]
        real = behaviour(SimpleHttpAdapter(), calls)
    finally:
        server.shutdown()
        server.server_close()
    routes = [
        HttpRoute(
            method=verb,
            url=args[0],
            replies=(Reply(status=int(args[0][-8:-5]), body='{"a": [1]}' if "text" in args[0] else {"a": [1]}),),
        )
        for verb, args in calls[:6]
    ]
    for envelope in real:
        if isinstance(envelope, dict):
            envelope["headers"] = {"content-type": envelope["headers"]["content-type"]}  # the server adds date and name
    assert behaviour(Http(tuple(routes)), calls) == real


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://x", "requires http/https"),
        ("https://", "missing host"),
        ("https://elsewhere.example/", "nothing answers"),
    ],
)
def test_http_refuses_what_the_real_adapter_refuses(url: str, message: str) -> None:
    trace = run(plain(f'R http.GET "{url}" ->out'), World(http=(route(Reply()),)))
    assert trace.error is not None
    assert message in trace.error
    assert not trace.calls[0].ok


def test_http_bodies() -> None:
    replies = (Reply(), Reply(body="text"), Reply(body="[1]", headers={"Content-Type": "application/json; v=1"}))
    http = Http((route(*replies, Reply(body=[{"n": 1}])),))
    assert [http.call("GET", [URL], {})["body"] for _ in range(5)] == ["", "text", [1], [{"n": 1}], [{"n": 1}]]


def test_a_program_cannot_change_the_world_it_was_given() -> None:
    world = World(cache={"ns": {"k": [1]}}, http=(route(Reply(body={"a": [1]})),), files={"f": "x"})
    before = world.model_dump_json()
    source = plain(f'R http.GET "{URL}" ->r', 'R fs.WRITE "f" "y" ->w', 'R cache.SET "ns" "k" "z" ->out')
    run(source, world)
    assert world.model_dump_json() == before


# ---- entries


def test_each_trigger_runs_its_own_entry() -> None:
    source = """S core web /api
E /jobs G ->L_list ->out
E /jobs P ->L_add ->made
Cr L_tick "*/5  * * * *"
L_list:
  Set query $query
  R core.GET query "name" ->out
  J out
L_add:
  Set body $body
  R core.GET body "id" ->made
  J made
L_tick:
  J "tick"
"""
    assert declared_triggers(source) == (
        Trigger(kind="endpoint", path="/jobs", method="GET"),
        Trigger(kind="endpoint", path="/jobs", method="POST"),
        Trigger(kind="cron", cron="*/5 * * * *"),
    )
    post = Trigger(kind="endpoint", path="/jobs", method="POST")
    assert run(source, trigger=post, body={"id": 7}).returned == 7
    assert (
        run(source, trigger=Trigger(kind="endpoint", path="/jobs", method="GET"), query={"name": "n"}).returned == "n"
    )
    every = ",".join(str(minute) for minute in range(0, 60, 5))
    assert run(source, trigger=Trigger(kind="cron", cron=f"{every} * * * *")).returned == "tick"
    missing = run(source, trigger=Trigger(kind="endpoint", path="/jobs", method="DELETE"))
    assert missing.error == "has no endpoint DELETE /jobs"
    assert len(missing.triggers) == 3
    assert run(plain('Set out "x"')).triggers == (PLAIN,)


def test_a_program_that_does_not_compile_is_an_error_not_an_exception() -> None:
    for source in ("", 'S app core noop\nL_main:\n  R nosuch.VERB "x" ->y\n  J y\n', 'L_a:\n  J "open'):
        trace = run(source)
        assert trace.returned is None
        assert trace.error is not None


@pytest.mark.parametrize(
    "fields", [{"kind": "cron"}, {"kind": "plain", "cron": "* * * * *"}, {"kind": "endpoint", "path": "/"}]
)
def test_triggers_are_complete(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="trigger has the fields"):
        Trigger.model_validate(fields)


def test_models_survive_json() -> None:
    world = World(http=(route(Reply(body={"a": [1, None]})),), sql=SQL, faults=(Fault(call="fs.READ", times=2),))
    assert World.model_validate_json(world.model_dump_json()) == world
    assert World.model_validate(json.loads(json.dumps(world.model_dump(mode="json", exclude_defaults=True)))) == world


# ---- retries and handlers

RETRY = """S app core noop
L_main:
  R http.GET "https://api.example/items" ->resp
  Retry @n1 {policy}
  Err @n1 ->L_fail
  R core.GET resp "body" ->out
  J out
L_fail:
  J _error
"""


@pytest.mark.parametrize(
    ("policy", "failures", "attempts", "delays"),
    [
        ("3 100 fixed", 3, 4, (100, 100, 100)),
        ("3 100 exponential", 3, 4, (100, 200, 400)),
        ("3 100", 1, 2, (100,)),
        ("2 0", 2, 3, (0, 0)),
        ("7 9000 exponential", 7, 8, (9000, 18000, 30000, 30000, 30000, 30000, 30000)),
    ],
)
def test_retries_succeed_at_the_last_attempt_without_sleeping(
    policy: str, failures: int, attempts: int, delays: tuple[float, ...]
) -> None:
    replies = (*[Reply(status=503)] * failures, Reply(body="there"))
    started = time.monotonic()
    trace = run(RETRY.format(policy=policy), World(http=(route(*replies),)))
    assert (trace.returned, trace.error, trace.delays_ms) == ("there", None, delays)
    assert [call.ok for call in trace.calls] == [False] * (attempts - 1) + [True]
    assert time.monotonic() - started < 5


def test_a_handler_gets_the_message_when_retries_are_used_up() -> None:
    trace = run(RETRY.format(policy="2 50"), World(http=(route(Reply(error="timed out")),)))
    assert trace.returned == "http transport error: timed out"
    assert (len(trace.calls), trace.delays_ms) == (3, (50, 50))


def test_faults_hit_the_first_matching_calls_only() -> None:
    source = plain(
        'R sqlite.EXECUTE "INSERT INTO logs VALUES (1)" ->a',
        'R sqlite.EXECUTE "INSERT INTO t (name) VALUES (1)" ->out',
        "Retry @n2 2 10",
    )
    fault = Fault(call="sqlite.EXECUTE", target="t", times=2, message="database is locked")
    trace = run(source, World(sql=(*SQL, "CREATE TABLE logs (x)"), faults=(fault,)))
    assert trace.error is None
    assert [call.ok for call in trace.calls] == [True, False, False, True]
    assert trace.calls[1].error == "database is locked"
    assert len(trace.tables["t"]) == 2


def test_the_engine_bug_after_a_retry_is_an_error_of_the_run() -> None:
    source = """S app core noop
L_main:
  R http.GET "https://api.example/items" ->resp
  Retry @n1 1 0
  If resp ->L_yes ->L_no
L_yes:
  R core.PARSE "not json" ->v
  J v
L_no:
  J "no"
"""
    trace = run(source, World(http=(route(Reply(status=500), Reply()),)))
    assert trace.error is not None
    assert "UnboundLocalError" in trace.error


# ---- hostile programs


@pytest.mark.parametrize(
    ("call", "namespace"),
    [
        ('memory.RECALL "node" ->out', "ainl_graph_memory"),
        ('memory.STORE "p" 1 ->out', "ainl_graph_memory"),
        ('web.FETCH "https://example.com" ->out', "web"),
        ('browser.NAVIGATE "https://example.com" ->out', "browser"),
        ('a2a.DISCOVER "https://example.com" ->out', "a2a"),
        ('svc.RESTART "caddy" ->out', "svc"),
        ('postgres.QUERY "SELECT 1" ->out', "postgres"),
    ],
)
def test_nothing_real_is_in_reach(call: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    trace = run(plain(f"R {call}"))
    assert trace.error is not None
    assert f"there is no {namespace} in this world" in trace.error
    assert not trace.calls[0].ok
    assert list(tmp_path.iterdir()) == []


def test_cache_queue_and_files_stay_in_the_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AINL_CACHE_JSON", str(tmp_path / "cache.json"))
    monkeypatch.setenv("AINL_HOST_ADAPTER_DENYLIST", "cache,queue,fs,http")
    monkeypatch.setenv("AINL_RUNTIME_ASYNC", "1")
    monkeypatch.chdir(tmp_path)
    source = plain(
        'R cache.SET "ns" "k" "v" ->a', 'R queue.PUT "notify" "hello" ->b', 'R fs.WRITE "x/y.txt" "z" ->c', "Set out 1"
    )
    trace = run(source)
    assert trace.error is None
    assert (trace.cache, trace.queue, trace.files) == ({"ns": {"k": "v"}}, (("notify", "hello"),), {"x/y.txt": "z"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE '{}' AS x",
        "VACUUM INTO '{}'",
        "PRAGMA temp_store_directory = '{}'",
        "CREATE VIRTUAL TABLE v USING fts5(x)",
        "SELECT load_extension('{}')",
    ],
)
def test_sql_cannot_reach_files(sql: str, tmp_path: Path) -> None:
    trace = run(plain(f'R sqlite.EXECUTE "{sql.format(tmp_path / "new.db")}" ->out'))
    assert trace.error is not None
    assert list(tmp_path.iterdir()) == []


def tree(depth: int) -> str:
    labels = [f"L_a{n}:\n  Call L_a{n + 1} ->x\n  Call L_a{n + 1} ->y\n  J x\n" for n in range(depth)]
    return "S app core noop\n" + "".join(labels) + f'L_a{depth}:\n  J "leaf"\n'


def doubling(step: str, times: int = 40) -> str:
    return plain('Set out "abcdefghij"', *[step] * times)


HOSTILE = {
    "call loop": ("S app core noop\nL_main:\n  Call L_main ->x\n  J x\n", "nested labels"),
    "loop with retries": ("S app core noop\nL_main:\n  Call L_main ->x\n  Retry @n1 9 1\n  J x\n", "nested labels"),
    "exponential calls": (tree(30), "2000 steps"),
    "many calls": (plain(*['R cache.GET "a" "b" ->out'] * 300), "200 adapter calls"),
    "retry for ever": (RETRY.format(policy="100000 0"), "200 adapter calls"),
    "CONCAT bomb": (doubling("R core.CONCAT out out ->out"), "100000 characters"),
    "REPLACE bomb": (doubling('R core.REPLACE out "a" out ->out'), "100000 characters"),
    "REPLACE nothing": (doubling('R core.REPLACE out "" out ->out'), "100000 characters"),
    "JOIN bomb": (doubling("R core.JOIN out out ->out"), "100000 characters"),
    "number bomb": (plain("Set out 99999", *["R core.MUL out out ->out"] * 40), "4096 bits"),
    "endless SQL": (
        plain(
            'R sqlite.QUERY "SELECT count(*) FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) '
            'SELECT x FROM c)" ->out'
        ),
        "0.5 s",
    ),
    "many rows": (
        plain(
            'R sqlite.QUERY "SELECT * FROM (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) '
            'SELECT hex(zeroblob(1000)) FROM c)" ->out'
        ),
        "100000 characters",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_end_within_their_limits(name: str) -> None:
    source, limit = HOSTILE[name]
    started = time.monotonic()
    trace = run(source, World(http=(route(Reply(status=500)),)), limits=Limits(wall_s=0.5))
    assert trace.error is not None
    assert trace.error.startswith("limit: ")
    assert limit in trace.error
    assert time.monotonic() - started < 5


def test_no_handler_catches_a_limit() -> None:
    source = """S app core noop
L_main:
  Call L_more ->x
  Retry @n1 5 0
  Err @n1 ->L_fail
  J x
L_more:
  Call L_main ->y
  J y
L_fail:
  J "caught"
"""
    assert (run(source).error or "").startswith("limit: ")


def test_values_in_all_are_limited() -> None:
    budget = Budget(Limits(output_chars=10))
    for _ in range(20):
        budget.size(10)
    with pytest.raises(LimitReached, match="in all"):
        budget.size(1)


def test_a_world_with_bad_sql_is_a_mistake_of_the_author() -> None:
    with pytest.raises(ValueError, match="the world's SQL fails"):
        run(plain("Set out 1"), World(sql=("CREATE TABEL x",)))
    with pytest.raises(ValidationError):
        World(now="yesterday")
    assert initial_tables(SQL[:1], "2026-01-01") == {"t": []}


def test_every_verb_that_a_canonical_program_may_use_is_answered() -> None:
    assert {verb for verb in RUNNABLE if not verb.startswith("core.")} == WORLD_VERBS
    core = Core(World(), Budget(Limits()))
    verbs = sorted(verb.removeprefix("core.") for verb in RUNNABLE if verb.startswith("core."))
    seen = behaviour(core, [(verb, ["1", "1", "1"]) for verb in verbs])
    assert not [answer for answer in seen if "unsupported" in str(answer)]
