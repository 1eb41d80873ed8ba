# make run | make desktop | make exporter | make offline | make test | make test-slow | make bench
# make lock | make models CORPORA=folder | make test-gpu | make bench-gpu | make test-cluster
# Needs Python 3.11 or newer and make; everything else goes into .venv.

PORT ?= 8501
# The first Python that is new enough, else any, so that we can say what is wrong with it.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && exit; done; \
	command -v python3 || command -v python)
endif
BIN := .venv/bin
# The slowest tests are listed at the end of every run.
PYTEST := $(BIN)/pytest --durations=25 --durations-min=1

.PHONY: run desktop exporter offline test types scripts pages-and-engine test-slow test-gpu \
	test-cluster bench bench-gpu models lock check-python node chromium headless-shell \
	window-browser clean
.DEFAULT_GOAL := run

run: .venv/run.stamp  ## start the app on http://localhost:8501 (PORT= changes it)
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

desktop: .venv/run.stamp  ## the app in a window of its own, on a free port; its end ends the app
	@exec $(BIN)/python -m engine.hosting.desktop

exporter: .venv/run.stamp  ## what adds models and computes new maps: PyTorch, transformers, UMAP (gigabytes)
	$(BIN)/python -m engine.installing exporter

# For a machine without network: take the folder there, then make run WHEELS=wheels. Nothing is
# installed here, so that INTO= is where packages go and WHEELS= only ever where they come from.
INTO ?= wheels
offline: | check-python  ## every package of the app as files in INTO=wheels
	@test -z "$(WHEELS)" || { echo "Say where the packages go: make offline INTO=$(WHEELS)"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --only-binary=:all: \
	  -d "$(INTO)" -r requirements-host.txt
	@echo "$(INTO): $$(ls "$(INTO)" | wc -l) packages, $$(du -sm "$(INTO)" | cut -f1) MB"

test: .venv/dev.stamp node_modules/installed.stamp chromium  ## everything: style, types, scripts, engine, views, pages, browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory scripts
	@# Types are checked beside the tests: both must be well, whichever ends first.
	@$(MAKE) --no-print-directory -j2 types pages-and-engine
	@# Journeys alone get one more try, alone: one may wait too long while four browsers run.
	$(PYTEST) -n auto tests/browser || { \
	  echo "Tried again, one by one, are the journeys that failed beside the others:"; \
	  $(PYTEST) -v -rp tests/browser --last-failed --last-failed-no-failures none; }

types:
	$(BIN)/pyright

scripts: node_modules/installed.stamp  ## the components' JavaScript: types and tests
	node_modules/.bin/tsc
	node --test --test-reporter=spec tests/js/*.test.js

pages-and-engine:
	@# A few that fail beside others get one more try, alone: some speak with processes and clocks.
	$(PYTEST) -n auto --ignore=tests/browser || { \
	  $(BIN)/python -c 'import json; raise SystemExit(len(json.load(open(".pytest_cache/v/cache/lastfailed"))) > 5)' && \
	  echo "Tried again, one by one, are the tests that failed beside the others:" && \
	  $(PYTEST) -v -rp --ignore=tests/browser --last-failed --last-failed-no-failures none; }

test-slow: .venv/dev.stamp  ## what takes minutes: the shipped models' whole making, once
	$(PYTEST) -m slow

test-gpu: .venv/dev.stamp  ## what needs a CUDA device
	$(BIN)/pytest -m gpu

test-cluster: .venv/dev.stamp  ## the engine behind Ray Serve: installs Ray, starts a node, breaks it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCK) -r requirements-cluster.txt
	$(PYTEST) -m cluster tests/cluster tests/engine

bench: .venv/dev.stamp  ## speed and memory, compared in one run; BENCH="--only trace" for a part
	$(BIN)/python -m bench.speed --out docs/benchmarks.md $(BENCH)
	@test -n "$(BENCH)" || for part in decoding attention typed space reruns sessions; do \
	  $(BIN)/python -m bench.$$part --out docs/benchmarks.md || exit 1; done
	$(BIN)/python -m bench.picture docs/benchmarks.md

bench-gpu: .venv/dev.stamp  ## the same on a CUDA device, beside PyTorch there
	$(BIN)/python -m bench.gpu --out docs/benchmarks.md $(BENCH)

models: .venv/dev.stamp  ## train the shipped models anew from the texts in CORPORA=; TRAIN="--minutes 5" for a try
	@test -n "$(CORPORA)" || { echo "Say where the texts are: make models CORPORA=folder"; exit 1; }
	$(BIN)/python -m engine.training all --corpora "$(CORPORA)" $(TRAIN)

lock: .venv/dev.stamp  ## pin what is installed: requirements.lock
	$(BIN)/python .ci/lock.py

clean:  ## remove the environment and what was built
	rm -rf .venv build node_modules

# A stamp is newer than the lists it was installed from, so a second run installs nothing.
# The app alone, a hundred and fifty megabytes; with WHEELS= from that folder and from nowhere else.
.venv/run.stamp: requirements-host.txt | check-python
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@echo "Installing the app into .venv (once)"
	@test -z "$(WHEELS)" || test -d "$(WHEELS)" || { echo "There is no folder $(WHEELS)."; exit 1; }
	@$(if $(WHEELS),PIP_NO_INDEX=1 PIP_FIND_LINKS="$(abspath $(WHEELS))") \
	  $(BIN)/python -m engine.installing host >.venv/install.log || { cat .venv/install.log; exit 1; }
	@touch $@

# Development and CI hold to the lock; `make lock` after raising a pin (LOCK= installs without it).
LOCK ?= -c requirements.lock
.venv/dev.stamp: requirements.txt requirements-dev.txt requirements.lock | check-python
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m engine.installing room
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(LOCK) -r requirements-dev.txt
	@touch $@ .venv/run.stamp

node_modules/installed.stamp: package.json package-lock.json | node
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

check-python:
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "Python is missing: install Python 3.11 or newer."; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$("$(PYTHON)" -V 2>&1): install Python 3.11 or newer, or say which: make run PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments: install its venv package (Debian: apt install python3-venv)."; exit 1; }

# An installed Node, else Debian's when we may install it; some bring npm with them.
node:
	@new() { command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; }; \
	new && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq nodejs >/dev/null; \
	  command -v npm >/dev/null || apt-get install -y -qq npm >/dev/null; \
	  new && exit 0; fi; \
	echo "The components' tests need Node 18 or newer with npm: install them (Debian: apt install nodejs npm; elsewhere: nodejs.org)."; exit 1

# An installed Chromium, else Debian's when we may install it, else Playwright's own. Where Debian
# has it, the one without windows, too: journeys are done in three quarters of the time.
chromium: headless-shell

headless-shell: window-browser
	@command -v chromium-headless-shell >/dev/null 2>&1 && exit 0; \
	test "$$(id -u)" = 0 && command -v apt-get >/dev/null || exit 0; \
	apt-cache show chromium-headless-shell >/dev/null 2>&1 || apt-get update -qq; \
	apt-get install -y -qq chromium-headless-shell >/dev/null 2>&1 || true

window-browser: .venv/dev.stamp
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null 2>&1 && exit 0; done; \
	$(BIN)/python -c 'import pathlib; from playwright.sync_api import sync_playwright as start; p = start().start(); there = pathlib.Path(p.chromium.executable_path).exists(); p.stop(); raise SystemExit(not there)' 2>/dev/null && exit 0; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq chromium >/dev/null && command -v chromium >/dev/null && exit 0; fi; \
	$(BIN)/playwright install chromium && exit 0; \
	echo "The browser tests need Chromium: install it (Debian: apt install chromium; elsewhere: $(BIN)/playwright install chromium)."; exit 1
