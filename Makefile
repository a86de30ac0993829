# The two commands are `make demo` and `make test`; `make help` lists the others.
# Environments are made on first use and kept: from then on everything here works offline.

PYTHON ?= python3
# Test processes: a number, or auto for one a core.
JOBS ?= auto

BIN := .venv/bin
PYTEST := -m pytest --numprocesses=$(JOBS)
# The constraint files that the environment at hand depends on.
PINNED = $(patsubst %,-c %,$(filter constraints/%,$^))
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test format format-check lint types layers unit test-lowest lowest \
        fuzz golden bench-inspect bench-check bench-lock bench-trust bench-sum bench-table pins clean

help: ## List the targets
	@grep -E '^[a-z-]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/:.* ## /\t/' | expand -t 16
	@echo "Another interpreter: make clean, then make PYTHON=python3.12 demo"

demo: .venv/installed ## Inspect the sample bundle
	$(BIN)/onnxtool inspect samples/words-tdt/joint.onnx
	$(BIN)/onnxtool inspect samples/words-tdt

test: format-check lint types layers unit test-lowest ## Run every check

format: .venv/installed ## Format the code, and mend what ruff can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

format-check: .venv/installed ## Is the code formatted?
	$(BIN)/ruff format --check .

lint: .venv/installed ## Check the style
	$(BIN)/ruff check .

types: .venv/installed ## Check the types
	$(BIN)/mypy

layers: .venv/installed ## Check who imports whom
	$(BIN)/lint-imports

unit: .venv/installed ## Run the tests
	$(BIN)/python $(PYTEST)

# The oldest versions have no wheels for Python 3.14.
test-lowest: ## Run the tests with the oldest dependencies
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 14))'; then \
	  echo "test-lowest: skipped, the oldest dependencies need Python 3.13 or older"; \
	else \
	  $(MAKE) --no-print-directory lowest; \
	fi

# What users see, and what is written, depend little on the versions; both legs together stay quick.
# Of the hostile files, one of the three reports is enough to see that they are still read alike.
lowest: .venv-lowest/installed
	.venv-lowest/bin/python $(PYTEST) --ignore=tests/golden --ignore=tests/hostile/test_written.py \
	  --deselect=tests/hostile/test_hostile.py::test_text --deselect=tests/hostile/test_hostile.py::test_check

ROUNDS ?= 10
fuzz: .venv/installed ## Run the property tests with other examples than ever (ROUNDS=10)
	for round in $$(seq $(ROUNDS)); do \
	  $(BIN)/python $(PYTEST) --quiet --hypothesis-profile=others tests/property || exit; \
	done

golden: .venv/installed ## Accept what users see now as what they should see, and write docs/rules/
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/golden

bench-inspect: .venv-benchmarks/installed ## Measure `inspect` against its peers (FOLDER=...)
	.venv-benchmarks/bin/python -m benchmarks.inspect $(FOLDER)

bench-check: .venv/installed ## Measure the static rules of `check` (FOLDER=...)
	$(BIN)/python -m benchmarks.check $(FOLDER)

bench-lock: .venv/installed ## Measure `manifest` and `repack` against sha256sum (FOLDER=...)
	$(BIN)/python -m benchmarks.lock $(FOLDER)

bench-trust: .venv/installed ## Can `bench` be trusted? An hour on a quiet machine
	$(BIN)/python -m benchmarks.bench same
	$(BIN)/python -m benchmarks.bench slower
	$(BIN)/python -m benchmarks.bench bare

bench-sum: .venv/installed ## Is an utterance the sum of its parts? (FOLDER=... MANIFEST=...)
	$(BIN)/python -m benchmarks.bench sum $(FOLDER) $(if $(MANIFEST),--on $(MANIFEST))

bench-table: .venv/installed ## Print the latency table of the README (FOLDER=...)
	$(BIN)/python -m benchmarks.bench table samples/words-tdt $(FOLDER)

pins: ## Renew constraints/dev.txt with the newest versions
	$(PYTHON) -m venv --clear .venv-pins
	.venv-pins/bin/pip install --quiet hatchling editables
	.venv-pins/bin/pip install --quiet --no-build-isolation --editable '.[dev]'
	{ grep '^#' constraints/dev.txt; .venv-pins/bin/pip freeze --exclude-editable; } > .venv-pins/dev.txt
	mv .venv-pins/dev.txt constraints/dev.txt
	rm -rf .venv-pins

clean: ## Remove the environments and everything that was generated
	rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# Environments. pip runs again only when pyproject.toml or the constraints change. hatchling comes first
# because it builds the package, and a build of pip's own would use a version that nobody has pinned.
%/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "onnxtool needs Python 3.11 or later, and $(PYTHON) is not; try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	$(PYTHON) -m venv --clear $*

.venv/installed: EXTRA := dev
.venv-lowest/installed: EXTRA := test
.venv-benchmarks/installed: EXTRA := benchmarks
.venv/installed .venv-benchmarks/installed: constraints/dev.txt
.venv-lowest/installed: constraints/lowest.txt
.venv-benchmarks/installed: constraints/benchmarks.txt
.venv/installed .venv-lowest/installed .venv-benchmarks/installed: %/installed: pyproject.toml | %/pyvenv.cfg
	$*/bin/pip install --quiet $(PINNED) hatchling editables
	$*/bin/pip install --quiet $(PINNED) --no-build-isolation --editable '.[$(EXTRA)]'
	@touch $@
