"""Judging: what counts as doing what was asked, and prompt sets with their line-numbered complaints."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ainl_align.errors import UserError
from ainl_align.language.world import Fault, HttpRoute, Reply, Trigger, World
from ainl_align.tasks.compare import same
from ainl_align.tasks.scenario import (
    CallSpec,
    Expect,
    Outcome,
    PromptRow,
    Scenario,
    Task,
    judge,
    judge_all,
    load_prompt_set,
    write_prompt_set,
)

FEED = "https://feeds.example/news"
HOOK = "https://hooks.example/in"


def plain(*steps: str, end: str = 'J "done"') -> str:
    return "S app core noop\nL_main:\n" + "".join(f"  {step}\n" for step in (*steps, end))


def world(**changes: Any) -> World:
    routes = (
        HttpRoute(method="GET", url=FEED, replies=(Reply(body={"items": [1, 2], "total": 2}),)),
        HttpRoute(method="POST", url=HOOK, replies=(Reply(),)),
    )
    sql = ("CREATE TABLE seen (id INTEGER PRIMARY KEY, title TEXT)", "INSERT INTO seen VALUES (1, 'old')")
    return World.model_validate({"http": routes, "sql": sql, "files": {"in.txt": "hello"}, **changes})


def task(*scenarios: Scenario, trigger: Trigger | None = None) -> Task:
    return Task(
        id="t", prompt="Do it.", family="f", tier="T1", cluster="c", split="dev",
        trigger=trigger or Trigger(), gold=plain(), scenarios=scenarios,
    )  # fmt: skip


def scene(name: str = "usual", in_world: World | None = None, **expect: Any) -> Scenario:
    return Scenario(name=name, world=in_world or world(), expect=Expect.model_validate(expect))


def put(queue: str, payload: Any, **more: Any) -> CallSpec:
    return CallSpec(name="queue.PUT", args=(queue, payload), **more)


def outcome(program: str, *scenarios: Scenario, trigger: Trigger | None = None) -> Outcome:
    return judge(program, task(*scenarios, trigger=trigger))


FETCH = f'R http.GET "{FEED}" ->resp'
ONE = 'R queue.PUT "alerts" "one" ->a'
TWO = 'R queue.PUT "alerts" "two" ->b'
OTHER = 'R queue.PUT "audit" "three" ->c'
ROW = "R sqlite.EXECUTE \"INSERT INTO seen VALUES (2, 'new')\" ->r"
PAYLOAD = """R core.PARSE '{"b": [1.0, true], "a": "x"}' ->payload"""
POST = f'R http.POST "{HOOK}" payload ->sent'
TABLE = {"seen": [{"id": 2, "title": "new"}, {"id": 1, "title": "old"}]}
LOCKED = world(faults=(Fault(call="sqlite.EXECUTE", times=1, message="locked"),))

ACCEPTED = {
    "nothing asked, nothing done": (plain(), {}),
    "reads are free": (plain(FETCH, 'R fs.READ "in.txt" ->t', 'R sqlite.QUERY "SELECT * FROM seen" ->q'), {}),
    "a write": (plain(ONE), {"writes": [put("alerts", "one")]}),
    "two writes to one queue in order": (plain(ONE, TWO), {"writes": [put("alerts", "one"), put("alerts", "two")]}),
    "order across queues is free": (plain(OTHER, ONE), {"writes": [put("alerts", "one"), put("audit", "three")]}),
    "any SQL with the same effect": (
        plain("R core.PARSE '[\"new\"]' ->params", 'R sqlite.EXECUTE "INSERT INTO seen (title) VALUES (?)" params ->r'),
        {"tables": TABLE},
    ),
    "rows on the named columns": (plain(ROW), {"tables": {"seen": [{"title": "new"}, {"title": "old"}]}}),
    "SQL without effect": (plain('R sqlite.EXECUTE "UPDATE seen SET title = 1 WHERE id = 9" ->r'), {}),
    "JSON as a value": (
        plain(PAYLOAD, POST),
        {"writes": [CallSpec(name="http.POST", args=(HOOK, {"a": "x", "b": [1, True]}))]},
    ),
    "JSON as text": (
        plain("""Set payload '{"a": "x",  "b": [1, true]}'""", POST),
        {"writes": [CallSpec(name="http.POST", args=(HOOK, '{"b":[1,true],"a":"x"}'))]},
    ),
    "JSON text in a file": (
        plain("""R fs.WRITE "out/x.json" '{"n": 3.0}' ->w"""),
        {"writes": [CallSpec(name="fs.WRITE", args=("./out/x.json", {"n": 3}))]},
    ),
    "a number in a file": (
        plain(FETCH, 'R core.GET resp "body.total" ->n', 'R fs.WRITE "n.txt" n ->w'),
        {"writes": [CallSpec(name="fs.WRITE", args=("n.txt", "2"))]},
    ),
    "the default cache namespace": (
        plain('R cache.SET "k" 5 ->w'),
        {"writes": [CallSpec(name="cache.SET", args=("default", "k", 5.0))]},
    ),
    "a required read": (plain(FETCH), {"reads": [CallSpec(name="http.GET", args=(FEED,))]}),
    "a required read twice": (plain(FETCH, FETCH), {"reads": [CallSpec(name="http.GET", args=(FEED,))]}),
    "a required query": (
        plain('R sqlite.QUERY "SELECT count(*) AS n FROM Seen" ->q'),
        {"reads": [CallSpec(name="sqlite.QUERY", args=("seen",))]},
    ),
    "the result": (plain(end='J "done"'), {"returned": "done"}),
    "a number as the result": (plain("R core.DIV 6 2 ->x", end="J x"), {"returned": 3}),
    "any result": (plain(end="J 17"), {"returned": "any"}),
    "a sum with rounding": (plain("R core.ADD 0.1 0.2 ->x", end="J x"), {"returned": 0.3}),
}  # fmt: skip

REJECTED = {
    "an unasked write": (plain(ONE), {}, 'expected no write, saw queue.PUT("alerts", "one")'),
    "a missing write": (plain(), {"writes": [put("alerts", "one")]}, 'expected queue.PUT("alerts", "one"), saw no'),
    "another text": (
        plain(ONE),
        {"writes": [put("alerts", "One")]},
        'expected queue.PUT("alerts", "One"), saw queue.PUT("alerts", "one")',
    ),
    "another queue": (plain(ONE), {"writes": [put("alert", "one")]}, 'expected no write, saw queue.PUT("alerts"'),
    "the wrong order": (
        plain(TWO, ONE),
        {"writes": [put("alerts", "one"), put("alerts", "two")]},
        'expected the order queue.PUT("alerts", "one"), queue.PUT("alerts", "two"), saw',
    ),
    "a write too many": (plain(ONE, ONE), {"writes": [put("alerts", "one")]}, "expected no more writes, saw"),
    "a write too few": (plain(ONE), {"writes": [put("alerts", "one", times=2)]}, "saw no such write"),
    "the order across queues": (
        plain(OTHER, ONE),
        {"writes": [put("alerts", "one"), put("audit", "three")], "ordered": True},
        "expected the order",
    ),
    "another verb": (
        plain("Set payload 1", f'R http.PUT "{HOOK}" payload ->sent', "Err @n2 ->L_x") + 'L_x:\n  J "no"\n',
        {"writes": [CallSpec(name="http.POST", args=(HOOK, 1))]},
        f'expected http.POST("{HOOK}", 1), saw http.PUT("{HOOK}", 1)',
    ),
    "another payload": (
        plain(PAYLOAD, POST),
        {"writes": [CallSpec(name="http.POST", args=(HOOK, {"a": "x", "b": [1, 1]}))]},
        "expected http.POST",
    ),
    "a dictionary written as Python": (
        plain(PAYLOAD, 'R fs.WRITE "x.json" payload ->w'),
        {"writes": [CallSpec(name="fs.WRITE", args=("x.json", {"a": "x", "b": [1, True]}))]},
        "expected fs.WRITE",
    ),
    "a changed table": (plain(ROW), {}, "table seen: expected no change"),
    "an unchanged table": (plain(), {"tables": TABLE}, "table seen: expected rows"),
    "other rows": (plain(ROW), {"tables": {"seen": [{"title": "new"}]}}, "table seen: expected rows"),
    "a new table": (plain('R sqlite.EXECUTE "CREATE TABLE x (y)" ->r'), {}, "unexpected table x"),
    "a dropped table": (plain('R sqlite.EXECUTE "DROP TABLE seen" ->r'), {}, "table seen does not exist at the end"),
    "a missing read": (plain(), {"reads": [CallSpec(name="http.GET", args=(FEED,))]}, "expected a read http.GET"),
    "a read too many": (
        plain(FETCH, FETCH),
        {"reads": [CallSpec(name="http.GET", args=(FEED,), times=1)]},
        "once, saw it 2 times",
    ),
    "a query of another table": (
        plain('R sqlite.QUERY "SELECT * FROM seen" ->q'),
        {"reads": [CallSpec(name="sqlite.QUERY", args=("see",))]},
        'expected a read sqlite.QUERY("see"), saw none',
    ),
    "another result": (plain(end="J 3"), {"returned": 4}, "expected the result 4, got 3"),
    "true is not 1": (plain(end="J true"), {"returned": 1}, "expected the result 1, got true"),
    "a failing run": (plain('R fs.READ "no.txt" ->t'), {}, "the run failed: line 3: fs read target does not exist"),
    "a run that should fail": (plain(), {"error": True}, "expected the run to fail"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    program, expect = ACCEPTED[name]
    assert outcome(program, scene(**expect)) == Outcome(True, (), (("usual", True, ""),))


@pytest.mark.parametrize("name", REJECTED)
def test_rejected(name: str) -> None:
    program, expect, reason = REJECTED[name]
    found = outcome(program, scene(**expect))
    assert not found.success
    assert any(text.startswith("scenario 'usual': ") and reason in text for text in found.reasons), found.reasons


def test_attempts_and_delays_of_a_retried_write() -> None:
    program = plain("R sqlite.EXECUTE \"INSERT INTO seen VALUES (2, 'new')\" ->r", "Retry @n1 2 500 exponential")
    spec = CallSpec(name="sqlite.EXECUTE", args=("seen",), times=2)
    good = scene(in_world=LOCKED, tables=TABLE, writes=[spec], delays_ms=[500])
    assert outcome(program, good).success
    slow = outcome(program.replace("500", "700"), good)
    assert "expected retry delays [500.0] ms, saw [700.0]" in slow.reasons[0]
    fixed = scene(in_world=world(), tables=TABLE, writes=[spec])
    assert 'expected sqlite.EXECUTE("seen") 2 times, saw it once' in outcome(program, fixed).reasons[0]


def test_failed_attempts_of_a_write_count() -> None:
    broken = world(faults=(Fault(call="queue.PUT", target="alerts", times=5),))
    program = plain(ONE, "Retry @n1 1 0", "Err @n1 ->L_fail") + f"L_fail:\n  {OTHER}\n  J c\n"
    assert outcome(
        program, scene(in_world=broken, writes=[put("alerts", "one", times=2), put("audit", "three")])
    ).success
    assert not outcome(program, scene(in_world=broken, writes=[put("audit", "three")])).success


def test_an_expected_failure() -> None:
    program = plain('R fs.READ "no.txt" ->t')
    assert outcome(program, scene(error=True)).success
    assert not outcome(program, scene()).success


def test_every_scenario_is_reported() -> None:
    program = plain(FETCH, 'R core.GET resp "body.total" ->n', end="J n")
    down = world(http=())
    found = outcome(program, scene("up", returned=2), scene("down", down, returned="none"), scene("three", returned=3))
    assert [(name, passed) for name, passed, _ in found.scenarios] == [("up", True), ("down", False), ("three", False)]
    assert len(found.reasons) == 2
    assert found.reasons[0].startswith("scenario 'down': the run failed: ")


CRON = 'S core cron\nCr L_tick "0 9 * * 1-5"\nL_tick:\n  J "ok"\n'
WEEKDAYS = Trigger(kind="cron", cron="0 9 * * MON-FRI")


def test_triggers_must_be_the_asked_ones() -> None:
    assert outcome(CRON, scene(), trigger=WEEKDAYS).success
    assert outcome(CRON.replace("1-5", "*"), scene(), trigger=WEEKDAYS).reasons == (
        'trigger: expected schedule "0 9 * * MON-FRI", the program has schedule "0 9 * * *"',
    )
    assert outcome(plain(), scene(), trigger=WEEKDAYS).reasons == (
        'trigger: expected schedule "0 9 * * MON-FRI", the program has plain entry',
    )
    assert outcome(CRON, scene()).reasons[0].startswith("trigger: expected plain entry, the program has schedule")
    twice = CRON.replace("L_tick:", 'Cr L_tick "0 10 * * *"\nL_tick:', 1)
    assert not outcome(twice, scene(), trigger=WEEKDAYS).success
    late = Scenario(name="late", trigger=Trigger(kind="cron", cron="0 10 * * *"), expect=Expect(returned="ok"))
    assert outcome(twice, scene(), late, trigger=WEEKDAYS).success
    assert not outcome(CRON, scene(), late, trigger=WEEKDAYS).success


ENDPOINT = """S core web /api
E /orders P ->L_add ->out
L_add:
  Set body $body
  R core.GET body "amount" ->out
  J out
"""


def test_endpoints_get_their_body() -> None:
    trigger = Trigger(kind="endpoint", path="/orders", method="POST")
    found = [
        Scenario(name="some", world=world(), body={"amount": 3}, expect=Expect(returned=3)),
        Scenario(name="none", world=world(), body={}, expect=Expect(returned=None)),
    ]
    assert outcome(ENDPOINT, *found, trigger=trigger).success
    other = Trigger(kind="endpoint", path="/orders", method="PUT")
    assert "expected endpoint PUT /orders" in outcome(ENDPOINT, *found, trigger=other).reasons[0]


@pytest.mark.parametrize(
    "program",
    [
        "",
        "Sure! Here is the program:",
        "```ainl\nS app core noop\n```",
        "S core cron\nD R c x y\n",
        "def f():\n  return 1\n",
        "S core cron\nCr D */*/* * * * *\n",
        plain(end="J undefined_name"),
        CRON + "surplus: words\n",
    ],
)
def test_what_is_not_canonical_fails_with_reasons(program: str) -> None:
    found = outcome(program, scene())
    assert not found.success
    assert found.reasons
    assert found.scenarios == ()


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (3, 3.0, True),
        ("3", 3, True),
        ('{"a":1.0}', {"a": 1}, True),
        ([1, (2,)], [1, [2]], True),
        (True, 1, False),
        ("abc", '"abc"', False),
        ("a", "a ", False),
        ({"a": "1"}, {"a": 1}, False),
        (None, "null", True),
        ("None", None, False),
        ("[not json", "[not json", True),
        ("[" * 50_000, 1, False),
        ("[" * 900 + "]" * 900, [], False),
        (1e999, 1e999, True),
    ],
)
def test_values_compare_by_meaning(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) is equal


def test_a_deeply_nested_result_is_a_wrong_one() -> None:
    deep = "[" * 900 + "]" * 900
    found = outcome(plain(f"R core.PARSE '{deep}' ->x", end="J x"), scene(returned="x"))
    assert not found.success
    assert "scenario 'usual'" in found.reasons[0]


# ---- untrusted programs


def test_judge_all_keeps_the_order_and_survives_bad_programs() -> None:
    good = task(scene(writes=[put("alerts", "one")]))
    tree = "".join(f"L_a{n}:\n  Call L_a{n + 1} ->x\n  Call L_a{n + 1} ->y\n  J x\n" for n in range(25))
    hostile = f'S app core noop\n{tree}L_a25:\n  J "leaf"\n'
    bomb = plain('Set x "abcdefghij"', *["R core.CONCAT x x ->x"] * 60)
    programs = [plain(ONE), hostile, bomb, plain(TWO), "not a program", plain(ONE)]
    started = time.monotonic()
    found = judge_all([(program, good) for program in programs], workers=2)
    assert [result.success for result in found] == [True, False, False, False, False, True]
    assert "limit: more than 2000 steps" in found[1].reasons[0]
    assert "limit: a value of more than" in found[2].reasons[0]
    assert found[3] == judge(programs[3], good)
    assert time.monotonic() - started < 15
    assert judge_all([]) == []


# ---- models and prompt sets


def test_expectations_are_checked_when_written() -> None:
    assert Expect().check_returned is False
    assert Expect(returned=None).check_returned is True
    assert Expect(returned="any", check_returned=True).check_returned is True
    with pytest.raises(ValidationError, match="extra"):
        Expect.model_validate({"return": 3})
    with pytest.raises(ValidationError, match="names repeat"):
        task(scene("a"), scene("a"))
    with pytest.raises(ValidationError):
        task()


def test_a_prompt_set_reads_back_what_was_written(tmp_path: Path) -> None:
    full = task(
        scene(returned=None), scene("down", LOCKED, writes=[put("q", {"a": [1]})], delays_ms=[1]), trigger=WEEKDAYS
    )
    rows = [PromptRow(id="a", prompt="Say\u2028hello."), PromptRow(id=full.id, prompt=full.prompt, task=full)]
    path = tmp_path / "prompts.jsonl"
    assert write_prompt_set(path, rows) == 2
    assert load_prompt_set(path) == rows
    assert set(json.loads(path.read_text().split("\n")[0])) == {"id", "prompt"}


def test_other_keys_and_blank_lines_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "a", "prompt": "x", "note": 1}\n\n{"id": "b", "prompt": "y", "task": null}\n')
    assert [(row.id, row.task) for row in load_prompt_set(path)] == [("a", None), ("b", None)]


GOOD = '{"id": "a", "prompt": "x"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (GOOD + "{nope}\n", "line 2: is no JSON"),
        (GOOD + "\n[1]\n", "line 3: is a JSON list"),
        (GOOD + '{"prompt": "x"}\n', "line 2: field 'id' is missing"),
        (GOOD + '{"id": "b"}\n', "line 2: field 'prompt' is missing"),
        (GOOD + '{"id": 7, "prompt": "x"}\n', "line 2: field 'id' is a int, not text"),
        (GOOD + '{"id": "b", "prompt": null}\n', "line 2: field 'prompt' is a NoneType, not text"),
        (GOOD + '{"id": "b", "prompt": " "}\n', "line 2: field 'prompt' is empty"),
        (GOOD + '{"id": "b", "prompt": "y"}\n' + GOOD, "line 3: id 'a' is on line 1 already"),
        ('{"id": "a", "prompt": "x", "task": 3}\n', "line 1: field 'task' is a int"),
        ('{"id": "a", "prompt": "x", "task": {"tier": "T9"}}\n', "line 1: field 'task."),
    ],
)
def test_bad_prompt_sets_name_file_and_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        load_prompt_set(path)
    assert str(path) in str(caught.value)


def test_a_missing_prompt_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_prompt_set(tmp_path / "none.jsonl")
