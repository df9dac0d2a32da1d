# Every target carries a line of help: `make` alone prints them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
UV := $(shell command -v uv 2>/dev/null || echo $(HOME)/.local/bin/uv)
RUN := $(UV) run --frozen --no-sync

.PHONY: help setup lint crds type unit contract chart test

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install the Python tools and packages into .venv (uv itself too, when missing).
	@command -v $(UV) >/dev/null || hack/get-uv
	@$(UV) sync --frozen --quiet

lint: setup ## Check style, spelling and the layers between the packages.
	@$(RUN) ruff check --quiet . && $(RUN) ruff format --check --quiet . && $(RUN) codespell && $(RUN) lint-imports --no-logo

crds: setup ## Write the CRDs from the models into crds/ and the chart.
	@$(RUN) aks-operator crds --directory crds && $(RUN) aks-operator crds --directory helm/aks-operator/crds

type: setup ## Check types, tests included.
	@$(RUN) mypy

unit: setup ## Run the unit tests.
	@$(RUN) pytest -q tests/unit

contract: setup ## Run the contract tests: the real Azure SDK against the fake cloud, over TLS.
	@$(RUN) pytest -q tests/contract

chart: setup ## Lint the charts and test what they render (needs helm).
	@$(RUN) pytest -q tests/chart

test: lint type ## Run everything: lint, types, then all tests (CI runs this).
	@$(RUN) pytest
