#!/usr/bin/env bash
# Sets up, then checks style, types and behaviour; stops at the first that fails. Arguments go to pytest.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd -- "$root"
bash scripts/setup.sh dev
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
# One test process a core, and one thread in each, so that they do not wait for each other.
OMP_NUM_THREADS=1 exec .venv/bin/python -m pytest -n logical --maxprocesses 8 --dist worksteal "$@"
