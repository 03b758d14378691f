# make run    the emulator with this repository's functions
# make test   every test
# make check  all that continuous integration asks for
# make bench  the figures of docs/benchmarks.md, measured here
# make lock   newer versions of everything into requirements.lock

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.PHONY: run test check lint generate bench lock

run: .venv/emulator
	@exec $(BIN)/cloud-openapi serve

test: .venv/dev
	$(BIN)/pytest

check: lint test

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/generate.py --check

generate: .venv/dev
	$(BIN)/python scripts/generate.py

bench: .venv/dev
	$(PIP) --editable '.[dev,bench]'
	$(BIN)/python scripts/bench.py

lock: .venv/dev
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --upgrade --all-extras \
		--no-emit-package cloud-openapi --no-annotate --output-file requirements.lock pyproject.toml

# A stamp for each set of dependencies, made anew when what it was made of changes.
.venv/emulator .venv/dev: pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12 run")'
	$(PIP) --editable '.[$(@F)]'
	@touch $@
