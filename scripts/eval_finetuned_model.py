#!/usr/bin/env python3
"""Stage 6: evaluate one adapter, and the base model beside it."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("evaluation")
