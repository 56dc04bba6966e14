#!/usr/bin/env python3
"""Stage 4: LoRA training with frequent checkpoints."""

from ainl_align.cli import stage_main

if __name__ == "__main__":
    stage_main("finetune")
