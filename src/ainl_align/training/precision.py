"""Devices and number formats: what ``auto`` means on this machine."""

from typing import Any

from ainl_align.errors import UserError

DEVICES = ("auto", "cuda", "mps", "cpu")


def pick_device(wanted: str) -> str:
    """Resolve ``auto`` to CUDA, then MPS, then CPU; UserError when the named device is absent."""
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, there in present.items() if there)
    if wanted not in present:
        raise UserError(f"device '{wanted}' is unknown; use one of {', '.join(DEVICES)}")
    if not present[wanted]:
        raise UserError(f"device '{wanted}' is not available on this machine; use auto or cpu")
    return wanted


def compute_dtype(device: str) -> Any:
    """bf16 where the device has instructions for it, else fp32.

    A CPU without AVX512_BF16 or AMX emulates bf16 and multiplies matrices three times slower than in fp32
    (docs/log.md), so the instruction set decides.
    """
    import torch

    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return torch.bfloat16
    return torch.float32


def int8_pays(device: str) -> bool:
    """Whether int8 products beat the ``compute_dtype`` ones on ``device``: a CPU with VNNI that computes in fp32."""
    import torch

    return device == "cpu" and torch.cpu._is_vnni_supported() and compute_dtype(device) is torch.float32
