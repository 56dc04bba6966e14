"""Chat messages to tokens: one format for training, evaluation and generation."""

from collections.abc import Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, str]]


def prompt_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of the messages up to where the model's answer begins."""
    return list(tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=False))


def answer_ids(tokenizer: Any, answer: str) -> list[int]:
    """Token ids of an answer, ended by the EOS token at which generation stops."""
    return [*tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]


def training_row(tokenizer: Any, messages: Messages) -> dict[str, list[int]]:
    """One row of ``training_rows``."""
    return training_rows(tokenizer, [messages])[0]


def training_rows(tokenizer: Any, conversations: Sequence[Messages]) -> list[dict[str, list[int]]]:
    """Rows as ``input_ids`` and ``labels`` of equal length; labels are -100 where there is no loss.

    The last message of each is the answer; loss falls on it and on its EOS alone. All rows go to the tokenizer in one
    call, which spreads them over the cores.
    """
    if not conversations:
        return []
    asked = [list(messages[:-1]) for messages in conversations]
    prompts = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    texts = [messages[-1]["content"] for messages in conversations]
    answers = tokenizer(texts, add_special_tokens=False)["input_ids"]
    rows = []
    for prompt, text in zip(prompts, answers, strict=True):
        answer = [*text, tokenizer.eos_token_id]
        rows.append({"input_ids": [*prompt, *answer], "labels": [-100] * len(prompt) + answer})
    return rows
