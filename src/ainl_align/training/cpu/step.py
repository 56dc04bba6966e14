"""Loss and gradients of a batch on all cores: rows are dealt out to threads, which share nothing until the sum."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ainl_align.progress import Progress
from ainl_align.training.cpu.passes import Passes
from ainl_align.training.cpu.weights import Packed, Weights, pool
from ainl_align.training.int8 import int8_lora
from ainl_align.training.packing import Batch
from ainl_align.training.rows import IGNORED

Loss = Callable[[Batch], Tensor]
Row = tuple[Tensor, Tensor]
"""Token ids, and for each place the target that follows it or IGNORED."""


class FusedLoss:
    """``loss(batch)``: the summed negative log-likelihood of the batch's targets, as of ``SummedLoss``.

    ``model`` is a Hugging Face causal language model without an ``obstacle``, PEFT's LoRA layers in it; it is read and
    left unchanged. The gradients of the adapters are computed with the loss; the backward pass, which has to come
    before the next loss, adds them to ``grad``. The same batch gives the same bits for one number of threads and one
    ``sample``, a batch such as will come, by which activations are scaled; ``plain`` computes it once.
    """

    def __init__(self, model: Any, plain: Loss, sample: Batch) -> None:
        self.weights = Weights(model, lambda: plain(sample))
        self._threads = torch.get_num_threads()
        self._gradients = torch.empty(self._threads, self.weights.numbers)
        self._passes = [Passes(self.weights, gradient) for gradient in self._gradients]
        self._pool = pool(self._threads)

    def __call__(self, batch: Batch) -> Tensor:
        """A scalar."""
        loss: Tensor = _Loss.apply(self, batch, torch.is_grad_enabled(), *self.weights.parameters)
        return loss

    def run(self, batch: Batch, learn: bool) -> tuple[float, Tensor]:
        """The loss, and with ``learn`` each busy thread's flat gradient of the adapters: valid until the next call."""
        rows = scored_rows(batch)
        shares = [share for share in deal(rows, self._threads) if share]
        losses = self._run(shares, learn) if rows else []
        return math.fsum(loss for share in losses for loss in share), self._gradients[: len(shares)]

    def learn(self, found: Tensor, scale: float) -> None:
        """Add what ``run`` found, times ``scale``, to the adapters' ``grad``."""
        gradients = found.numpy()
        if not len(gradients):
            return
        self._each(lambda packed: packed.add_gradients(gradients, scale))

    def by_row(self, batch: Batch) -> list[float]:
        """The summed negative log-likelihood of each row's targets, of which every row has one; no gradients."""
        rows = scored_rows(batch)
        shares = [share for share in deal(rows, self._threads) if share]
        losses = [loss for share in self._run(shares, False) for loss in share]
        found = dict(zip((id(row) for share in shares for row in share), losses, strict=True))
        return [found[id(row)] for row in rows]

    def _each(self, work: Callable[[Packed], None]) -> None:
        """Do ``work`` for the weights of all layers, dealt out to the threads."""

        def some(turn: int) -> None:
            for packed in self.weights.packed[turn :: self._threads]:
                work(packed)

        list(self._pool.map(some, range(self._threads)))

    def _run(self, shares: Sequence[list[Row]], learn: bool) -> list[list[float]]:
        """The losses of the rows of every share, a thread a share."""
        self.weights.reach(max(len(ids) for share in shares for ids, _ in share))
        self._each(Packed.refresh)
        threads = self._threads // len(shares)

        def work(passes: Passes, share: list[Row]) -> list[float]:
            torch.set_num_threads(threads)  # of this thread, and of those that begin hereafter
            losses: list[float] = passes.run(share, learn).tolist()
            return losses

        found = list(self._pool.map(work, self._passes[: len(shares)], shares))
        torch.set_num_threads(self._threads)
        return found


def int8_loss(model: Any, plain: Loss, sample: Batch, progress: Progress) -> Loss:
    """The quickest loss of a causal language model on the CPU whose frozen base may be computed in int8.

    ``plain`` computes it layer by layer and stays in use, its layers changed, where ``FusedLoss`` cannot: that is said.
    ``sample`` is a batch such as will come.
    """
    reason = obstacle(model)
    if reason is None:
        return FusedLoss(model, plain, sample)
    progress.fallback(f"training takes the slower step on this CPU, layer by layer: {reason}")
    int8_lora(model)
    return plain


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fused: FusedLoss, batch: Batch, learn: bool, *_: Tensor) -> Tensor:
        loss, ctx.found = fused.run(batch, learn)
        ctx.fused = fused
        return torch.tensor(loss)

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> Any:
        # Autograd would add 420 matrices one by one, half of them transposed: 2% of a step.
        ctx.fused.learn(ctx.found, float(scale))
        return None, None, None, *[None] * len(ctx.fused.weights.parameters)


def scored_rows(batch: Batch) -> list[Row]:
    """The batch's rows, each as far as its last scored place; rows without one are left out."""
    targets = torch.full_like(batch.ids, IGNORED)
    targets[batch.scored] = batch.targets
    rows = []
    for ids, wanted in zip(batch.ids.split(batch.lengths), targets.split(batch.lengths), strict=True):
        places = (wanted != IGNORED).nonzero()
        if len(places):
            last = int(places[-1]) + 1
            rows.append((ids[:last], wanted[:last]))
    return rows


def deal(rows: Sequence[Row], shares: int) -> list[list[Row]]:
    """Rows in ``shares`` lists of near equal numbers of tokens: the longest first, each to the shortest list."""
    dealt: list[list[Row]] = [[] for _ in range(shares)]
    for row in sorted(rows, key=lambda row: -len(row[0])):
        min(dealt, key=lambda share: sum(len(ids) for ids, _ in share)).append(row)
    return dealt


def obstacle(model: Any) -> str | None:
    """Why ``FusedLoss`` cannot compute ``model``, a causal language model with LoRA layers; None when it can."""
    from peft.tuners.lora import Linear
    from transformers import LlamaForCausalLM

    if type(model) is not LlamaForCausalLM:
        return f"{type(model).__name__} is not Llama-shaped"
    config = model.config
    if config.hidden_act != "silu":
        return f"the activation is {config.hidden_act}, not silu"
    turning = config.rope_parameters["rope_type"]
    if turning not in ("default", "linear", "llama3"):
        return f"rotary angles of type {turning} change with the length"
    layers = [module for name, module in model.model.layers.named_modules() if name.endswith("_proj")]
    if not all(isinstance(layer, Linear) and layer.base_layer.bias is None for layer in layers):
        return "a linear layer has a bias or no adapter"
    if any(parameter.dtype != torch.float32 or not parameter.is_cpu for parameter in model.parameters()):
        return "the base is not in fp32 on the CPU"
    return None
