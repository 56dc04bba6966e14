#!/usr/bin/env bash
# The whole cycle with one command, from any folder: sets up .venv when needed, then runs the eight stages.
#
#   bash scripts/run_alignment_cycle.sh [up to 17 positional arguments]    an empty one means its default
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
bash "$root/scripts/setup.sh"
exec "$root/.venv/bin/ainl-align" run --positional "$@"
