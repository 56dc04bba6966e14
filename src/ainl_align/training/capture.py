"""A forward and backward pass recorded once as a CUDA graph: one launch a batch instead of thousands.

Without it a small base waits for the host, which needs longer to launch the kernels than the GPU to run them.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ainl_align.training.packing import TENSORS, Batch


class Replay:
    """``Replay(work, batch)(other)``: what ``work(other)`` does, for batches of the form of ``batch``.

    ``work`` must do the same operations for every batch, read nothing but the batch and tensors that stay where they
    are, and not wait for the device. Its result is overwritten by the next call.
    """

    def __init__(self, work: Callable[[Batch], Tensor], batch: Batch) -> None:
        self._batch = replace(batch, **{name: getattr(batch, name).clone() for name in TENSORS})
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # once outside the record: libraries set themselves up at their first call
            work(self._batch)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._result = work(self._batch)

    def __call__(self, batch: Batch) -> Tensor:
        """Copy the batch to where the record reads, and run the record."""
        for name in TENSORS:
            getattr(self._batch, name).copy_(getattr(batch, name), non_blocking=True)
        self._graph.replay()
        return self._result
