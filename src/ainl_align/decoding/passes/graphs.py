"""CUDA graphs: what is launched again and again with tensors of the same shapes is recorded once and replayed.

A replay costs one launch instead of a thousand and no Python. Everywhere but on CUDA functions just run.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_Function = Callable[..., Tensor]


@dataclass(frozen=True)
class _Recorded:
    graph: Any
    inputs: tuple[Tensor, ...]
    output: Tensor


def upload(item: Tensor, device: str | torch.device) -> Tensor:
    """``item`` on ``device``, without waiting for the device.

    A copy from ordinary memory may still be reading it when the call has returned; so it is made from pinned memory,
    which torch does not give to anybody else before the copy is done.
    """
    if torch.device(device).type == "cuda" and item.device.type == "cpu" and not item.is_pinned():
        item = item.pin_memory()
    return item.to(device, non_blocking=True)


class Graphs:
    """Recorded functions by key. A key stands for one function and one set of input shapes.

    The output of ``run`` is valid until the next ``run``, for recordings share their memory.
    """

    def __init__(self, device: str, *, usable: bool = True) -> None:
        self._device = device
        self._usable = usable and torch.device(device).type == "cuda"
        self._known: dict[Hashable, _Recorded] = {}
        self.wanted: Counter[Hashable] = Counter()
        """How often a key was asked for."""
        self.failure: str | None = None
        """Why recording was given up."""
        self._pool: Any = None
        self._stream: Any = None

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def shapes(self) -> list[tuple[int, ...]]:
        """What is recorded, where keys are shapes."""
        return [key for key in self._known if isinstance(key, tuple)]

    def clear(self) -> None:
        """Forget all recordings: memory that they read or write has moved."""
        if self._known:
            torch.cuda.synchronize()  # they may be running
        self._known.clear()
        self.wanted.clear()
        self._pool = None  # a pool goes with the last of its recordings

    def run(self, key: Hashable, function: _Function, *inputs: Tensor) -> Tensor:
        """``function`` of ``inputs``, which may lie in the host's memory; recorded when ``key`` comes the second time.

        ``function`` must launch the same work for the same shapes, and may not look at its results.
        """
        recorded = self._known.get(key)
        if recorded is None:
            self.wanted[key] += 1
            placed = tuple(upload(item, self._device) for item in inputs)
            if not self._usable or self.wanted[key] < 2:
                return function(*placed)
            recorded = self._record(function, tuple(item.clone() for item in placed))
            if recorded is None:
                return function(*placed)
            self._known[key] = recorded
        for held, item in zip(recorded.inputs, inputs, strict=True):
            held.copy_(upload(item, self._device))
        recorded.graph.replay()
        return recorded.output

    def _record(self, function: _Function, inputs: tuple[Tensor, ...]) -> _Recorded | None:
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        if self._stream is None:
            self._stream = torch.cuda.Stream()
            torch.cuda.synchronize()
            with torch.cuda.stream(self._stream):  # libraries keep workspaces by stream: they are made here
                function(*inputs)
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        try:
            with torch.cuda.stream(self._stream):
                graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
                try:
                    output = function(*inputs)
                finally:
                    graph.capture_end()
        except RuntimeError as error:  # the model did something that cannot be recorded: it runs as it is from now on
            self._usable, self.failure = False, f"{type(error).__name__}: {str(error).splitlines()[0]}"
            torch.cuda.synchronize()
            return None
        torch.cuda.synchronize()
        return _Recorded(graph, inputs, output)
