.PHONY: setup check test test-slow fuzz bench results hostile fuzz-input audit release chaos

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

hostile: setup
	.venv/bin/python -m tests.hostile
	.venv/bin/python -m tests.hostile --trace

fuzz-input: setup
	.venv/bin/python -m tests.fuzz_input

# Strict: a package that cannot be looked up fails it, so that no advisory is taken for none.
audit:
	python3 -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit==2.10.1
	build/audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r constraints.txt

release:
	bash scripts/release.sh

chaos: setup
	PYTHONPATH=src .venv/bin/python -m tests.chaos --json build/chaos.json
	PYTHONPATH=src .venv/bin/python -m tests.chaos --training 20 --json build/chaos-training.json
	PYTHONPATH=src .venv/bin/python -m tests.chaos --together

# The page docs/results/README.md, its plots and the shipped adapter's card, from the JSON files there.
results: setup
	.venv/bin/python benchmarks/results.py

# Those that need no adapter, no rows and no GPU named.
bench: setup
	@for script in $(addprefix benchmarks/,constraint.py decode.py gate.py soak.py tasks.py train_cpu.py); do echo "== $$script"; .venv/bin/python "$$script" || exit 1; done
