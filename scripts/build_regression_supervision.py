#!/usr/bin/env python3
"""Stage 1: paired prompt and program supervision, every target checked by the strict compiler."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("regression")
