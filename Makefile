# Every target makes the virtual environment if there is none and installs what it needs, once: a stamp in the
# environment says what has been installed, and is out of date when pyproject.toml is newer.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2

comma := ,
empty :=
space := $(empty) $(empty)
PY := $(VENV)/bin/python
installed = $(VENV)/.installed-$(subst $(space),$(comma),$(strip $(1)))
is_recent := -c 'import sys; sys.exit(sys.version_info < (3, 11))'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test notebooks docs golden bench lint format clean distclean

help: ## Say what can be made
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'
	@echo "Settings: PYTHON=$(PYTHON) (3.11 or newer), VENV=$(VENV) (where to install)."

demo: $(call installed,demo) ## Train a small network and draw it
	@$(PY) -m viz.demo $(DEMO_ARGS)

test: $(call installed,test $(EXTRAS)) ## Run the tests; EXTRAS=parity adds those against PyTorch, PYTEST_ARGS="-k name" chooses
	@$(PY) -m pytest -n $(WORKERS) $(PYTEST_ARGS)

notebooks: $(call installed,notebooks) ## Open the notebooks in JupyterLab
	@$(PY) -m jupyterlab notebooks $(NOTEBOOKS_ARGS)

docs: $(call installed,test) ## Write docs/operations.md and the images of docs/pictures.md anew
	@$(PY) -m tests.operations_page
	@$(PY) -m tests.pictures_page

golden: $(call installed,test) ## Write the golden files of the tests anew
	@$(PY) -m tests.test_text_forms
	@$(PY) -m tests.test_explain

bench: $(call installed,bench) ## Time training steps against PyTorch
	@$(PY) -m benchmarks.run $(BENCH_ARGS)

lint: $(call installed,lint) ## Check style, formatting and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

format: $(call installed,lint) ## Mend what the linter can mend
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

clean: ## Remove outputs and caches; the environment stays
	@rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find $(wildcard autograd_core nn optim viz tests benchmarks notebooks) \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

distclean: clean ## Remove the environment as well
	@if [ -f "$(VENV)/pyvenv.cfg" ]; then rm -rf "$(VENV)"; fi

$(VENV)/.installed-%: pyproject.toml $(VENV)/.ready
	@echo "Installing autograd-core[$*] into $(VENV)"
	@$(PY) -m pip install -qq --disable-pip-version-check --editable ".[$*]"
	@touch "$@"

$(VENV)/.ready:
	@if [ ! -x "$(PY)" ]; then \
		"$(PYTHON)" $(is_recent) || { \
			echo "Python 3.11 or newer is needed, and $(PYTHON) is not: $$("$(PYTHON)" --version 2>&1)."; \
			echo "Name another one: make PYTHON=python3.12 ..."; exit 1; }; \
		"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) cannot make virtual environments: its module ensurepip or venv is missing."; \
			echo "Debian and Ubuntu keep them apart: apt install python3-venv. Or name another one: make PYTHON=python3.12 ..."; exit 1; }; \
		echo "Making a virtual environment in $(VENV)"; \
		"$(PYTHON)" -m venv "$(VENV)"; \
	fi
	@$(PY) $(is_recent) || { echo "$(VENV) has $$($(PY) --version); Python 3.11 or newer is needed. Remove it: make distclean"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip >/dev/null
	@touch "$@"
