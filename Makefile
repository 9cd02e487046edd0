# make reproduce   run the notebooks into figures/, then the report of every table and figure
# make check       the fast loop: lint, types, and the tests that are not slow
# make test        the notebooks with small parameters, then all tests
# make lab         open JupyterLab on 00_start_here, in copies of the notebooks in work/
# make slides      slides of the notebooks 00 and 05, build/slides/*.html
# make docs        the documentation site, build/docs/index.html; notebooks with outputs once they ran
# make workflow    install Snakemake into build/workflow-venv (workflow/README.md)
# make clean       remove what these commands made (not data/, runs/ and work/)
#
# Every target first makes .venv with the exact versions of requirements.lock, whose files pip checks
# by their hashes. torch comes first and apart, as its build (CPU, CUDA) depends on the system.
PYTHON ?= python3
PROFILE ?= default
JOBS ?= 2
BIN := .venv/bin
SLOW := browser faults fuzz notebooks workflow
LOCK := --quiet --universal --python-version 3.11.0 --generate-hashes --no-annotate --no-header

.PHONY: reproduce check lint types test lab slides docs clean lock install workflow
.DEFAULT_GOAL := reproduce

install: .venv/installed

.venv/installed: requirements.lock requirements-torch.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dkg needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-torch.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

reproduce: install
	$(BIN)/dkg reproduce --profile $(PROFILE) --jobs $(JOBS)
	$(BIN)/dkg report

check: lint types
	$(BIN)/python -m pytest --quiet --numprocesses $(JOBS) --dist loadfile -m "not slow" $(SLOW:%=--ignore=tests/%)

lint: install
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports --no-logo

types: install
	$(BIN)/mypy

# The first run leaves the records and the executed copies that tests/notebooks/ looks at.
test: install
	rm -rf build/notebooks build/figures build/nbval
	DKG_OUTPUT=$(CURDIR)/build/figures $(BIN)/dkg reproduce --profile smoke --jobs $(JOBS)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile
	$(BIN)/dkg reproduce --profile smoke --prepare build/notebooks
	DKG_OUTPUT=$(CURDIR)/build/nbval $(BIN)/python -m pytest --nbval-lax --nbval-cell-timeout 240 build/notebooks notebooks/exercises/solutions

# SCRIPTS is a folder beside the slides with copies of the libraries (docs/teaching.md).
slides: install
	$(BIN)/dkg reproduce --profile $(PROFILE) --jobs $(JOBS) --resume 00 05
	$(BIN)/python tools/slides.py 00_start_here 05_classical_attacks $(if $(SCRIPTS),--scripts $(SCRIPTS))

lab: install
	$(BIN)/python tools/work_copies.py
	$(BIN)/jupyter lab work/00_start_here.ipynb

# Warnings are errors, so that no link breaks unnoticed. docs/reference/ holds a stub for each module.
docs: install
	rm -rf docs/reference
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs -d build/docs-pages . build/docs
	@echo $(CURDIR)/build/docs/index.html

workflow: build/workflow-venv/installed

build/workflow-venv/installed: workflow/requirements.lock
	test -x build/workflow-venv/bin/python || $(PYTHON) -m venv build/workflow-venv
	build/workflow-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r workflow/requirements.lock
	touch $@

# Resolve the newest versions that pyproject.toml allows into requirements.lock, for every system and
# Python from 3.11.0 on, and those of Snakemake into workflow/requirements.lock.
lock:
	test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet uv; }
	echo "# Exact versions and hashes, made by 'make lock' from pyproject.toml." > build/requirements.lock
	build/lock/bin/uv pip compile $(LOCK) --constraints requirements-torch.lock --no-emit-package torch \
	  --all-extras pyproject.toml >> build/requirements.lock
	echo "# Snakemake and its plugin for Slurm, exact versions and hashes, made by 'make lock'." > build/workflow.lock
	build/lock/bin/uv pip compile $(LOCK) workflow/requirements.in >> build/workflow.lock
	mv build/requirements.lock requirements.lock
	mv build/workflow.lock workflow/requirements.lock

clean:
	rm -rf .venv .*_cache build docs/reference figures/executed figures/results figures/report figures/grid figures/*.png figures/*.svg
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
