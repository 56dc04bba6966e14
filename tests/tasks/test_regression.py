"""The twelve regression tasks: the contract's ids, golds that pass, and a tracked file that equals the code."""

from ainl_align.tasks.commands import REGRESSION_PROMPTS
from ainl_align.tasks.families import FAMILIES
from ainl_align.tasks.prompts import load_prompt_set
from ainl_align.tasks.regression import TASKS, prompt_rows
from ainl_align.tasks.scenario import judge
from ainl_align.tasks.validate import validate

IDS = [
    "weather_email",
    "api_status_alert",
    "rss_to_sqlite",
    "daily_csv_report",
    "webhook_ingest",
    "retry_on_http_fail",
    "branch_on_risk",
    "queue_worker",
    "db_to_email_digest",
    "auth_policy_gate",
    "transform_and_post",
    "cron_backup_notify",
]


def test_ids_are_those_of_the_contract() -> None:
    assert [task.id for task in TASKS] == IDS
    assert not {task.family for task in TASKS} & set(FAMILIES)


def test_golds_pass_and_mutants_do_not() -> None:
    report = validate(TASKS, mutants_per_task=8)
    assert report.broken == []
    assert report.trivial_passes == []
    assert report.survived.total() == 0, report.survivors


def test_no_gold_passes_for_another_task() -> None:
    for task in TASKS:
        for other in TASKS:
            assert task is other or not judge(other.gold, task).success, (other.id, task.id)


def test_the_tracked_prompt_set_equals_the_code() -> None:
    assert load_prompt_set(REGRESSION_PROMPTS) == prompt_rows(), "run `ainl-align tasks export regression`"
