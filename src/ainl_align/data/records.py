"""One chat format for training, evaluation and generation, and the rows that training files hold.

Every token is paid for on a CPU, so the messages are short and bounded.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ainl_align.artifacts import read_jsonl
from ainl_align.errors import UserError
from ainl_align.language.compiler import Diagnostic
from ainl_align.tasks.scenario import Task

Message = dict[str, str]
Row = dict[str, Any]
SampleType = Literal["direct", "repair", "check_rewrite", "regression"]
SAMPLE_TYPES: tuple[SampleType, ...] = ("direct", "repair", "check_rewrite", "regression")

SYSTEM_PROMPT = "You write AINL programs."
SHOWN_DIAGNOSTICS = 2
DIAGNOSTIC_CHARS = 140
DRAFT_CHARS = 2000
CUT_OFF = Diagnostic(None, "unfinished", "the program was cut off before its end; write it shorter")
"""What a repair prompt shows for a draft that a token or time budget ended, instead of the verdict's reasons."""
_REPAIR = "\n\nThis draft is wrong:\n"
_PROBLEMS = "\nProblems:\n"
_CHECK = "\n\nCheck this draft and rewrite it:\n"


def request_messages(prompt: str) -> list[Message]:
    """The chat that asks for a program."""
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": prompt}]


def repair_messages(prompt: str, draft: str, diagnostics: Sequence[Diagnostic]) -> list[Message]:
    """The chat that shows a failed draft with its first two diagnostics and asks for the program again.

    ``draft`` is the text that the verdict was about, in canonical form, so that the line numbers fit it.
    """
    problems = "\n".join(render(diagnostic) for diagnostic in diagnostics[:SHOWN_DIAGNOSTICS])
    return request_messages(f"{prompt}{_REPAIR}{shorten(draft)}{_PROBLEMS}{problems}")


def check_messages(prompt: str, draft: str) -> list[Message]:
    """The chat that asks to check a draft and to rewrite it.

    The answer is one program and nothing else (no list of findings): the format of every other answer, so a reader
    of the output never has to tell programs from remarks.
    """
    return request_messages(f"{prompt}{_CHECK}{shorten(draft)}")


def after_examples(messages: Sequence[Message], examples: Sequence[tuple[str, str]]) -> list[Message]:
    """A chat with other requests and their programs as turns before its own: few-shot prompting."""
    turns = [
        message
        for prompt, program in examples
        for message in (*request_messages(prompt)[1:], {"role": "assistant", "content": program})
    ]
    return [messages[0], *turns, *messages[1:]]


def render(diagnostic: Diagnostic) -> str:
    """A diagnostic on one bounded line, as prompts show it."""
    message = " ".join(diagnostic.message.split())
    if len(message) > DIAGNOSTIC_CHARS:
        message = message[: DIAGNOSTIC_CHARS - 3] + "..."
    return message if diagnostic.line is None else f"line {diagnostic.line}: {message}"


def shorten(draft: str) -> str:
    """The draft without outer blank space, cut at a line end when it is longer than a prompt can afford."""
    text = draft.strip()
    if len(text) <= DRAFT_CHARS:
        return text
    head = text[:DRAFT_CHARS]
    return (head[: head.rfind("\n")] if "\n" in head else head) + "\n..."


def make_row(task: Task, messages: Sequence[Message], sample_type: SampleType) -> Row:
    """A training row: the messages, answered by the task's gold program."""
    return answered_row(messages, task.gold, sample_type, task_id=task.id, family=task.family, tier=task.tier)


def answered_row(
    messages: Sequence[Message], program: str, sample_type: SampleType, *, task_id: str, family: str, tier: str
) -> Row:
    """A training row: the messages, answered by a program."""
    return {
        "messages": [*messages, {"role": "assistant", "content": program}],
        "sample_type": sample_type,
        "prompt_id": family,
        "task_id": task_id,
        "family": family,
        "tier": tier,
    }


def prompt_of(row: Mapping[str, Any]) -> str:
    """The request inside a row's user message, without a draft that follows it."""
    content: str = row["messages"][1]["content"]
    for marker in (_REPAIR, _CHECK):
        content = content.split(marker, 1)[0]
    return content


def program_of(row: Mapping[str, Any]) -> str:
    """The program that a row teaches."""
    program: str = row["messages"][2]["content"]
    return program


def read_rows(path: Path, *, may_be_empty: bool = False) -> list[Row]:
    """Read a file of rows; UserError names the file, the line and what is wrong with it."""
    if may_be_empty and path.is_file() and path.stat().st_size == 0:
        return []
    rows = []
    for number, row in read_jsonl(path):
        problem = _problem(row)
        if problem:
            raise UserError(f"{path}, line {number}: {problem}; name a file that the dataset stages wrote")
        rows.append(row)
    return rows


def _problem(row: Mapping[str, Any]) -> str | None:
    messages = row.get("messages")
    if not isinstance(messages, list) or len(messages) != 3:
        return "field 'messages' must hold a system, a user and an assistant message"
    for message, role in zip(messages, ("system", "user", "assistant"), strict=True):
        if not isinstance(message, dict) or message.get("role") != role:
            return f"field 'messages' has no {role} message where one belongs"
        if not isinstance(message.get("content"), str) or not message["content"].strip():
            return f"the {role} message has no content"
    if row.get("sample_type") not in SAMPLE_TYPES:
        return f"field 'sample_type' is {row.get('sample_type')!r}, not one of {', '.join(SAMPLE_TYPES)}"
    for name in ("prompt_id", "task_id", "family", "tier"):
        if not isinstance(row.get(name), str):
            return f"field '{name}' must be a text"
    return None
