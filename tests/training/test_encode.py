"""The prompt format: loss on the answer and its end alone, and one format for training and generation."""

from typing import Any

from ainl_align.data.records import request_messages
from ainl_align.training.encode import answer_ids, prompt_ids, training_row


def test_loss_falls_on_the_answer_and_its_eos(embedded_tokenizer: Any) -> None:
    row = training_row(embedded_tokenizer, [*request_messages("Do it."), {"role": "assistant", "content": "J 1\n"}])
    with_loss = [token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100]
    assert embedded_tokenizer.decode(with_loss) == "J 1\n<|im_end|>"
    assert [label for label in row["labels"] if label != -100] == with_loss


def test_training_starts_where_generation_starts(embedded_tokenizer: Any) -> None:
    messages = request_messages("Do it.")
    row = training_row(embedded_tokenizer, [*messages, {"role": "assistant", "content": "J 1\n"}])
    prompt = prompt_ids(embedded_tokenizer, messages)
    assert row["input_ids"] == prompt + answer_ids(embedded_tokenizer, ["J 1\n"])[0]
    assert embedded_tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")
    assert answer_ids(embedded_tokenizer, ["J 1\n"])[0][-1] == embedded_tokenizer.eos_token_id
