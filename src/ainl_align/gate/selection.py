"""The prompts that chose the checkpoint must not judge it."""

from pathlib import Path

from ainl_align.artifacts import read_jsonl
from ainl_align.errors import UserError
from ainl_align.gate.reports import Report


def refuse_shared(report: Report, chosen_by: Path) -> None:
    """Raise UserError when a prompt of the report is among those that the checkpoint was chosen by.

    The best of several checkpoints looks better on the prompts that it was chosen by than it is. No correction for
    that is as good as other prompts.
    """
    texts = {" ".join(prompt.split()) for prompt in report.prompts.values()}
    for number, fields in read_jsonl(chosen_by):
        prompt = fields.get("prompt")
        same_text = isinstance(prompt, str) and " ".join(prompt.split()) in texts
        if fields.get("id") in report.prompts or same_text:
            raise UserError(
                f"{chosen_by}, line {number}: prompt {fields.get('id')!r} chose the checkpoint and is in {report.path} "
                "as well; judge it on prompts that had no part in the choice"
            )
