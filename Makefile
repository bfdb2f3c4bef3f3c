# Every target makes the virtual environment first, so `make demo` works on a bare Python.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test soak lint bench docs figures clean

demo: $(VENV)/installed
	$(BIN)/distaff demo

# a process a core, each of one thread: on few cores faster than one process of many threads
test: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report=
	$(BIN)/coverage report

# a hundred trainings killed at random moments, each taken up again and compared to the bit; and
# evaluate, illustrate, report and study, killed and done again
soak: $(VENV)/installed-dev
	DISTAFF_SOAK_KILLS=100 $(BIN)/python -m pytest tests/runs/test_soak.py tests/runs/test_soak_verbs.py

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# turns.py is what the others share (about an hour on two cores; the machine should do nothing else)
bench: $(VENV)/installed-bench
	for script in $(filter-out benchmarks/turns.py,$(wildcard benchmarks/*.py)); do \
	  $(BIN)/python $$script > docs/benchmarks/$$(basename $$script .py).txt || exit 1; done
	cat docs/benchmarks/*.txt

# the site, in build/site; a broken link or a missing reference is an error
docs: $(VENV)/installed-docs
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/python -m mkdocs build --strict --quiet

# rewrites the figures and tables of docs/ from trained runs (about half an hour on two cores)
figures: $(VENV)/installed
	$(BIN)/python docs/make.py
	$(BIN)/python docs/make_metrics.py

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .coverage

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@

$(VENV)/installed-bench: $(VENV)/installed-dev
	$(PIP) install --quiet --constraint constraints.txt --editable ".[bench]"
	touch $@
