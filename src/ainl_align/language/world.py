"""Run a program in a simulated world, on the reference runtime."""

from ainl_align.language.world_model import (
    Call,
    Fault,
    Frozen,
    HttpRoute,
    Limits,
    Reply,
    Trace,
    Trigger,
    World,
)

__all__ = ["Call", "Fault", "Frozen", "HttpRoute", "Limits", "Reply", "Trace", "Trigger", "World"]
