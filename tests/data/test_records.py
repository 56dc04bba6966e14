import json
from pathlib import Path

import pytest

from ainl_align.data import records
from ainl_align.errors import UserError
from ainl_align.language.compiler import Diagnostic
from ainl_align.tasks.scenario import Task


def test_a_row_is_a_chat_that_ends_in_the_gold(task: Task) -> None:
    row = records.make_row(task, records.request_messages(task.prompt), "direct")
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][0]["content"] == records.SYSTEM_PROMPT
    assert records.prompt_of(row) == task.prompt
    assert records.program_of(row) == task.gold
    assert (row["sample_type"], row["prompt_id"], row["family"], row["tier"]) == ("direct", "watch", "watch", "T4")


def test_a_repair_shows_the_draft_and_two_problems(task: Task) -> None:
    problems = [Diagnostic(3, "a", "first"), Diagnostic(None, "b", "second\nhalf"), Diagnostic(5, "c", "third")]
    messages = records.repair_messages(task.prompt, "J x\n", problems)
    assert (
        messages[1]["content"] == f"{task.prompt}\n\nThis draft is wrong:\nJ x\nProblems:\nline 3: first\nsecond half"
    )
    for chat in (messages, records.check_messages(task.prompt, "J x")):
        assert records.prompt_of(records.make_row(task, chat, "repair")) == task.prompt


def test_examples_are_answered_turns_before_the_request() -> None:
    chat = records.request_messages("Do it.")
    assert records.after_examples(chat, ()) == chat
    found = records.after_examples(chat, [("One.", "J 1\n"), ("Two.", "J 2\n")])
    assert [message["role"] for message in found] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message["content"] for message in found[1:]] == ["One.", "J 1\n", "Two.", "J 2\n", "Do it."]


def test_what_a_prompt_shows_is_bounded() -> None:
    draft = "R core.ECHO 1 ->x\n" * 1000
    shown = records.shorten(draft)
    assert len(shown) <= records.DRAFT_CHARS + 4
    assert shown.endswith("->x\n...")
    assert len(records.render(Diagnostic(1, "a", "x" * 1000))) < records.DIAGNOSTIC_CHARS + 20


GOOD = {
    "messages": [{"role": role, "content": "text"} for role in ("system", "user", "assistant")],
    "sample_type": "direct",
    "prompt_id": "watch",
    "task_id": "watch-1",
    "family": "watch",
    "tier": "T1",
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": None}, "messages"),
        ({"messages": GOOD["messages"][:2]}, "assistant message"),  # type: ignore[index]
        ({"messages": [{"role": "user", "content": "x"}] * 3}, "no system message"),
        ({"messages": [{"role": r, "content": " "} for r in ("system", "user", "assistant")]}, "no content"),
        ({"sample_type": "guess"}, "sample_type"),
        ({"family": 3}, "family"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, **change}) + "\n")
    with pytest.raises(UserError, match=rf"rows\.jsonl, line 2: .*{said}"):
        records.read_rows(path)


def test_an_empty_file_is_refused_unless_allowed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.touch()
    assert records.read_rows(path, may_be_empty=True) == []
    with pytest.raises(UserError, match="is empty"):
        records.read_rows(path)
