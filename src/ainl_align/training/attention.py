"""Attention among the tokens of each row of a batch whose rows are laid end to end.

On CUDA the variable-length FlashAttention kernel that PyTorch carries (Dao 2023, arXiv:2307.08691); elsewhere one call
of PyTorch's scaled dot-product attention for each row. The cost is the sum over rows of the square of their lengths.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AttentionInterface

NAME = "ainl_rows"


def flash_works(model: Any, device: str) -> bool:
    """Whether the variable-length kernel takes the model: half precision on CUDA from Ampere on, heads up to 256."""
    if not device.startswith("cuda") or model.dtype not in (torch.float16, torch.bfloat16):
        return False
    config = model.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return bool(torch.cuda.get_device_capability(device)[0] >= 8) and size % 8 == 0 and size <= 256


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    cu_seq_lens_q: Tensor,
    max_length_q: int,
    row_lengths: tuple[int, ...] | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention for transformers' models; query, key and value have shape (1, heads, tokens, size).

    ``row_lengths`` takes the way row by row; without it the kernel reads the rows from ``cu_seq_lens_q``. Returns
    shape (1, tokens, heads, size).
    """
    if row_lengths is None:
        # torch.nn.attention.varlen wraps this operator under a signature that differs between releases.
        output = torch.ops.aten._flash_attention_forward(
            query.squeeze(0).transpose(0, 1),
            key.squeeze(0).transpose(0, 1),
            value.squeeze(0).transpose(0, 1),
            cu_seq_lens_q,
            cu_seq_lens_q,
            max_length_q,
            max_length_q,
            0.0,
            True,
            False,
            scale=scaling,
        )[0]
        return output.unsqueeze(0), None
    grouped = query.shape[1] != key.shape[1]
    parts = [
        F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=grouped)
        for q, k, v in zip(*(tensor.split(row_lengths, 2) for tensor in (query, key, value)), strict=True)
        if q.shape[2]
    ]
    return torch.cat(parts, 2).transpose(1, 2), None


AttentionInterface.register(NAME, attend)
