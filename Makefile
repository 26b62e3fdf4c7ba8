# `make` alone lists the targets. Nothing asks for input, nothing outside this folder is written but by `test`,
# which installs the Debian packages that its servers come from (as root, where they are missing).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOWEST := .venv-lowest
PIP    := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
UV     := uv==0.13.9
UV_BIN := $(VENV)/.$(subst ==,-,$(UV))/bin

# Twice the processors: half of the time that the tests take is waiting, for servers, limits and disks.
WORKERS ?= $(shell expr 2 \* $$(nproc))

# The build's own needs, as pyproject.toml states them: locked with the rest, so that nothing unpinned is fetched.
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")

# What the tests and the build need, in the versions of requirements-dev.lock.
TEST_PINS := import re, tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
    needed = project["project"]["optional-dependencies"]["test"] + project["build-system"]["requires"]; \
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", open("requirements-dev.lock").read(), re.MULTILINE)); \
    names = [re.match(r"[\w.-]+", one)[0].lower() for one in needed]; \
    print(*(name + "==" + pins[name] for name in names), sep="\n")

# Not run with the lowest versions: what needs servers, Java, the network or the exact Textual of the pictures, and what
# takes long and uses no dependency that the other tests do not use.
NOT_LOWEST := ansible bench demo docs fuzz peers command_line/test_ansible.py command_line/test_verify.py preflight/test_jdbc.py screens/test_dashboard.py \
    screens/test_existing.py screens/test_pictures.py test_readme.py test_release.py test_two_machines.py \
    transaction/test_durability.py transaction/test_faults.py verify/test_real_spark.py

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-lowest lint imports bench bench-peers faults typing fuzz fleet mutants screenshots docs site dist lock lock-lowest bundle clean venv

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.runtime ## a sandbox pair: on a terminal the wizard; else dry run, replay, replay again, roll back
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/python -m screens.demo; else $(BIN)/python -m wizard.demo; fi

test: $(VENV)/.dev ## everything that the tests need, then the tests (T=tests/edit narrows them)
	@.ci/system-packages
	@$(BIN)/python -m tests.support.install_servers
	@$(BIN)/python -m tests.support.install_spark
	$(BIN)/python -m pytest $(if $(T),$(T),-n $(WORKERS) --dist loadfile --ignore=tests/bench)

test-lowest: $(LOWEST)/.tests ## the tests that need no server, with the lowest versions that pyproject.toml allows
	$(LOWEST)/bin/python -m pytest $(if $(T),$(T),-n $(WORKERS) --dist loadfile -m "not servers" \
	    $(addprefix --ignore=tests/,$(NOT_LOWEST)))

lint: $(VENV)/.dev ## ruff (rules and format), mypy --strict, and the rules about imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/python -m tools.imports

imports: $(VENV)/.dev ## the import graph: every file with the files that it imports
	@$(BIN)/python -m tools.imports --graph

bench: $(VENV)/.dev ## the measurements of tests/bench, with their figures printed
	$(BIN)/python -m pytest -s --timeout 0 $(if $(T),$(T),tests/bench/*bench*.py)

screenshots: $(VENV)/.dev ## renew the pictures that the screen tests compare with, and those of the README
	$(BIN)/python -m pytest tests/screens/test_pictures.py tests/screens/test_dashboard.py --snapshot-update
	$(BIN)/python -m tests.support.readme_pictures

docs: $(VENV)/.dev ## renew what the documentation takes from the code, then the site
	$(BIN)/python -m tools.catalogue README.md docs/*.md docs/reference/*.md
	$(BIN)/python -m tools.keys docs/reference/keys.md
	$(BIN)/python -m tools.manual docs/man/apimha-wizard.1
	$(BIN)/apimha-wizard profile schema >docs/reference/profile.schema.json
	_APIMHA_WIZARD_COMPLETE=bash_source $(BIN)/apimha-wizard >docs/completions/bash/apimha-wizard
	_APIMHA_WIZARD_COMPLETE=zsh_source $(BIN)/apimha-wizard >docs/completions/zsh/_apimha-wizard
	_APIMHA_WIZARD_COMPLETE=fish_source $(BIN)/apimha-wizard >docs/completions/fish/apimha-wizard.fish
	@$(MAKE) --no-print-directory site

site: $(VENV)/.dev ## the documentation as a site, in build/site; a warning is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "the site is in build/site: open build/site/index.html"

dist: $(VENV)/.dev ## sdist and wheel, in dist
	@rm -rf build/lib build/bdist.* dist
	SOURCE_DATE_EPOCH=315532800 $(BIN)/python -m build --no-isolation

bundle: dist ## one archive for an installation without a network, in dist: wheels for Linux x86-64 and aarch64
	$(BIN)/python -m tools.bundle dist

bench-peers: $(VENV)/.dev ## the same pair by Ansible, by augeas and by this tool: the table of the README
	@$(BIN)/python -m tests.peers

faults: $(VENV)/.dev ## each file call and statement fails, or is the last before a kill -9 (half an hour)
	FAULTS=1 $(BIN)/python -m pytest -s --timeout 0 tests/transaction/test_faults.py tests/database/test_kill.py

typing: $(VENV)/.dev ## fifty values typed into a real terminal at each speed, on a loaded machine
	APIMHA_TYPING=50 $(BIN)/python -m pytest --timeout 0 tests/screens/test_typing.py

fuzz: $(VENV)/.dev ## hostile input, for APIMHA_FUZZ_SECONDS (600): profiles, packs, scripts, logs, jars
	APIMHA_FUZZ_SECONDS=$${APIMHA_FUZZ_SECONDS:-600} $(BIN)/python -m pytest -s --timeout 0 tests/fuzz

fleet: $(VENV)/.dev ## the Ansible collection: two pairs on four hosts, and the table of 1, 4 and 16 pairs (as root)
	@.ci/system-packages
	$(BIN)/python -m pytest -s --timeout 900 $(if $(T),$(T),$(addprefix tests/ansible/fleet_,pairs.py scale.py))

mutants: $(VENV)/.dev ## does a test fail when the code is changed? N=200 changes (P=edit/xml.py: there alone, SEED=0)
	$(BIN)/python -m tools.mutants $${N:-200} $${P:-} --seed $${SEED:-0}

venv: $(VENV)/.dev ## .venv with all that developing needs, from requirements-dev.lock

lock: $(UV_BIN)/uv ## renew the lock files (from the package index that pip is set up for)
	@$(compile); build=$$($(BIN)/python -c '$(BUILD_REQUIRES)') && \
	echo "$$build" | compile -o requirements.lock && \
	echo "$$build" | compile --extra test --extra lint --extra docs --extra release --extra ansible -c requirements.lock \
	    -o requirements-dev.lock
	@$(MAKE) --no-print-directory lock-lowest

lock-lowest: $(UV_BIN)/uv ## renew requirements-lowest.lock alone: after a lower bound in pyproject.toml has changed
	@$(compile); pins=$$($(BIN)/python -c '$(TEST_PINS)') && \
	echo "$$pins" | compile --resolution lowest-direct -o requirements-lowest.lock

# Write a lock file from pyproject.toml and the requirements on standard input.
define compile
index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PYTHON) -m pip config get global.index-url 2>/dev/null || true)}}; \
[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"; \
compile() { \
    $(UV_BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
        pyproject.toml - "$$@"; \
}
endef

clean: ## remove the environment, caches and what the build left (not the servers in .cache)
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: a stamp for each lock file that was installed ---------------------------------------------

# A moved or upgraded Python leaves a link that leads nowhere: make sees no file, and it is made anew.
$(BIN)/python $(LOWEST)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "apimha-wizard needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)."; \
	    echo "  fix: make PYTHON=/path/to/python3.11"; exit 2; } >&2
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are missing."; \
	    echo "  fix (Debian, Ubuntu): apt-get install python3-venv"; exit 2; } >&2
	@echo "making $(@D:/bin=) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(@D:/bin=)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what requirements.lock names"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q wizard screens
	@touch $@

# What the tests need includes what the program needs, in the same versions: one installation serves both stamps.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what requirements-dev.lock names"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q wizard screens
	@touch $(VENV)/.runtime $@

# Installed from wheels alone: a later Python for which the lowest versions have none gets an error that names them.
$(LOWEST)/.tests: requirements-lowest.lock pyproject.toml | $(LOWEST)/bin/python
	@echo "installing what requirements-lowest.lock names"
	@$(subst $(BIN),$(LOWEST)/bin,$(PIP)) install --only-binary :all: --require-hashes -r requirements-lowest.lock || { \
	    echo "  fix: make test-lowest PYTHON=/path/to/python3.11"; exit 2; } >&2
	@$(subst $(BIN),$(LOWEST)/bin,$(PIP)) install --no-deps --no-build-isolation -e .
	@touch $@

$(UV_BIN)/uv: | $(BIN)/python
	@$(BIN)/python -m venv --clear $(UV_BIN)/..
	@$(UV_BIN)/python -m pip -qq --disable-pip-version-check --no-input install '$(UV)'
