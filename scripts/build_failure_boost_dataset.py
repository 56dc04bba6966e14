#!/usr/bin/env python3
"""Stage 3: extra supervision aimed at what failed in a report, merged with the distill data."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("boost")
