# Everything runs inside .venv, which every target below sets up by itself.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= auto
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow check lint type fmt unit fuzz bench kills wheel docs debian clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with predeploy (editable) and the development tools

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "predeploy needs Python 3.11 or newer; set PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(STAMP) ## Judge, build and start the sample app on four platforms
	$(BIN)/predeploy build sample_apps/everywhere

test: $(STAMP) ## Run all tests but the slow ones
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow"

slow: $(STAMP) ## Run the slow tests: indexes out of order, killed runs, a gigabyte of output
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow

unit: $(STAMP) ## Run the unit, contract and command-line tests only (no network, under a minute)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/unit tests/contract tests/cli

fuzz: $(STAMP) ## Try the properties of parsers, trees and secrets on new inputs for MINUTES; .fuzz keeps what fails
	$(BIN)/python tests/fuzz.py --minutes $(MINUTES)

lint: $(STAMP) ## Run ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(STAMP) ## Run mypy in strict mode
	$(BIN)/mypy

check: lint type test ## Lint, types and tests

fmt: $(STAMP) ## Let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP) ## Measure everything against public tools, as ratios; ARGS='--apps flask,django --rounds 5 --json FILE'
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/sandbox.py
	$(BIN)/python benchmarks/bench.py $(ARGS)

kills: $(STAMP) ## Kill N runs at random moments, then look at what is left
	PYTHONPATH=tests $(BIN)/python -m support.killing $(or $(N),100)

wheel: $(STAMP) ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

docs: $(STAMP) ## Write the reference pages from the code and the profiles
	$(BIN)/python docs/generate.py

debian: $(STAMP) ## Fetch the package names of Debian's releases anew, with this machine's apt
	$(BIN)/python scripts/debian_packages.py

clean: ## Remove everything that was generated
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz
