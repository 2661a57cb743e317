# make run    the whole thing on this machine: http://127.0.0.1:8000 (make run ARGS="--port 8123")
# make test   every test, a real browser included
# make lint   style, types, templates
# make bench  every benchmark with its peers, and the table of targets (make bench ARGS="--distributors 20000": smaller)
# make bench-shards  the field on two PostgreSQL servers: the same lists as on one
.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench bench-shards lock
PYTHON ?= python3
# Much of a test's time is waiting: for the database, for a browser, for a process that is to die.
WORKERS ?= 3
ENV := .venv
STAMP := $(ENV)/.installed
MANAGE := $(ENV)/bin/python manage.py

help:
	@sed -n 's/^# //p' Makefile

setup: $(STAMP)

# Reinstalled only when a lock changed.
$(STAMP): requirements-dev.txt
	@PYTHON="$(PYTHON)" .ci/environment.sh $(ENV) requirements-dev.txt
	@touch $@

run: $(STAMP)
	@exec $(MANAGE) up $(ARGS)

test: $(STAMP)
	@browser="$$(.ci/chromium.sh)" && $(MANAGE) catalogues && $(MANAGE) collectstatic --noinput --verbosity 0 && PEP_CHROMIUM="$$browser" $(ENV)/bin/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(STAMP)
	$(ENV)/bin/ruff check .
	$(ENV)/bin/ruff format --check .
	$(ENV)/bin/mypy .
	$(ENV)/bin/djlint --lint --quiet templates
	$(MANAGE) catalogues --check
	$(MANAGE) makemigrations --check --dry-run

bench: $(STAMP)
	@$(ENV)/bin/python benchmarks/_all.py $(ARGS)

bench-shards: $(STAMP)
	@$(ENV)/bin/python benchmarks/shards.py $(ARGS)

# For maintainers, with uv: after changing a dependency in pyproject.toml.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --all-extras --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt
