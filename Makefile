# Every target carries a line of help: `make` alone prints them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
UV := $(shell command -v uv 2>/dev/null || echo $(HOME)/.local/bin/uv)
RUN := $(UV) run --frozen --no-sync
# what hack/ got because the machine lacks it, or has too old a one
export PATH := $(or $(AKS_OPERATOR_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aks-operator)/bin:$(PATH)

.PHONY: help demo test test-az bench clean setup lint type unit contract chart cluster crash e2e crds docs image cluster-up cluster-down

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## From nothing to a page through the load balancer, on kind (again is quick).
	@hack/demo

test: lint type ## Run everything: lint, types, then all tests, those on kind included (CI runs this).
	@hack/tools && hack/kubernetes-build >/dev/null && hack/cluster-up && hack/image-build && hack/install
	@$(RUN) pytest -n 2

test-az: setup ## Run the unmodified Azure CLI, and Azure's Go modules, against the fake cloud (got into the cache).
	@hack/az >/dev/null && { hack/go-acceptance >/dev/null || true; } && $(RUN) pytest -q -n 2 tests/az

bench: setup ## Measure operator, fake cloud, CRDs and image: a line a figure, and bench/results.json. ONLY="shop cloud" for some.
	@hack/kubernetes-build >/dev/null && $(RUN) python -m bench $(ONLY)

clean: ## Remove the kind cluster and what the demo started; the cache and distribution packages stay.
	@hack/cluster-down
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/results.json

setup: ## Install the Python tools and packages into .venv (uv itself too, when missing).
	@command -v $(UV) >/dev/null || hack/get-uv
	@$(UV) sync --frozen --quiet

lint: setup ## Check style, spelling and the layers between the packages.
	@$(RUN) ruff check --quiet . && $(RUN) ruff format --check --quiet . && $(RUN) codespell && $(RUN) lint-imports --no-logo

type: setup ## Check types, tests included.
	@$(RUN) mypy

unit: setup ## Run the unit tests.
	@$(RUN) pytest -q tests/unit

contract: setup ## Run the contract tests: the real Azure SDK against the fake cloud, over TLS.
	@$(RUN) pytest -q tests/contract

chart: setup ## Lint the charts and test what they render.
	@hack/tools && $(RUN) pytest -q tests/chart

cluster: setup ## Run the tests that need an API server: CRDs, CEL, the operator against the fake cloud.
	@hack/kubernetes-build >/dev/null && $(RUN) pytest -q tests/cluster

crash: setup ## Run a shop's life once for every ARM call and fault (some 20 minutes), and 2,200 objects of every shape.
	@hack/kubernetes-build >/dev/null && AKS_OPERATOR_TEST_FAULTS=all AKS_OPERATOR_TEST_FUZZ=2200 $(RUN) pytest -q tests/cluster/test_faults.py tests/cluster/test_fuzz.py

e2e: setup ## Run the end-to-end tests on the demo's kind cluster (they begin by removing the shop from it).
	@hack/cluster-up && hack/image-build && hack/install && $(RUN) pytest -q tests/e2e

crds: setup ## Write the CRDs from the models into crds/ and the chart.
	@$(RUN) aks-operator crds --directory crds && $(RUN) aks-operator crds --directory helm/aks-operator/crds

docs: setup ## Write docs/fidelity.md from the fake cloud's types and notes.
	@$(RUN) fakecloud fidelity > docs/fidelity.md

image: ## Build the image of both commands, and load it into the kind cluster when there is one.
	@hack/image-build

cluster-up: ## Start the kind cluster alone.
	@hack/cluster-up

cluster-down: ## Remove the kind cluster.
	@hack/cluster-down
