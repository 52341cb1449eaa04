# `make demo` shows the suite at work, `make test` is what CI runs; `make help` lists the rest.
# Another interpreter: make PYTHON=python3.12. Installed with uv: make UV=uv.

PYTHON ?= python3
VENV ?= .venv
UV ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
GIGABYTES := 8
# Peers lie in a folder of their own over the environment: what they need is there, and the suite's
# own environment stays free of them.
PEERS ?= .peers

ifdef UV
PIP := $(UV) pip install --quiet --python $(BIN)/python
else
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

COMMA := ,
SPACE := $(subst ,, )
DEMO := $(addprefix demo/,spoken_digits_ctc language_names spoken_words digits)

# Where there is a CUDA device, jobs take turns on it; else each takes one core.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
JOBS ?= $(shell test $(CORES) -lt 8 && echo $(CORES) || echo 8)
ifneq ($(wildcard /dev/nvidiactl),)
PLACE := hardware=auto
else
PLACE := hardware=cpu_single hydra/launcher=joblib hydra.launcher.n_jobs=$(JOBS)
endif

.PHONY: demo test test-browser chromium lint docs docs-serve references benchmark benchmark-control \
  clean lock audit help
.DEFAULT_GOAL := help

demo: $(STAMP)  ## train all tasks with two backbones and two optimizers each; 5 minutes on two cores
	$(BIN)/triathlon -m experiment=$(subst $(SPACE),$(COMMA),$(DEMO)) backbone=mlp,lstm optimizer=adamw,muon \
	  sweep.on_change=new $(PLACE)
	$(BIN)/triathlon report
	@echo "Browse all runs in MLflow: $(BIN)/triathlon ui"

test: lint  ## lint, types, import contracts, all tests without a browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=$(CORES) --dist=loadfile --no-loadscope-reorder -m 'not browser'

test-browser: $(STAMP) chromium  ## drive headless Chromium; installs Debian's where it is missing (as root)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/browser

chromium:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null \
	  || { apt-get update -q && apt-get install -q -y --no-install-recommends chromium chromium-driver; }

lint: $(STAMP)  ## format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## build the documentation into site/, without a network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html"

docs-serve: $(STAMP)  ## show the documentation on 127.0.0.1:8000, anew with every change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr 127.0.0.1:8000

references: $(STAMP)  ## write docs/references.md anew from conf/data
	$(BIN)/triathlon references --markdown > docs/references.md

benchmark: $(PEERS)/.installed  ## the suite beside Lightning, transformers and accelerate; 45 minutes
	PYTHONPATH=$(PEERS) $(BIN)/python -m benchmarks.peers --to results/benchmarks

benchmark-control: $(PEERS)/.installed  ## control beside stable-baselines3; 15 minutes of one core
	PYTHONPATH=$(PEERS) $(BIN)/python -m benchmarks.control --to results/control

clean:  ## remove the environment and caches; results stay
	rm -rf $(VENV) $(PEERS) .audit build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

lock:  ## write requirements.lock anew (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	uv pip compile pyproject.toml --extra synth --group dev --universal --python-version 3.11 \
	  --upgrade --generate-hashes --no-annotate --no-header --no-emit-index-url --quiet \
	  --output-file requirements.tmp
	{ head -n 1 requirements.lock; cat requirements.tmp; } > requirements.new
	mv requirements.new requirements.lock; rm requirements.tmp

audit:  ## look for known weaknesses of what requirements.lock names (needs a network)
	@test -x .audit/bin/pip-audit || { $(PYTHON) -m venv .audit && .audit/bin/python -m pip install --quiet 'pip-audit>=2.7,<3'; }
	.audit/bin/pip-audit --require-hashes --disable-pip --requirement requirements.lock

$(PEERS)/.installed: $(STAMP)
	$(PIP) --no-deps --target $(PEERS) 'lightning>=2.6,<2.7' 'pytorch-lightning>=2.6,<2.7' \
	  'lightning-utilities>=0.15,<0.16' 'accelerate>=1.15,<2' 'stable-baselines3>=2.9,<3'
	@touch $@

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*## /make \1: /p' Makefile

$(STAMP): pyproject.toml requirements.lock
	@command -v $(PYTHON) >/dev/null \
	  || { echo "make: $(PYTHON) is missing: install Python 3.11 or newer, or name one: make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: $(PYTHON) is $$($(PYTHON) -V): 3.11 or newer is needed, name one: make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "make: $(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -c 'import shutil, sys; sys.exit(shutil.disk_usage(".").free < $(GIGABYTES)e9)' \
	  || { echo "make: less than $(GIGABYTES) GB are free here, and the environment takes 6.5: free some, or make VENV=/elsewhere"; exit 1; }
	@echo "Installing into $(VENV) (6.5 GB, some minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -n "$(UV)" || $(PIP) 'pip>=25.1'
	@$(PIP) --require-hashes --requirement requirements.lock \
	  || echo "requirements.lock does not suit this machine: taking what pyproject.toml allows"
	@$(PIP) --editable '.[synth]' --group dev
	@touch $@
