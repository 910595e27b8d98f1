# Needs make and Python 3.11 or newer; everything else comes into .venv. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help up demo down reset status test poison rfq-races lint format bench chaos crashpoints money-properties screenshots lock venv venv-dev
MAKEFLAGS += --no-print-directory

# Name another Python with `make PYTHON=/path/to/python …`. The first that runs and is new enough is taken.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; done)
VENV := .venv/bin/python
DEVSTACK := $(VENV) -m wildrydes.devstack
PIP_TOOLS := pip-tools==7.6.2
COMPILE := $(VENV) -m piptools compile --quiet --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
  --no-header --annotation-style=line
# Checks load the settings but reach no server.
CHECK_ENV := ENVIRONMENT=development SECRET_KEY=check FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
  DATABASE_URL=postgres://check@127.0.0.1:1/check REDIS_URL=redis://127.0.0.1:1/0
BENCHMARKS := $(patsubst bench/%.py,%,$(filter-out bench/_%,$(wildcard bench/*.py)))
TEST_WORKERS ?= 2
KILLS ?= 60
SEED ?= 1
FAULTS ?= 0
STEPS ?= 100000

help: ## What there is to do
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

up: venv ## Start everything, book a ride for each demonstration tenant, serve until Ctrl-C
	@$(DEVSTACK) up

demo: venv ## The same, but end when the job is done: exit 0, or 1 and the reason
	@$(DEVSTACK) demo

down: venv ## End everything that `make up` started, also what a killed one left behind
	@$(DEVSTACK) down

reset: venv ## End everything and remove its data
	@$(DEVSTACK) reset

status: venv ## What runs
	@$(DEVSTACK) status

test: venv-dev ## All tests (one file: make test TESTS=tests/embedded)
	@$(VENV) -m pytest -n $(TEST_WORKERS) --dist loadgroup $(TESTS)

poison: venv-dev ## 1,000 poison messages of ten kinds among good ones, on real workers (minutes)
	@POISON=1000 $(VENV) -m pytest -s --timeout 3600 tests/messaging/processes/test_poison.py tests/messaging/processes/test_crashes.py

rfq-races: venv-dev ## Accept, withdraw, answer and close at the same moment, 1,000 times each (minutes)
	@RFQ_RACES=1000 $(VENV) -m pytest -s --timeout 3600 tests/rfq/test_races.py

screenshots: venv-dev ## Photograph the console's pages for the guides (needs Chromium)
	@SCREENSHOTS=docs/images $(VENV) -m pytest -q tests/console/browser

lint: venv-dev ## Style, types, import contract, migrations, compose file
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(CHECK_ENV) $(VENV) -m mypy
	$(VENV) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@$(CHECK_ENV) $(VENV) -W ignore manage.py makemigrations --check --dry-run
	$(if $(wildcard docker-compose.yml),$(VENV) -m check_jsonschema --builtin-schema vendor.compose-spec docker-compose.yml)

format: venv-dev ## Put the code in order
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

bench: $(addprefix bench-,$(BENCHMARKS)) ## All benchmarks; results go to bench/results

bench-%: venv-dev ## One benchmark: make bench-api
	$(VENV) -m bench.$*

chaos: venv ## Kill everything under load and judge the promises: make chaos KILLS=60 SEED=1
	@$(VENV) -m chaos run --kills $(KILLS) --seed $(SEED) --faults $(FAULTS)

crashpoints: venv-dev ## Let a process die at every point of a ride; print how each ended
	@$(VENV) -m tests.crashpoints

money-properties: venv-dev ## Whatever happens in whatever order, the books balance: make money-properties STEPS=100000
	@MONEY_STEPS=$(STEPS) $(VENV) -m pytest -q -s --timeout 7200 tests/payments/ledger/test_properties.py

lock: venv-dev ## Pin the requirements anew after a change of requirements*.in
	@$(VENV) -m pip install --quiet $(PIP_TOOLS)
	$(COMPILE) -o requirements.txt requirements.in
	$(COMPILE) -o requirements-dev.txt requirements-dev.in

venv venv-dev:
	@$(if $(PYTHON),,echo "make: no Python 3.11 or newer found: install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1)
	@$(PYTHON) tools/venv.py $(if $(filter venv-dev,$@),dev,run)
