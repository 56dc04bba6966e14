"""Several training processes: who this one is, how the others are started, and what they exchange.

Each process holds the whole adapter and, of every step's batches, takes its share; the gradients' sum is exchanged once
a step. The base is whole in every process too, or, with ``shard``, spread over them (FSDP: Zhao et al. 2023,
arXiv:2304.11277). Started by us (``launch``), or by the user's own ``accelerate launch`` or ``torchrun``: all leave
the same variables in the environment.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ainl_align.errors import UserError


@dataclass(frozen=True)
class World:
    """This process among ``size``; ``local`` is its number on this machine."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0


def world() -> World:
    """What the launcher says; one process without one."""
    environment = os.environ
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return World()
    return World(int(environment["RANK"]), int(environment["WORLD_SIZE"]), int(environment.get("LOCAL_RANK", 0)))


def join(found: World, device: str) -> str:
    """Meet the other processes; returns this process's device, like ``cuda:1``. Nothing to do when alone."""
    if found.size == 1:
        return device
    import torch
    from torch import distributed

    if device == "cuda":
        if found.local >= torch.cuda.device_count():
            raise UserError(f"process {found.local} has no GPU: {torch.cuda.device_count()} are there; start fewer")
        torch.cuda.set_device(found.local)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return f"cuda:{found.local}" if device == "cuda" else device


def leave() -> None:
    """End the exchange, where there is one."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def add_up(tensor: Any) -> None:
    """Replace ``tensor`` by its sum over all processes; nothing to do when alone."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(tensor)


def from_leader(number: int, device: str) -> int:
    """The leading process's ``number``, in every process."""
    import torch

    shared = torch.tensor(number if world().leads else 0, device=device)
    add_up(shared)
    return int(shared)


def shard(loss: Any, whole: set[Any], device: str) -> None:
    """Spread the weights of the module ``loss`` over the processes, by layer, all but the parameters ``whole``."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    from ainl_align.training.regional import decoder_layers

    mesh = init_device_mesh(device.split(":")[0], (world().size,))
    for layer in decoder_layers(loss.model):
        fully_shard(layer, mesh=mesh, ignored_params=whole)
    fully_shard(loss, mesh=mesh, ignored_params=whole)


def sharding_asked() -> bool:
    """Whether the user's accelerate configuration asks for FSDP."""
    return os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def launch(count: int, module: str, words: Sequence[str]) -> int:
    """Run ``python -m module words`` in ``count`` processes on this machine; returns the exit status."""
    starter = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "-m", module]
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, _cores() // count)))}
    return subprocess.run([*starter, *words], env=environment, check=False).returncode


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
