#!/usr/bin/env python3
"""Make a trained adapter the one that comes with the package, in bf16; wraps ainl_align.training.ship."""

import sys

from ainl_align.cli.boundary import guarded
from ainl_align.cli.options import parse, parser_for
from ainl_align.errors import ExitCode
from ainl_align.progress import Progress
from ainl_align.training import ship


def main() -> int:
    """Parse, ship, print the folder."""
    parser = parser_for(ship.Settings, "ship_adapter.py", "Make an adapter the one that comes with the package.")
    print(ship.run(parse(parser, ship.Settings, sys.argv[1:]), Progress()))
    return ExitCode.OK


if __name__ == "__main__":
    guarded(main)()
