"""Damaged input of every kind: one message and exit code 2, or a right result; all of it: ``make fuzz-input``."""

from pathlib import Path

import pytest

from tests.fuzz_input import fuzz
from tests.fuzz_input.kit import Kit, make
from tests.fuzz_input.targets import TARGETS, Target

EVERY_TIME = 250
"""Cases of the targets that are cheap; the others are run once or a few times here."""


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return make(tmp_path_factory.mktemp("kit"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_damaged_input_is_refused_or_read_right(target: Target, kit: Kit, tmp_path: Path) -> None:
    share = sum(item.share for item in TARGETS if not (item.models or item.dear))
    count = 1 if target.models else -(-target.share // 20) if target.dear else -(-EVERY_TIME * target.share // share)
    assert fuzz.run(kit, target, count, tmp_path).wrong == []
