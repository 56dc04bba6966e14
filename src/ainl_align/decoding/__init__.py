"""Decoding: a batched engine, and a constraint under which a model can write nothing but canonical programs.

``AinlLogitsProcessor`` is the constraint for transformers' own ``generate``.
"""

from typing import Any

__all__ = ["AinlLogitsProcessor"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: torch and transformers are not needed by all of this room.
    if name in __all__:
        from ainl_align.decoding.processor import AinlLogitsProcessor

        return AinlLogitsProcessor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
