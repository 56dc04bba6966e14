"""The twelve regression requests: ids from the contract, words, golds and worlds of our own."""

from typing import Any

from ainl_align.language.world_model import HttpRoute, Reply, Trigger, World
from ainl_align.tasks.prompts import PromptRow
from ainl_align.tasks.regression_programs import GOLDS
from ainl_align.tasks.task_model import ANY, CallSpec, Expect, Scenario, Task

_DOWN = Reply(status=502, body="bad gateway")


def _get(url: str, *replies: Any) -> HttpRoute:
    wrapped = tuple(reply if isinstance(reply, Reply) else Reply(body=reply) for reply in replies)
    return HttpRoute(method="GET", url=url, replies=wrapped)


def _put(queue: str, payload: Any) -> CallSpec:
    return CallSpec(name="queue.PUT", args=(queue, payload))


def _task(name: str, tier: Any, trigger: Trigger, prompt: str, *scenarios: Scenario) -> Task:
    return Task(
        id=name,
        prompt=" ".join(prompt.split()),
        family=f"regression_{name}",
        tier=tier,
        cluster=f"regression:{name}",
        split="regression",
        trigger=trigger,
        gold=GOLDS[name],
        scenarios=scenarios,
    )


def _cron(expression: str) -> Trigger:
    return Trigger(kind="cron", cron=expression)


_WEATHER = "https://api.skycast.net/cities/seattle"


def _weather(name: str, sky: str, temperature: int) -> Scenario:
    return Scenario(
        name=name,
        world=World(http=(_get(_WEATHER, {"city": "Seattle", "now": {"sky": sky, "temp_c": temperature}}),)),
        expect=Expect(
            writes=(_put("mailto:opsdesk@cascadia.io", f"Seattle: {sky}, {temperature} C"),),
            reads=(CallSpec(name="http.GET", args=(_WEATHER,)),),
        ),
    )


_STATUS = "https://status.paylane.io/v3/health"


def _status(name: str, state: str, *, alert: bool) -> Scenario:
    return Scenario(
        name=name,
        world=World(http=(_get(_STATUS, {"state": state}),)),
        expect=Expect(
            writes=(_put("pager-duty", f"Paylane status is {state}"),) if alert else (),
            reads=(CallSpec(name="http.GET", args=(_STATUS,)),),
        ),
    )


_FEED = "https://feeds.dailybyte.net/latest.json"
_ARTICLES = (
    "CREATE TABLE articles (guid TEXT PRIMARY KEY, title TEXT);",
    "INSERT INTO articles VALUES ('a-1', 'Tides of spring');",
)


def _feed(name: str, entries: list[dict[str, str]], added: list[dict[str, str]]) -> Scenario:
    rows = [{"guid": "a-1", "title": "Tides of spring"}, *added]
    return Scenario(
        name=name,
        world=World(http=(_get(_FEED, {"entries": entries}),), sql=_ARTICLES),
        expect=Expect(reads=(CallSpec(name="http.GET", args=(_FEED,)),), tables={"articles": rows} if added else {}),
    )


def _csv(name: str, now: str, rows: tuple[str, ...], text: str) -> Scenario:
    script = ("CREATE TABLE clicks (id INTEGER PRIMARY KEY, day TEXT, page TEXT);", *rows)
    return Scenario(
        name=name,
        world=World(sql=script, now=now),
        expect=Expect(
            writes=(CallSpec(name="fs.WRITE", args=("daily/clicks.csv", text)),),
            reads=(CallSpec(name="sqlite.QUERY", args=("clicks",)),),
        ),
    )


def _hook(name: str, body: dict[str, Any], answer: str, *, stored: bool) -> Scenario:
    kept = {"order_ref": "A-100", "buyer": "Ines"}
    return Scenario(
        name=name,
        world=World(
            sql=(
                "CREATE TABLE hook_orders (order_ref TEXT, buyer TEXT);",
                "INSERT INTO hook_orders VALUES ('A-100', 'Ines');",
            )
        ),
        body=body,
        expect=Expect(
            returned=answer,
            tables={"hook_orders": [kept, {"order_ref": body["order_ref"], "buyer": body["buyer"]}]} if stored else {},
        ),
    )


_LEDGER = "https://ledger.finwell.net/export"


def _ledger(name: str, failures: int) -> Scenario:
    good = failures <= 3
    write = _put("ledger-in", {"batch": 41}) if good else _put("error-log", "ledger export failed")
    return Scenario(
        name=name,
        world=World(http=(_get(_LEDGER, *([_DOWN] * failures), {"batch": 41}),)),
        expect=Expect(
            returned="imported" if good else "gave up",
            writes=(write,),
            reads=(CallSpec(name="http.GET", args=(_LEDGER,), times=min(failures, 3) + 1),),
            delays_ms=tuple(500.0 * 2**n for n in range(min(failures, 3))),
        ),
    )


_RISK = "https://risk.lendora.net/applicants/next"


def _risk(name: str, late: int, debts: int) -> Scenario:
    review = late * 10 + debts > 70
    return Scenario(
        name=name,
        world=World(http=(_get(_RISK, {"applicant": "Odile", "late_bills": late, "open_debts": debts}),)),
        expect=Expect(
            returned="review" if review else "approved",
            writes=(_put("manual-review" if review else "auto-approve", "Odile"),),
        ),
    )


_PRINTER = "https://printer.floor2.net/jobs"


def _print(name: str, *, waiting: bool, failing: bool = False) -> Scenario:
    rows = [{"id": 4, "doc": "old.pdf", "state": "printed"}]
    if waiting:
        rows += [{"id": 7, "doc": "plan.pdf", "state": "fresh"}, {"id": 9, "doc": "map.pdf", "state": "fresh"}]
    script = ["CREATE TABLE print_jobs (id INTEGER PRIMARY KEY, doc TEXT, state TEXT);"]
    script += [f"INSERT INTO print_jobs VALUES ({row['id']}, '{row['doc']}', '{row['state']}');" for row in rows]
    state = "error" if failing else "printed"
    final = [{**row, "state": state} if row["id"] == 7 else row for row in rows]
    route = HttpRoute(method="POST", url=_PRINTER, replies=(_DOWN if failing else Reply(body={"queued": True}),))
    post = CallSpec(name="http.POST", args=(_PRINTER, {"file": "plan.pdf"}))
    return Scenario(
        name=name,
        world=World(http=(route,), sql=tuple(script)),
        expect=Expect(writes=(post,) if waiting else (), tables={"print_jobs": final} if waiting else {}),
    )


def _digest(name: str, rows: tuple[str, ...], text: str | None) -> Scenario:
    script = ("CREATE TABLE support_tickets (id INTEGER PRIMARY KEY, subject TEXT, state TEXT);", *rows)
    return Scenario(
        name=name,
        world=World(sql=script),
        expect=Expect(
            writes=(_put("mailto:lead@helpline.io", text),) if text else (),
            reads=(CallSpec(name="sqlite.QUERY", args=("support_tickets",)),),
        ),
    )


_POLICY, _VAULT = "https://policy.gatehall.net/export-allowed", "https://vault.gatehall.net/figures"


def _policy(name: str, *, allowed: bool) -> Scenario:
    return Scenario(
        name=name,
        world=World(
            http=(
                _get(_POLICY, {"allowed": allowed}),
                _get(_VAULT, {"revenue": 8125} if allowed else Reply(status=403, body="forbidden")),
            )
        ),
        expect=Expect(
            returned=8125 if allowed else "unauthorised",
            writes=() if allowed else (_put("audit-trail", "export refused"),),
            reads=(CallSpec(name="http.GET", args=(_POLICY,)),),
        ),
    )


_SHOP, _MARKET = "https://shop.tinywares.net/featured", "https://market.bigbazaar.net/offers"


def _offer(name: str, title: str, stock: int) -> Scenario:
    post = CallSpec(name="http.POST", args=(_MARKET, {"name": title.upper(), "qty": stock - 2}))
    return Scenario(
        name=name,
        world=World(
            http=(
                _get(_SHOP, {"title": title, "stock": stock, "hidden": 1}),
                HttpRoute(method="POST", url=_MARKET, replies=(Reply(body={"listed": True}),)),
            )
        ),
        expect=Expect(returned="posted", writes=(post,)),
    )


def _backup(name: str, names: tuple[str, ...]) -> Scenario:
    script = ["CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT);"]
    script += [f"INSERT INTO customers VALUES ({11 - n}, '{email}');" for n, email in enumerate(names)]
    lines = sorted(f"{11 - n:02d},{email}" for n, email in enumerate(names))
    return Scenario(
        name=name,
        world=World(sql=tuple(script)),
        expect=Expect(
            returned=ANY,
            writes=(
                CallSpec(name="fs.WRITE", args=("backups/customers.csv", "\n".join(x.lstrip("0") for x in lines))),
                _put("mailto:dba@vaultline.io", f"backup finished, {len(names)} rows"),
            ),
        ),
    )


TASKS: tuple[Task, ...] = (
    _task(
        "weather_email",
        "T1",
        Trigger(),
        f"""Get the Seattle weather from {_WEATHER}: its JSON has sky and temp_c inside now. Email opsdesk@cascadia.io
        the summary "Seattle: " + sky + ", " + temp_c + " C".""",
        _weather("cloudy", "cloudy", 11),
        _weather("clear and cold", "clear", -3),
    ),
    _task(
        "api_status_alert",
        "T4",
        _cron("*/5 * * * *"),
        f"""Check {_STATUS} every five minutes. Its JSON has a state. Whenever that is anything but "ok", push the
        alert "Paylane status is " followed by the state to the queue pager-duty; when it is "ok", stay silent.""",
        _status("fine", "ok", alert=False),
        _status("degraded", "degraded", alert=True),
        _status("starts with ok", "ok-ish", alert=True),
        _status("ends with ok", "not ok", alert=True),
    ),
    _task(
        "rss_to_sqlite",
        "T5",
        _cron("*/30 * * * *"),
        f"""Poll the feed {_FEED} every half hour. The JSON has a list named entries, each with guid and title. Save
        the ones we do not have yet in the SQLite table articles (guid is its primary key, and title) and drop the
        duplicates.""",
        _feed(
            "one new, one known",
            [{"guid": "a-1", "title": "Tides of spring"}, {"guid": "a-2", "title": "Snow's end"}],
            [{"guid": "a-2", "title": "Snow's end"}],
        ),
        _feed(
            "twice in the feed",
            [{"guid": "b-1", "title": "Kites"}, {"guid": "b-1", "title": "Kites"}],
            [{"guid": "b-1", "title": "Kites"}],
        ),
        _feed("nothing new", [{"guid": "a-1", "title": "Tides of spring"}], []),
        _feed("empty feed", [], []),
    ),
    _task(
        "daily_csv_report",
        "T4",
        _cron("0 8 * * *"),
        """Daily CSV at 08:00: take yesterday's rows of the SQLite table clicks (column day holds dates such as
        2026-03-01), one line id,page each, lowest id first, no header, lines separated by a newline, and write them
        to daily/clicks.csv.""",
        _csv(
            "two of three",
            "2026-03-02T08:00:00+00:00",
            (
                "INSERT INTO clicks VALUES (2, '2026-03-01', 'home'), (1, '2026-03-01', 'cart'), "
                "(3, '2026-03-02', 'faq');",
            ),
            "1,cart\n2,home",
        ),
        _csv(
            "over the end of a year",
            "2026-01-01T08:00:00+00:00",
            ("INSERT INTO clicks VALUES (5, '2025-12-31', 'blog'), (6, '2025-12-30', 'team');",),
            "5,blog",
        ),
    ),
    _task(
        "webhook_ingest",
        "T5",
        Trigger(kind="endpoint", path="/hooks/orders", method="POST"),
        """Webhook: POST /hooks/orders receives JSON. order_ref and buyer are required. Without order_ref answer
        "order_ref missing"; else without buyer answer "buyer missing". A complete payload is stored as a new row of
        table hook_orders (columns order_ref and buyer) and answered with "accepted".""",
        _hook("complete", {"order_ref": "B-200", "buyer": 'Ana "Nan" O\'Hara', "tip": 3}, "accepted", stored=True),
        _hook("no reference", {"buyer": "Ana"}, "order_ref missing", stored=False),
        _hook("no buyer", {"order_ref": "B-201"}, "buyer missing", stored=False),
        _hook("neither", {}, "order_ref missing", stored=False),
    ),
    _task(
        "retry_on_http_fail",
        "T3",
        Trigger(),
        f"""Download the JSON at {_LEDGER}. On failure retry it at most three times with a backoff that begins at
        500 ms and doubles. Put the JSON on the queue ledger-in and return "imported". When even the last retry
        fails, log "ledger export failed" to the queue error-log and return "gave up".""",
        _ledger("first attempt", 0),
        _ledger("last retry", 3),
        _ledger("no attempt works", 4),
    ),
    _task(
        "branch_on_risk",
        "T5",
        Trigger(),
        f"""Score the applicant in the JSON at {_RISK}: ten times late_bills plus open_debts. A score above 70 goes to
        manual review: put the applicant field on the queue manual-review and return "review". Everyone else:
        put applicant on auto-approve and return "approved".""",
        _risk("above", 7, 1),
        _risk("on the threshold", 6, 10),
        _risk("far below", 0, 12),
    ),
    _task(
        "queue_worker",
        "T5",
        _cron("* * * * *"),
        f"""Print worker, every minute: from the SQLite table print_jobs pick the job in state 'fresh' with the lowest
        id and POST it to {_PRINTER} as JSON with its doc in the field file. Afterwards write its state: 'printed' when
        the POST worked, 'error' when it failed. No fresh job, nothing to do.""",
        _print("delivered", waiting=True),
        _print("printer down", waiting=True, failing=True),
        _print("no job", waiting=False),
    ),
    _task(
        "db_to_email_digest",
        "T4",
        _cron("30 17 * * 1-5"),
        """At half past five in the afternoon from Monday to Friday, mail lead@helpline.io a digest of the open support
        tickets: the text "Open: " followed by the subjects of all support_tickets rows (SQLite) in state 'open',
        lowest id first, with "; " between them. Send no mail if there are none.""",
        _digest(
            "two open",
            (
                "INSERT INTO support_tickets VALUES (3, 'Login loops', 'open'), (2, 'No invoice', 'open'), "
                "(1, 'Typo', 'solved');",
            ),
            "Open: No invoice; Login loops",
        ),
        _digest("one open", ("INSERT INTO support_tickets VALUES (8, 'Can''t print', 'open');",), "Open: Can't print"),
        _digest("none open", ("INSERT INTO support_tickets VALUES (1, 'Typo', 'solved');",), None),
    ),
    _task(
        "auth_policy_gate",
        "T5",
        Trigger(),
        f"""Ask the policy service first: {_POLICY} returns JSON with a boolean named allowed. Only when it is true may
        you fetch {_VAULT}; return the revenue from its JSON. When we are not authorised, put "export refused" on the
        queue audit-trail and return "unauthorised".""",
        _policy("authorised", allowed=True),
        _policy("refused", allowed=False),
    ),
    _task(
        "transform_and_post",
        "T5",
        Trigger(),
        f"""Fetch the JSON at {_SHOP}. Transform it: name is the title in capitals, qty is the stock minus 2. POST a
        JSON object of these two to {_MARKET} and return "posted".""",
        _offer("lamp", "desk lamp", 14),
        _offer("quotes", 'the "Big" mug', 3),
    ),
    _task(
        "cron_backup_notify",
        "T5",
        _cron("0 2 * * *"),
        """Nightly at two in the morning, back up the SQLite table customers: one line id,email for each row, by
        ascending id, newlines between, into backups/customers.csv. Then notify dba@vaultline.io by email: the number
        of rows between "backup finished, " and " rows".""",
        _backup("three rows", ("uma@web.net", "pia@web.net", "lou@web.net")),
        _backup("one row", ("sol@web.net",)),
    ),
)
"""In the contract's order."""


def prompt_rows() -> list[PromptRow]:
    """The rows of ``corpus/curated/regression_prompts.jsonl``."""
    return [PromptRow(id=task.id, prompt=task.prompt, task=task) for task in TASKS]


__all__ = ["TASKS", "prompt_rows"]
