# make run    the emulator with this repository's functions
# make test   every test but the slow ones; make test-long: those: random calls, every age of the SDK
# make check  lint and tests: all that continuous integration asks for, but make test-long
# make bench  the figures of docs/benchmarks.md, measured here; make bench-long: those that take long
# make package FUNCTION=getDailyRetain   that function in build/, ready to be uploaded
# make lock   newer versions of everything into requirements.lock

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

# Programs are started by the hundred here: where this is set, each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-long check lint generate bench bench-long lock package

run: .venv/emulator
	@exec $(BIN)/cloud-openapi serve

test: .venv/dev tests/node/node_modules
	$(BIN)/pytest --numprocesses auto

test-long: .venv/dev tests/node/node_modules
	$(BIN)/pytest -m slow --numprocesses auto

# What it needs first, and then both at once.
check: .venv/dev tests/node/node_modules
	@$(MAKE) --no-print-directory --jobs=2 lint test

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/generate.py --check

generate: .venv/dev
	$(BIN)/python scripts/generate.py

bench: .venv/dev
	$(BIN)/python -m scripts.bench

bench-long: .venv/dev
	$(BIN)/python -m scripts.bench --long

lock: .venv/dev
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --upgrade --all-extras \
		--no-emit-package cloud-openapi --no-annotate --output-file requirements.lock pyproject.toml

# The tests that need Node.js skip by name where it is missing, and so does this.
tests/node/node_modules: tests/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: tests of Node.js clients will be skipped"; exit 0; }; \
		npm ci --silent --prefix tests/node && touch $@

# A function with the package and what it needs, ready to be uploaded: make package FUNCTION=…
package: .venv/emulator
	@test -n "$(FUNCTION)" -a -d "functions/$(FUNCTION)" || { echo "make package FUNCTION=getDailyRetain" >&2; exit 2; }
	rm -rf build/$(FUNCTION) build/wheels
	mkdir -p build
	cp -R functions/$(FUNCTION) build/$(FUNCTION)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheels .
	$(PIP) --target build/$(FUNCTION) --platform manylinux2014_x86_64 --python-version 3.10 \
		--only-binary=:all: "$$(echo build/wheels/*.whl)[gateway]"

# A stamp for each set of dependencies, made anew when what it was made of changes.
.venv/emulator .venv/dev: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
		"Python 3.10 or newer is needed: make PYTHON=python3.12 run")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && $(PYTHON) -m venv .venv; } || \
		{ rm -rf .venv; echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@# uv takes seconds for what takes pip a minute; pip alone does it too, as with an index that only pip knows.
	$(PIP) uv && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python \
		--constraint requirements.lock --editable '.[$(@F)]' || $(PIP) --editable '.[$(@F)]'
	@touch $@
