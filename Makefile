# `make help` lists what there is to do. Everything is installed into .venv and build/; nothing else is touched.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := -I -m pip install --quiet --disable-pip-version-check --require-hashes -r
# A stamp that carries the requirements' checksum: a changed pin installs again, anything else does not.
INSTALLED := .venv/.installed-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)
# The demo needs only what the action itself needs, which installs in seconds.
DEMO := build/demo-venv
DEMO_INSTALLED := $(DEMO)/.installed-$(shell cksum <requirements.txt | cut -d' ' -f1)
# ministack wants an older botocore than ours.
GROUND := build/ground-venv
GROUND_INSTALLED := $(GROUND)/.installed-$(shell cksum <tests/ground/requirements.txt | cut -d' ' -f1)
TOOLS := build/tools-venv
# mutmut runs in an environment that sees .venv, and has the rest of what it needs for itself.
MUTATION := build/mutation-venv
MUTATION_INSTALLED := $(MUTATION)/.installed-$(shell cksum <tests/mutants/requirements.txt | cut -d' ' -f1)
KILLED_PERCENT ?= 70
IMAGE ?= deploy-coordinator:local
PYTEST_ARGS ?= -n auto
SCHEDULES ?= 2000
SEED ?= 1
UPLOT ?= 1.6.32
ENGINE = $$(tests/e2e/engine/start)
# A client without buildx must be told to use the engine's own builder.
BUILD = if ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi; docker build --network host

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: venv
venv: $(INSTALLED) ## Install what development needs into .venv

$(INSTALLED):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found; install one or set PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) requirements-dev.txt
	@rm -f .venv/.installed-*
	@touch $@

.PHONY: ground
ground: $(GROUND_INSTALLED) ## Install the emulator of AWS; tests that need it are skipped without it

$(GROUND_INSTALLED):
	@rm -rf $(GROUND); mkdir -p $(GROUND); \
	if { $(PYTHON) -m venv $(GROUND) && $(GROUND)/bin/python $(PIP) tests/ground/requirements.txt; } \
		>build/ground-venv.log 2>&1; then touch $@; \
	else rm -rf $(GROUND); echo "ministack is not installed: $$(grep ERROR build/ground-venv.log | tail -n 1)" >&2; fi

.PHONY: tools
tools: ## Install the real tools (aws, sam, sceptre, cdk, serverless) for `pytest --real-tools`; needs npm
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -I -m pip install --quiet --disable-pip-version-check -r tests/ground/tools.txt
	npm install --silent --no-fund --no-audit --ignore-scripts --prefix build/tools-node \
		$$(sed -n 's/^#npm //p' tests/ground/tools.txt)

.PHONY: test
test: $(INSTALLED) ground ## Run all tests (PYTEST_ARGS="-n auto")
	# Each worker, and each process of the action that a test starts, would compile every module anew.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: mutants
mutants: $(INSTALLED) $(MUTATION_INSTALLED) ## Change the pure decisions in each way mutmut knows; tests must notice (KILLED_PERCENT=70)
	@if [ ! -x $(MUTATION)/bin/mutmut ]; then echo "Skipped: mutmut is not installed (see build/mutation-venv.log)."; \
	else rm -rf mutants && $(MUTATION)/bin/mutmut run && $(MUTATION)/bin/mutmut export-cicd-stats && \
		$(BIN)/python -m tests.mutants.killed_share mutants/mutmut-cicd-stats.json $(KILLED_PERCENT); fi

$(MUTATION_INSTALLED):
	@rm -rf $(MUTATION); mkdir -p build; \
	if { $(BIN)/python -m venv $(MUTATION) && $(MUTATION)/bin/python $(PIP) tests/mutants/requirements.txt && \
		$(BIN)/python -c 'import site; print(*site.getsitepackages())' >"$$(echo $(MUTATION)/lib/python3.*/site-packages)/dev.pth"; } \
		>build/mutation-venv.log 2>&1; then touch $@; \
	else rm -rf $(MUTATION); echo "mutmut is not installed: $$(grep ERROR build/mutation-venv.log | tail -n 1)" >&2; fi

.PHONY: pictures
pictures: $(INSTALLED) ## Draw all pictures of the README anew, from real runs (needs node, npm, Chromium and fonts with emoji)
	$(BIN)/python -m tests.pages.pictures docs/images
	$(BIN)/python demo/picture.py docs/images/demo.svg

.PHONY: simulate
simulate: $(INSTALLED) ## Play the lock in virtual time (SCHEDULES=2000 SEED=1; TRACE=1 replays one seed)
	@$(BIN)/python -m tests.simulation.simulate --schedules $(SCHEDULES) --seed $(SEED) $(if $(TRACE),--trace)

.PHONY: lint
lint: $(INSTALLED) ## Run all linters and type checks
	@bash .ci/run lint

.PHONY: docs
docs: $(INSTALLED) ## Bring the generated parts of README and docs/ up to date
	@$(BIN)/python -m tools.reference

.PHONY: demo
demo: $(DEMO_INSTALLED) ## Show three deployments that contend for one stack; needs nothing but Python
	@$(DEMO)/bin/python demo/run.py

$(DEMO_INSTALLED):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found; install one or set PYTHON=..." >&2; exit 1; }
	test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) requirements.txt
	@rm -f $(DEMO)/.installed-*
	@touch $@

.PHONY: engine
engine: ## Start a container engine if none runs, and give it the base image
	@set -e; export $(ENGINE); tests/e2e/engine/base-image; echo "export DOCKER_HOST=$$DOCKER_HOST"

.PHONY: image
image: ## Build the container image (IMAGE=deploy-coordinator:local)
	@set -e; export $(ENGINE); tests/e2e/engine/base-image; $(BUILD) --tag $(IMAGE) .

.PHONY: benchmark
benchmark: $(INSTALLED) ground image ## Measure step overhead, import time, image size and what waiting costs
	@set -e; export $(ENGINE); \
	$(BIN)/python benchmarks/step_overhead.py --checkout; \
	$(BIN)/python benchmarks/steps.py; \
	$(BIN)/python benchmarks/image_size.py $(IMAGE); \
	$(BIN)/python benchmarks/waiting.py

.PHONY: vendor
vendor: ## Renew the dashboard's chart library (UPLOT=1.6.32); needs npm
	@.ci/vendor $(UPLOT)

.PHONY: clean
clean: ## Remove what was installed and built here
	rm -rf .venv build
