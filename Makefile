# make run    run the emulator with this repository's functions
# make test   run all tests except the slow ones
# make test-long   run the slow tests: random calls, versions of wx-server-sdk, generated clients
# make test-browser   run the tests of the console in Chromium, which it installs where apt may
# make check  run lint and tests; continuous integration runs this, make test-browser and make test-long
# make bench  measure the figures of docs/background/benchmarks.md; make bench-long: the slow figures
# make screenshots   take a picture of each page of the console, in build/screenshots ; LANGUAGES="en zh"
# make package FUNCTION=getDailyRetain   the same as cloud-openapi package, in build/
# make lock   update requirements.lock

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

# Two workers more than cores: tests wait for processes. Each worker takes a part in one piece, which it
# shares at the end: what a file sets up is set up once.
PARALLEL = --numprocesses $$($(BIN)/python -c 'import os; print(2 + os.cpu_count())') --dist worksteal

# Only slow tests use it, and each process would load it.
WITHOUT_SCHEMATHESIS := -p no:schemathesis

# Tests and benchmarks start hundreds of programs, and with this variable each one would compile every module.
unexport PYTHONDONTWRITEBYTECODE

# The console's scripts, which git does not have.
VENDOR := cloud_openapi/emulator/console/static/vendor/package-lock.json

.PHONY: run test test-long test-browser check lint generate bench bench-long screenshots lock package

run: .venv/emulator $(VENDOR)
	@exec $(BIN)/cloud-openapi serve

test: .venv/tests tests/node/node_modules $(VENDOR)
	$(BIN)/pytest $(WITHOUT_SCHEMATHESIS) $(PARALLEL)

test-long: .venv/dev tests/node/node_modules $(VENDOR) .venv/servers
	$(BIN)/pytest -m slow -rs $(PARALLEL)

test-browser: .venv/dev tests/node/node_modules $(VENDOR) .venv/chromium
	$(BIN)/pytest tests/browser -m "browser and not slow" -rs $(PARALLEL)

# Lint and tests run in parallel, and both report.
check:
	@$(MAKE) --no-print-directory --jobs=2 --keep-going lint test

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m scripts.generate --check

generate: .venv/dev
	$(BIN)/python -m scripts.generate
	$(BIN)/python -m scripts.picture

screenshots: .venv/dev $(VENDOR) .venv/chromium
	$(BIN)/python -m scripts.screenshots $(LANGUAGES:%=--language %)

bench: .venv/dev
	$(BIN)/python -m scripts.bench

bench-long: .venv/dev
	$(BIN)/python -m scripts.bench --long

lock: .venv/dev
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --upgrade --all-extras \
		--no-emit-package cloud-openapi --no-annotate --output-file requirements.lock pyproject.toml

# Compile the tests and what they import once, before several processes do it at the same time. A
# module that cannot be collected fails again in the tests, which report it.
.venv/tests: .venv/dev
	@$(BIN)/pytest $(WITHOUT_SCHEMATHESIS) --collect-only -qq >$@.log 2>&1; touch $@

# Without npm, the tests of Node.js clients are skipped, and so is this installation.
tests/node/node_modules: tests/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: tests of Node.js clients will be skipped"; exit 0; }; \
		npm ci --silent --prefix tests/node && touch $@

# Without npm, the pages of the console are plain forms and links.
$(VENDOR): scripts/vendor/package-lock.json scripts/vendor/__main__.py
	@$(PYTHON) scripts/vendor && touch -c $@

# Debian's Chromium, with a Chinese font. Where it cannot be installed, the tests in a browser are skipped.
.venv/chromium: | .venv/dev
	@command -v chromium >/dev/null || \
		{ apt-get update && apt-get install --yes --no-install-recommends chromium fonts-wqy-microhei; } >$@.log 2>&1 || \
		{ echo "Chromium is missing, and apt-get cannot install it: tests in a browser will be skipped"; exit 0; }; \
		touch $@

package: .venv/emulator
	@$(BIN)/cloud-openapi package $(or $(FUNCTION),--all) --no-rc

# Debian's servers. Where they cannot be installed, the tests with them are skipped, with their names.
.venv/servers: | .venv/dev
	@{ command -v redis-server && command -v mariadbd && ls /usr/lib/postgresql; } >/dev/null 2>&1 || \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
			redis-server mariadb-server postgresql; } >$@.log 2>&1 || \
		{ echo "redis-server, mariadb-server or postgresql is missing, and apt-get cannot install them:" \
			"tests with them will be skipped"; exit 0; }; \
		touch $@

# One stamp file for each set of dependencies; a change of its prerequisites installs the set again.
.venv/emulator .venv/dev: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and \
		"Python 3.10 or newer is needed: make PYTHON=python3.12 run")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv && $(PYTHON) -m venv .venv; } || \
		{ rm -rf .venv; echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@# uv needs seconds, pip a minute. pip is the fallback, for example for an index that only pip supports.
	$(PIP) uv && $(BIN)/uv pip install --quiet --python $(BIN)/python \
		--constraint requirements.lock --editable '.[$(@F)]' || $(PIP) --editable '.[$(@F)]'
	@touch $@
