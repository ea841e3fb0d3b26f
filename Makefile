# `make demo` and `make test` need Python 3.11 or newer and nothing else: they set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test lint types check bench lock page clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "confide needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup
	$(BIN)/confide run awake-at-three --model local --turns 12 --watch

test: setup
	$(BIN)/python -m pytest -n 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy
	$(BIN)/pyright

check:
	bash .ci/run

# Throughput against a stand-in endpoint, beside others; about 13 minutes. What confide's spine alone costs:
# python -m benchmarks.spine. Runs of 10,000 conversations under kills: python -m benchmarks.throughput.proof.
bench: setup
	$(BIN)/python -m benchmarks.throughput

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra autogen --extra report --group dev pyproject.toml -o requirements.lock

# The viewer's page is committed as it is built: only who changes it needs Node.
page: setup
	cd viewer/page && npm ci --silent
	$(BIN)/python viewer/page/schema.py | (cd viewer/page && npm run --silent types)
	cd viewer/page && npm run --silent check && npm run --silent build

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
