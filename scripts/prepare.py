#!/usr/bin/env python3
"""Make what a first run would have to make, as setup.sh wants it; wraps ainl_align.training.prepare."""

from ainl_align.cli.boundary import guarded
from ainl_align.errors import ExitCode
from ainl_align.training.prepare import prepare


def main() -> int:
    """The base's weights and the kernels, where they are not there yet."""
    prepare()
    return ExitCode.OK


if __name__ == "__main__":
    guarded(main)()
