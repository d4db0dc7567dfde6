# make demo: a virtual environment, the demo data, a store built from it, three questions answered.
# make test: the same environment with the test tools, then the whole test suite.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# The versions that were tested together; torch and torchvision belong to each other.
PINNED := torch==2.14.1 torchvision==0.29.1
export HF_HUB_OFFLINE := 1
# threads that wait give their core away: beside other work, training is several times faster so
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo test lint clean

demo: $(VENV)/.demo
	$(PY) -m pipelines.build_kg

test: $(VENV)/.test
	$(PY) -m pytest

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) stores

$(VENV)/.demo: pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "expected Python 3.11 or newer as $(PYTHON): try make PYTHON=python3.11"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || \
		{ echo "python3 -m venv failed: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check $(PINNED)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@
