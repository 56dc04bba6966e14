"""A task with a schedule, a retry, a handler and a branch: every kind of draft can be made from it."""

from collections.abc import Callable

import pytest

from ainl_align.language.world_model import HttpRoute, Reply, Trigger, World
from ainl_align.tasks.scenario import CallSpec, Expect, Scenario, Task

GOLD = """S core cron
Cr L_main "*/5 * * * *"
L_main:
  R http.GET "https://status.example.org/api" ->resp
  Retry @n1 3 200 exponential
  Err @n1 ->L_fail
  R core.GET resp "body.load" ->load
  R core.GT load 80 ->high
  If high ->L_alert ->L_quiet
L_alert:
  R core.CONCAT "load is " load ->text
  R queue.PUT "mailto:ops@example.org" text ->sent
  J "alerted"
L_quiet:
  J "fine"
L_fail:
  J "gave up"
"""


def world(*replies: Reply) -> World:
    return World(http=(HttpRoute(method="GET", url="https://status.example.org/api", replies=replies),))


def make_task(number: int = 0, family: str = "watch") -> Task:
    """The same task under another wording, so that prompts differ."""
    mail = CallSpec(name="queue.PUT", args=("mailto:ops@example.org", "load is 81"))
    down = Reply(status=503)
    high = Reply(body={"load": 81})
    return Task(
        id=f"{family}-{number}",
        prompt=f"Every 5 minutes read the load from https://status.example.org/api; mail ops above 80 ({number}).",
        family=family,
        tier="T4",
        cluster=family,
        split="train",
        trigger=Trigger(kind="cron", cron="*/5 * * * *"),
        gold=GOLD,
        scenarios=(
            Scenario(name="high", world=world(high), expect=Expect(returned="alerted", writes=(mail,))),
            Scenario(name="bound", world=world(Reply(body={"load": 80})), expect=Expect(returned="fine")),
            Scenario(
                name="recovers",
                world=world(down, down, down, high),
                expect=Expect(returned="alerted", writes=(mail,), delays_ms=(200, 400, 800)),
            ),
            Scenario(name="down", world=world(down), expect=Expect(returned="gave up")),
        ),
    )


@pytest.fixture
def task() -> Task:
    return make_task()


@pytest.fixture(name="make_task")
def make_task_fixture() -> Callable[..., Task]:
    return make_task
