"""Completion-only loss that pays for the output head at labelled positions alone.

TRL's fused head does that on Triton devices; elsewhere it projects every position and does so again in the backward
pass, which on a CPU and a vocabulary of 49,152 doubles the time of a step (docs/log.md).
"""

import functools
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from trl import SFTTrainer

IGNORED = -100


def score_labels_only(model: Any) -> None:
    """Let ``model(..., labels=labels, summed_loss=True)`` return the summed negative log-likelihood, a scalar tensor.

    ``model`` is a Hugging Face causal model, adapters inside or not; other calls of it are unchanged. It goes through
    ``forward``, so wrappers for several processes see the call. Rows are padded on the right, where causal attention
    never looks from a labelled position: the attention mask is dropped, and with it the slow kernels for masks.
    """
    original = model.forward

    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, summed_loss: bool = False, **kwargs: Any) -> Any:
        if not summed_loss:
            return original(*args, **kwargs)
        labels: Tensor = kwargs.pop("labels")[:, 1:]
        kwargs.pop("attention_mask", None)
        hidden = self.base_model(*args, **kwargs, use_cache=False).last_hidden_state[:, :-1]
        scored = labels != IGNORED
        logits = self.get_output_embeddings()(hidden[scored])
        return F.cross_entropy(logits.float(), labels[scored], reduction="sum")

    model.forward = MethodType(forward, model)


class CompletionTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer with the loss above."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        score_labels_only(self.model.get_base_model())

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the labelled tokens of the whole step (``num_items_in_batch``), or of this batch without one."""
        labels = inputs["labels"]
        total = model(**inputs, summed_loss=True)
        count = (labels[:, 1:] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(count, device=total.device).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # the count is of all processes, the gradient is averaged
        return (loss, {}) if return_outputs else loss
