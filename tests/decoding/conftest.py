"""One constraint over the embedded tokenizer for all tests of this room: reading the vocabulary takes a second."""

from typing import Any

import pytest

from ainl_align.decoding.constraint import Constraint


@pytest.fixture(scope="session")
def constraint(embedded_tokenizer: Any) -> Constraint:
    return Constraint(embedded_tokenizer, vocabulary=len(embedded_tokenizer), eos_ids=[embedded_tokenizer.eos_token_id])
