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
    """One row as ``input_ids`` and ``labels`` of equal length; labels are -100 where there is no loss.

    The last message is the answer; loss falls on it and on its EOS alone.
    """
    prompt = prompt_ids(tokenizer, messages[:-1])
    answer = answer_ids(tokenizer, messages[-1]["content"])
    return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}
