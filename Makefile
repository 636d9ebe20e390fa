# Two commands do everything on a bare machine with Python 3.11 to 3.13 and a C++ compiler: make demo, make test.
# (Only the tests need the compiler.)
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test check bench figures fuzz conformance clean

help: ## show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(BIN)/.ready ## environment: locked dependencies and the language model; no compiler needed

dev: $(BIN)/.dev ## the same, and what tests need (fasttext, an oracle, is built from source: C++ compiler)

$(BIN)/.ready: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13)' 2>/dev/null || \
		{ echo "error: $(PYTHON) is not Python 3.11 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "error: $(PYTHON) cannot make environments; install it: apt-get install python3-venv"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) sync --frozen --inexact --quiet --compile-bytecode --no-dev --python $(BIN)/python
	@$(BIN)/python -m compileall -q api pipeline recipes scorers winnow
	@$(BIN)/winnow models pull lid.176 || echo "going on without the language model: winnow models pull lid.176 gets it later"
	@touch $@

$(BIN)/.dev: $(BIN)/.ready
	@command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || \
		{ echo "error: no C++ compiler (the tests' fasttext is built from source); install one: apt-get install g++"; exit 2; }
	@$(BIN)/python -c 'import sysconfig, pathlib; assert (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists()' || \
		{ echo "error: no Python headers (the tests' fasttext is built from source); install them: apt-get install python3-dev"; exit 2; }
	$(UV) sync --frozen --inexact --quiet --compile-bytecode --python $(BIN)/python
	@touch $@

demo: setup ## curate real text of this machine, and show what happened to every document
	$(BIN)/winnow demo

test: dev ## lint, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: dev ## lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fuzz: dev ## the service against its own description: schemathesis, all checks, 500 examples an operation, 20 minutes
	$(BIN)/python -W ignore -m tests.fuzzing --examples 500 --minutes 20

conformance: dev ## agreement with datatrove, side by side (installs it)
	$(UV) sync --frozen --inexact --quiet --group conformance --python $(BIN)/python
	$(BIN)/python -m benchmarks.conformance

bench: setup ## Winnow beside eight peers on one core: tables and pictures in bench/ (installs each into a cache of its own)
	$(BIN)/python -m benchmarks.peers --output bench

figures: dev ## every other figure of benchmarks/README.md; needs the test data
	$(UV) sync --frozen --inexact --quiet --group conformance --python $(BIN)/python
	$(BIN)/python -m benchmarks

clean: ## remove what the demo and the tests made
	rm -rf scorers/kernels/__pycache__ winnow-demo winnow-workspace .pytest_cache .mypy_cache .ruff_cache .hypothesis
