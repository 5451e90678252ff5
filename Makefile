# make serve   the service, on the bundled checkpoints
# make test    the tests
# make lint    format, lint, types, import contracts, Dockerfiles
#
# Each sets .venv up first, and touches the network only when pyproject.toml or constraints.txt
# has changed since. Settings are the environment's MADEIRA_*: `make serve MADEIRA_PORT=9000`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt
USED := serve,train,report,tune
ARGS ?=
WORKERS ?= auto
PYTEST = $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile \
	--durations 10 --durations-min 2

TYPED := madeira benchmarks tests checkpoints docs

.DEFAULT_GOAL := help
.PHONY: help setup serve test test-lowest coverage lint format bench bench-setup bench-likelihood likelihood-images likelihood-others chaos fuzz fuzz-api fuzz-bytes fuzz-http docs docs-site examples test-pythons checkpoints trace

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 6

# ---------------------------------------------------------------- set-up

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Madeira needs Python 3.11 or newer, and '$(PYTHON)' is not." \
			"Name one that is: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "'$(PYTHON)' cannot create a virtual environment; some systems package the module" \
			"venv apart (Debian: python3-venv)." >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing into $(VENV): minutes the first time, seconds after a change"
	@$(PIP) --editable '.[$(USED)]'
	@echo "Compiling the kernels: half a minute"
	@$(BIN)/python -m madeira.models.inference
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing into $(VENV) with the development extras: minutes the first time, seconds after a change"
	@$(PIP) --editable '.[dev]'
	@echo "Compiling the kernels: half a minute"
	@$(BIN)/python -m madeira.models.inference
	@touch $(VENV)/.runtime $@

$(VENV)/.docs: $(VENV)/.dev
	@echo "Installing what builds the documentation site"
	@$(PIP) --editable '.[dev,docs]'
	@touch $@

setup: $(VENV)/.dev

# ---------------------------------------------------------------- the service

serve: $(VENV)/.runtime
	@exec $(BIN)/madeira serve $(ARGS)

checkpoints: $(VENV)/.dev
	$(BIN)/python -m checkpoints.build $(ARGS)

# ---------------------------------------------------------------- the house

test: $(VENV)/.dev
	$(PYTEST) $(ARGS)

# The densities with the lowest versions that pyproject.toml admits, in an environment of their own.
test-lowest: .bench/lowest/.installed
	.bench/lowest/bin/python -m pytest tests/models --ignore tests/models/tuning --numprocesses 2 $(ARGS)

.bench/lowest/.installed: lowest.txt
	$(PYTHON) -m venv .bench/lowest
	.bench/lowest/bin/python -m pip install --disable-pip-version-check -r $<
	@touch $@

# The tests on every Python that is here, each in an environment of its own. With pyenv, name the
# installed ones: `PYENV_VERSION=3.11.7:3.12.1 make test-pythons`.
PYTHONS := 3.11 3.12 3.13

test-pythons:
	@failed=; missing=; for version in $(PYTHONS); do \
		python$$version -c pass 2>/dev/null || { missing="$$missing $$version"; continue; }; \
		echo "== Python $$version"; \
		$(MAKE) test PYTHON=python$$version VENV=.bench/python$$version || failed="$$failed $$version"; \
	done; \
	echo "Pythons that are not here, and were not tested:$${missing:- none}"; \
	echo "Pythons on which tests failed:$${failed:- none}"; [ -z "$$failed" ]

coverage: $(VENV)/.dev
	$(PYTEST) --cov --cov-report term --cov-report html $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED:%=--package %)
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/*.Dockerfile

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev
	@for file in $$(grep -l '__name__ == "__main__"' benchmarks/*.py benchmarks/*/__main__.py); do \
		name=$$(echo $$file | sed 's,benchmarks/,,; s,/__main__,,; s,\.py$$,,'); echo "== $$name"; \
		$(BIN)/python -m benchmarks.$$name --quick $(ARGS) || exit 1; \
	done

# What two cores manage in under two hours, one of them the images and the other everything else;
# what is kept from before is not trained again. The paper's networks of 8,000 units are left out.
OTHER_SETS := adult connect4 dna_made mushrooms nips ocr_letters web
OF_IMAGES := madeira FVSBN "mixture of Bernoullis, 32" "mixture of Bernoullis"

bench-likelihood: $(VENV)/.dev
	$(MAKE) --jobs 2 likelihood-images likelihood-others
	$(BIN)/python -m benchmarks.likelihood binarized_mnist --models $(OF_IMAGES) $(ARGS)

likelihood-images: $(VENV)/.dev
	$(BIN)/python -m benchmarks.likelihood binarized_mnist --threads 1 --models $(OF_IMAGES) $(ARGS)

likelihood-others: $(VENV)/.dev
	$(BIN)/python -m benchmarks.likelihood $(OTHER_SETS) --threads 1 $(ARGS)

# What schemathesis makes up for the running service, at least FUZZ_CASES requests; and inputs that
# nobody would write for all that reads bytes, FUZZ_RUNS of each.
FUZZ_CASES := 20000
FUZZ_RUNS := 100000

fuzz: fuzz-api fuzz-bytes fuzz-http

fuzz-api: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz.api --cases $(FUZZ_CASES) $(ARGS)

fuzz-bytes: $(VENV)/.dev
	@for name in json arrow csv_body ndjson parquet_body arrow_file npy form csv json_file compressed workbook parquet schema notation; do \
		echo "Fuzzing $$name"; $(BIN)/python -m tests.fuzz.bytes $$name $(FUZZ_RUNS) || exit 1; \
	done

fuzz-http: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz.http --cases $(FUZZ_RUNS) $(ARGS)

# The way of one request through the files of the service, call by call; ARGS=--summary counts only.
trace: $(VENV)/.dev
	@$(BIN)/python -m tests.trace $(ARGS)

chaos: $(VENV)/.dev
	$(BIN)/python -m benchmarks.chaos $(ARGS)

# What the benchmarks compare with, each group in an environment of its own: their requirements
# contradict each other and ours.
PEERS := $(patsubst benchmarks/peers/%.txt,.bench/%/.installed,$(wildcard benchmarks/peers/*.txt))

bench-setup: $(VENV)/.dev $(PEERS)

.bench/%/.installed: benchmarks/peers/%.txt
	@echo "Installing the peers of $*: minutes"
	@$(PYTHON) -m venv .bench/$*
	@.bench/$*/bin/python -m pip install --disable-pip-version-check -qq -r $<
	@touch $@

# ---------------------------------------------------------------- documents

# What in the documents is made from the code.
docs: $(VENV)/.dev
	$(BIN)/python -m docs.build $(ARGS)

# The documentation site, in build/docs-site: a link that leads nowhere fails.
docs-site: $(VENV)/.docs
	$(BIN)/python -m docs.website

# The notebooks, run anew with their outputs kept in them.
examples: $(VENV)/.docs
	$(BIN)/jupyter execute --inplace examples/*.ipynb
