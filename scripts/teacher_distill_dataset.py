#!/usr/bin/env python3
"""Stage 2: a mix of gold, repair and check-and-rewrite rows."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("distill")
