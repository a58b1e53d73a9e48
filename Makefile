# The same commands at home and in CI. Everything lands in .venv; `make clean` removes it all.
SHELL := /bin/bash
VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV   := $(VENV)/.installed-dev

.PHONY: run test test-slow fuzz search check bench clean schema format help

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(STAMP) ## start a cluster, deploy the first example, talk to it
	@tools/setup system
	@$(BIN)/python examples/01-hello/run.py

test: $(DEV) ## set up what is missing and run the whole test suite
	@tools/setup system test
	@$(BIN)/python -m pytest -n auto

test-slow: $(DEV) ## run the tests that take long
	@tools/setup system test
	@$(BIN)/python -m pytest -m slow

SECONDS ?= 300
fuzz: $(DEV) ## feed the API and every decoder with nonsense: make fuzz SECONDS=300
	@PYTHONPATH=src $(BIN)/python -m tests.faults.fuzz --seconds $(SECONDS)

search: $(DEV) ## let hypothesis look for new counterexamples of every law (the suite tries the same ones each time)
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest tests/unit tests/laws

check: $(DEV) ## format, lint, types, import layers
	@$(BIN)/ruff format --check src tests bench examples tools hatch_build.py
	@$(BIN)/ruff check src tests bench examples tools hatch_build.py
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(DEV) ## put the code into the one format
	@$(BIN)/ruff format src tests bench examples tools hatch_build.py
	@$(BIN)/ruff check --fix src tests bench examples tools hatch_build.py

bench: $(DEV) ## measure what the documentation claims
	@tools/setup system bench
	@$(BIN)/python -m bench

schema: $(DEV) ## boil the published OpenAPI definitions down to the file inside the wheel
	@$(BIN)/python hatch_build.py

clean: ## remove everything that the other targets made
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/wherry/api/schema/v1.36*.gz
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml requirements.lock hatch_build.py src/wherry/api/resources.py
	@tools/setup venv $(VENV)
	@touch $@

$(DEV): $(STAMP) requirements-dev.lock
	@tools/setup venv-dev $(VENV)
	@touch $@
