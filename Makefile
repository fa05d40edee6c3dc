# Everything a developer types. On a fresh machine: Python 3.11 with venv and pip, make, nothing else.
PYTHON ?= python3
SECONDS_OF_DEMO ?= 40
FUZZ_CASES ?= 20000
MINUTES ?= 60
POWER_CUTS ?= 3000
KILLS ?= 100
SEEDS ?= 20
EVENTS ?= 20
# The peers of tests and benchmarks; nodejs and npm only where there is no npm yet.
PACKAGES := rt-tests gcc libc6-dev libmodbus-dev mbpoll openssl mosquitto nats-server postgresql nginx git
NODE_MIN := 20
BENCHMARKS = $(shell grep -l 'parse_options(question)' bench/*.py)
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help setup demo test check format unit peers bench fuzz retain-campaign campaign soak packages clean ship

help:  ## Show what there is.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

setup: $(INSTALLED)  ## Make the virtual environment .venv with Takt and its tools in it.

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Takt needs Python 3.11 or newer")'
	@echo "Installing Takt and its tools into .venv: some minutes where they are fetched anew"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup  ## Control the two-tank plant over Modbus TCP, with a live view (SECONDS_OF_DEMO).
	$(BIN)/takt demo --seconds $(SECONDS_OF_DEMO)

test: check unit  ## All checks and all tests.

check: setup  ## Lint, format, types, import layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

format: setup  ## Bring the code into the form that `check` wants.
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

peers: tests/peers/node/node_modules/.installed  ## node-opcua and the payloads of Eclipse Tahu, which the tests talk to.

tests/peers/node/node_modules/.installed: tests/peers/node/package.json
	@node -e 'process.exit(parseInt(process.versions.node) < $(NODE_MIN) ? 1 : 0)' || { echo "node-opcua needs Node.js $(NODE_MIN) or newer with npm: run \`make packages\` as root, or install a newer one"; exit 1; }
	cd tests/peers/node && npm install --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error
	touch $@

unit: setup peers  ## The tests, real processes and peers on loopback included, on all processors.
	$(BIN)/pytest --numprocesses auto --dist loadfile

bench: setup  ## All benchmarks, quickly; their peers come by `make packages`.
	@for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python $$file --quick || exit 1; done
	$(BIN)/pytest bench/micro --benchmark-only --override-ini 'addopts=-ra'

retain-campaign: setup  ## Cut the power of the retain store and kill the runtime at random (POWER_CUTS, KILLS).
	TAKT_POWER_CUTS=$(POWER_CUTS) TAKT_KILLS=$(KILLS) TAKT_SEED=$$(date +%s) $(BIN)/pytest -s --timeout 7200 tests/unit/retain/test_power_cut.py tests/system/test_retain_process.py

campaign: setup  ## Stop, kill and freeze brokers, gateway and disk at random (SEEDS, EVENTS).
	TAKT_CAMPAIGN_SEEDS=$(SEEDS) TAKT_CAMPAIGN_EVENTS=$(EVENTS) $(BIN)/pytest -s --timeout 7200 tests/system/test_cloud_campaign.py

fuzz: setup  ## Longer campaigns of generated and broken programs (FUZZ_CASES).
	TAKT_FUZZ_CASES=$(FUZZ_CASES) $(BIN)/pytest -k 'fuzz or generated' --timeout 3600

soak: setup  ## An hour of the demo, watched for lost cycles and growth (MINUTES).
	$(BIN)/python bench/soak.py --minutes $(MINUTES)

ship: setup  ## Make the shipped LLVM text anew, after a change to the scan loops or the library.
	$(BIN)/python -P -m runtime.app.ship

packages:  ## Debian's packages that tests and benchmarks have as peers (as root).
	apt-get update -q
	apt-get install -y -q $(PACKAGES) $$(command -v npm > /dev/null || echo nodejs npm)

clean:  ## Remove what `setup` and the tools made.
	rm -rf .venv tests/peers/node/node_modules build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
