.PHONY: setup check test test-slow fuzz bench

setup:
	bash scripts/setup.sh dev

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test:
	bash scripts/test.sh

test-slow:
	bash scripts/test.sh -m slow

fuzz: setup
	.venv/bin/python -m tests.decoding.fuzz --json build/fuzz.json --cases build/fuzz-cases

bench: setup
	@for script in $(sort $(wildcard benchmarks/*.py)); do echo "== $$script"; .venv/bin/python "$$script" || exit 1; done
