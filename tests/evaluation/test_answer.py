from typing import Any

from ainl_align.data.records import request_messages
from ainl_align.evaluation.answer import Job, _request
from ainl_align.tasks.prompts import PromptRow


def test_a_draft_reaches_the_decoder_as_tokens(tokenizer: Any) -> None:
    row = PromptRow(id="p", prompt="Return 5.")
    program = 'S app core noop\nL_main:\n  J "5"'
    found = _request(tokenizer, request_messages(row.prompt), Job(row, draft=program))
    assert tokenizer.decode(found.draft) == program
    assert not _request(tokenizer, request_messages(row.prompt), Job(row)).draft
