"""Training in two processes: the same losses and adapter as in one with the same batches, one set of files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import finetune, processes
from ainl_align.training.base import check_four_bit
from ainl_align.training.checkpoints import WEIGHTS
from tests.tiny import training_settings


def train(base: Path, folder: Path, **changes: Any) -> tuple[list[float], dict[str, torch.Tensor]]:
    folder.mkdir()
    result = finetune.run(training_settings(base, folder, save_steps=4, int8_base="off", **changes), Progress())
    losses = [value for entry in result.losses for name, value in entry.items() if name != "step"]
    return losses, load_file(folder / "adapter" / WEIGHTS)


@pytest.mark.parametrize("fsdp", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_two_processes_train_as_one(tiny_base: Path, tmp_path: Path, fsdp: bool) -> None:
    one, adapter = train(tiny_base, tmp_path / "one", batch_size=4)
    two, same = train(tiny_base, tmp_path / "two", batch_size=2, num_processes=2, fsdp=fsdp)
    assert two == pytest.approx(one, rel=1e-4)
    for name, weight in adapter.items():
        torch.testing.assert_close(same[name], weight, rtol=1e-2, atol=1e-4, msg=name)
    found = sorted(path.name for path in (tmp_path / "two" / "adapter").glob("checkpoint-*"))
    assert found == ["checkpoint-4"]


@pytest.mark.slow
def test_a_failure_in_a_process_is_one_message(tiny_base: Path, tmp_path: Path) -> None:
    given = training_settings(tiny_base, tmp_path, num_processes=2, learning_rate=1e30)
    with pytest.raises(UserError, match="one of 2 processes stopped"):
        finetune.run(given, Progress())


def test_alone_there_is_nothing_to_exchange() -> None:
    assert processes.world() == processes.World(0, 1, 0)
    numbers = torch.ones(3)
    processes.add_up(numbers)
    assert numbers.tolist() == [1, 1, 1]
    assert processes.from_leader(7, "cpu") == 7


def test_four_bits_need_a_gpu_and_say_so() -> None:
    with pytest.raises(UserError, match="needs a CUDA GPU, and training runs on cpu"):
        check_four_bit("cpu")
