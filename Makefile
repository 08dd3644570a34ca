# `make run` is all that a new machine needs: Python 3.11 or newer, and make.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The newest Python of 3.11 or above that has venv; `make PYTHON=/path/to/python setup` overrides the choice.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	"$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; \
	done)

.PHONY: help setup setup-dev run test bench bench-quick spec fuzz lint format words lock clean
.DEFAULT_GOAL := help

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Install Baton and its locked dependencies into .venv

setup-dev: $(READY_DEV) ## The same, and what tests and checks need

$(READY): requirements.lock requirements.in pyproject.toml hatch_build.py
	@if [ -z "$(PYTHON)" ]; then \
		echo "Baton needs Python 3.11 or newer with its venv module, and found none." >&2; \
		echo "Install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python)" >&2; \
		echo "or name one: make setup PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	@"$(BIN)/python" -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { rm -rf "$(VENV)" && "$(PYTHON)" -m venv "$(VENV)"; }
	@echo "Installing Baton's dependencies …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-build-isolation --no-deps --no-index -e .
	@touch "$@"

$(READY_DEV): $(READY) requirements-dev.lock
	@echo "Installing what tests and checks need …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch "$@"

run: setup ## Start Baton with a demo organization
	@exec "$(BIN)/baton" up --demo --data "$${BATON_DATA:-$(CURDIR)/.baton}"

test: setup-dev ## Run the tests
	@"$(BIN)/python" -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

spec: setup-dev ## Run the tests and write docs/spec.md: which test proves which line
	@BATON_SPEC=1 "$(BIN)/python" -m pytest -q -n auto --maxprocesses 4 --dist loadfile $(ARGS)

bench: setup-dev ## Measure every path beside its limit with a million leads (LINES="move list": some lines; ARGS)
	@"$(BIN)/python" -m bench $(LINES) $(ARGS)

bench-quick: setup-dev ## The same with 50,000 leads, one second a side
	@"$(BIN)/python" -m bench $(LINES) --leads 50000 --seconds 1 $(ARGS)

fuzz: setup-dev ## Try everything that the OpenAPI document says, for ten minutes (ARGS="--max-time 1200 --seed 7")
	@"$(BIN)/python" -m tests.doors.fuzz $(ARGS)

lint: setup-dev ## Check style, types and the direction of imports
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check .
	@"$(BIN)/mypy"
	@"$(BIN)/lint-imports" --no-logo

format: setup-dev ## Lay the code out
	@"$(BIN)/ruff" check --fix-only --quiet .
	@"$(BIN)/ruff" format .

words: setup-dev ## Put new words of the interface into every catalog of src/baton/ui/locale
	@"$(BIN)/python" -m tests.ui.catalogs

lock: ## Resolve requirements*.in into requirements*.lock (needs uv; UPGRADE=--upgrade takes newer versions)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" $(UPGRADE) requirements.in -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" $(UPGRADE) requirements-dev.in -o requirements-dev.lock

clean: ## Remove the environment and caches; data stays
	rm -rf "$(VENV)" .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
