"""The command line: ``ainl-align`` and the stage scripts; here alone errors become messages and exit codes."""

from ainl_align.cli.app import app, main
from ainl_align.cli.stages import stage_main

__all__ = ["app", "main", "stage_main"]
