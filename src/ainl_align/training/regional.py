"""torch.compile for one decoder layer at a time: all layers share one compiled program."""

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ainl_align.progress import Progress
from ainl_align.training.loss import SummedLoss, nll_and_gradient

COMPILE_LIMIT_S = 240.0


def decoder_layers(model: Any) -> nn.ModuleList:
    """The decoder layers of a causal language model: its longest list of modules."""
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len)


class Regions:
    """How the decoder layers of ``loss`` run: compiled or not, with or without recomputation in the backward pass.

    ``recompute`` keeps only each layer's input and runs the layer again in the backward pass (Chen et al. 2016,
    arXiv:1604.06174): less memory for a third more arithmetic.
    """

    def __init__(self, loss: SummedLoss, *, compiled: bool, recompute: bool) -> None:
        self._loss = loss
        self._recompute = recompute
        self._originals = {layer: layer.forward for layer in decoder_layers(loss.model)}
        self.compiled = compiled
        self._place(compiled)

    def _place(self, compiled: bool) -> None:
        for layer, original in self._originals.items():
            forward: Callable[..., Any] = torch.compile(original, dynamic=False) if compiled else original
            layer.forward = functools.partial(_recomputed, forward) if self._recompute else forward
        self._loss.pointwise = torch.compile(nll_and_gradient, dynamic=False) if compiled else nll_and_gradient

    def first(self, work: Callable[[], Any], progress: Progress) -> None:
        """Run ``work``, which compiles; when that fails or takes too long, go on without compilation and say so."""
        if not self.compiled:
            return
        try:
            with _limit(COMPILE_LIMIT_S):
                work()
        except Exception as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            self.compiled = False
            self._place(compiled=False)
            progress.fallback(f"the layers are not compiled ({first_line(error)}); training goes on, slower")


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its type when it has none."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _recomputed(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after ``seconds``; without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(*_: Any) -> None:
        raise TimeoutError(f"compiling took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
