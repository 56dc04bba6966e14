"""Summed loss of a batch at its labelled places, the only ones for which the output head is paid."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ainl_align.training import attention
from ainl_align.training.packing import SCORED_BLOCK, Batch
from ainl_align.training.rows import IGNORED


class SummedLoss(nn.Module):
    """``SummedLoss(model)(batch)``: the negative log-likelihood of the batch's targets, a scalar sum.

    ``model`` is a Hugging Face causal language model with a linear output head, to run on ``device``; its attention is
    switched to rows.
    ``pointwise`` is the head's pointwise part, for torch.compile to replace.
    """

    def __init__(self, model: Any, device: str) -> None:
        super().__init__()
        model.set_attn_implementation(attention.NAME)
        self.model = model
        self.flash = attention.flash_works(model, device)
        self.pointwise: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = nll_and_gradient

    def forward(self, batch: Batch) -> Tensor:
        """Rows are isolated from each other by attention and positions."""
        embeddings = self.model.get_input_embeddings()(batch.ids[None])
        if torch.is_grad_enabled():
            embeddings.requires_grad_()  # the first layer is then like the others, for compilation and checkpointing
        hidden = self.model.base_model(
            inputs_embeds=embeddings,
            position_ids=batch.positions[None],
            use_cache=False,
            cu_seq_lens_q=batch.starts,
            max_length_q=batch.longest,
            row_lengths=None if self.flash else batch.lengths,
        ).last_hidden_state.squeeze(0)
        head = self.model.get_output_embeddings()
        return _HeadLoss.apply(hidden, batch.scored, batch.targets, head.weight, head.bias, self.pointwise)


def nll_and_gradient(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over rows of the negative log-likelihood of ``targets``, and its gradient in ``logits``' shape and format.

    ``logits`` has shape (rows, vocabulary); rows whose target is IGNORED count nothing.
    """
    counted = (targets != IGNORED)[:, None]
    chosen = targets.clamp(min=0)[:, None]
    exact = logits.float()
    log_probabilities = exact - exact.logsumexp(1, keepdim=True)
    loss = -(log_probabilities.gather(1, chosen) * counted).sum()
    columns = torch.arange(logits.shape[1], device=logits.device)
    gradient = (log_probabilities.exp() - (columns == chosen).float()) * counted
    return loss, gradient.to(logits.dtype)


class _HeadLoss(torch.autograd.Function):
    """The frozen head and its loss, block by block, with the gradient made on the way: logits are never all kept.

    The idea of Liger's fused head (Hsu et al. 2024, arXiv:2410.10989), for a head that is not trained.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        scored: Tensor,
        targets: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        pointwise: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    ) -> Tensor:
        wanted = ctx.needs_input_grad[0]
        total = torch.zeros((), device=hidden.device)
        gradient = torch.zeros_like(hidden) if wanted else None
        for places, answers in zip(scored.split(SCORED_BLOCK), targets.split(SCORED_BLOCK), strict=True):
            logits = F.linear(hidden[places], weight, bias)
            loss, inner = pointwise(logits, answers)
            total += loss
            if gradient is not None:
                gradient[places] = inner @ weight
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        return gradient * scale, None, None, None, None, None
