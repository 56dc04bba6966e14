"""Chat messages to tokens: one format for training, evaluation and generation."""

from collections.abc import Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, str]]


def prompt_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """Token ids of the messages up to where the model's answer begins."""
    return list(tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_dict=False))


def answer_ids(tokenizer: Any, answers: Sequence[str]) -> list[list[int]]:
    """Token ids of answers, each ended by the EOS token at which generation stops."""
    texts = tokenizer(list(answers), add_special_tokens=False)["input_ids"]
    return [[*text, tokenizer.eos_token_id] for text in texts]


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
    answers = answer_ids(tokenizer, [messages[-1]["content"] for messages in conversations])
    return [
        {"input_ids": [*prompt, *answer], "labels": [-100] * len(prompt) + answer}
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
