"""Losses of steps, fetched from the device without waiting for it."""

from collections import deque
from typing import Any

import torch
from torch import Tensor


class Meter:
    """``put`` starts a step's loss on its way to the host; ``take`` returns the means that have arrived."""

    def __init__(self, steps: int, device: str) -> None:
        self._cuda = device.startswith("cuda")
        self._losses = torch.zeros(steps, pin_memory=self._cuda)
        self._on_the_way: deque[tuple[int, Any]] = deque()
        self._there = 0
        self._taken = 0

    def put(self, step: int, loss: Tensor) -> None:
        """``loss`` (a scalar on the device) of ``step``, counted from 0; steps come in order."""
        self._losses[step].copy_(loss, non_blocking=True)
        event = torch.cuda.Event() if self._cuda else None
        if event is not None:
            event.record()
        self._on_the_way.append((step, event))

    def take(self, every: int, *, flush: bool) -> list[tuple[int, float]]:
        """(steps done, mean loss) for each group of ``every`` steps that is there and was not yet taken.

        ``flush`` waits for all that are on the way and ends the last group with them.
        """
        while self._on_the_way:
            step, event = self._on_the_way[0]
            if event is not None and not event.query():
                if not flush:
                    break
                event.synchronize()
            self._there = step + 1
            self._on_the_way.popleft()
        found = []
        while self._there > self._taken:
            end = (self._taken // every + 1) * every
            if end > self._there and not flush:
                break
            end = min(end, self._there)
            found.append((end, float(self._losses[self._taken : end].mean())))
            self._taken = end
        return found

    def skip(self, steps: int) -> None:
        """Count ``steps`` steps as taken: they were made in an earlier run."""
        self._there = self._taken = steps
