#!/usr/bin/env python3
"""Stage 5: evaluate every checkpoint, rank them, promote the best."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("sweep")
