#!/usr/bin/env python3
"""Stage 7: the trend over all reports, and the gate."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("trends")
