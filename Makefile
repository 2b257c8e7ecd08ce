PYTHON ?= python3
PY := .venv/bin/python
.DEFAULT_GOAL := help
SEEDS ?= 500
JOBS ?= 2
SECONDS ?= 600
.PHONY: help demo test check serve build bench soak canaries audit bench-peers fmt lock install install-dev lint types fast docs

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## install, build the web app, load the demo organisation, start the server
	@.venv/bin/huifang demo

test: install-dev ## install what tests need and run every suite
	@$(PY) -m tools.suites

check: install-dev ## lint, types, import rules and fast tests, in under 90 seconds
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target fast types lint

serve: install ## start the server with the settings of the environment
	@.venv/bin/huifang serve

build: install ## build the offline web app
	@.venv/bin/huifang build-web

bench: install-dev ## measure, and write docs/benchmarks.md
	@$(PY) -m bench

bench-peers: install-dev ## measure ours beside the peers that HUIFANG_PEERS names
	@$(PY) -m bench.peers

soak: install-dev ## live SEEDS=n simulated runs from SEED=s on, JOBS=j at a time
	@$(PY) -m tests.sim.soak --seeds $(SEEDS) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

canaries: install-dev ## search every byte sent and stored for SECONDS=s (from SEED=s on)
	@$(PY) -m tests.sim.canaries --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

audit: install-dev ## look the locked packages up in advisories (HUIFANG_ADVISORIES=folder or address)
	@$(PY) -m tools.advisories

fmt: install-dev ## format and sort what ruff can; write the generated docs anew
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .
	@$(PY) -m tools.errors_page
	@$(PY) -m tools.policy_page
	@$(PY) -m tools.logs_page

lock: install-dev ## pin and hash the whole set anew from pyproject.toml
	@$(PY) -m tools.lock

install:
	@$(PYTHON) -m tools.install

install-dev:
	@$(PYTHON) -m tools.install --dev

lint:
	@$(PY) -m ruff check --quiet . && $(PY) -m ruff format --quiet --check . && echo "lint: clean"

types:
	@$(PY) -m mypy

fast:
	@$(PY) -m tools.suites --quick
