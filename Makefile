# Every target makes the environment that it needs and works alone on a fresh machine.
#   make test | check | scan | bench      PYTHON=python3.12 for another interpreter
#   make scan REFS=outputs.jsonl CORPUS=corpus/

PYTHON ?= python3
REFS   ?= fixtures/references.jsonl
CORPUS ?= fixtures/corpus

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The stages that have kernels: their tests run a second time, interpreted.
KERNEL_STAGES := text sketch match index
KERNEL_TESTS  := $(wildcard $(KERNEL_STAGES:%=tests/%))

.PHONY: test check scan bench clean
.DELETE_ON_ERROR:

# Stamps: .run holds what the program needs, .dev and .bench add to it. A changed pyproject.toml makes all anew.
.venv/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("provscan needs Python 3.11 or newer, but $(PYTHON) is %d.%d; name another one: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv --clear .venv
	$(PIP) --editable .
	@touch $@

.venv/.dev: .venv/.run
	$(PIP) --editable '.[dev]'
	@touch $@

.venv/.bench: .venv/.run
	$(PIP) --editable '.[bench]'
	@touch $@

# numba's cache on disk knows the file of each kernel, not the files of the kernels that it calls: where any has
# changed, all are compiled anew.
build/.kernels: $(wildcard provscan/*/*.py)
	@mkdir -p build
	@find provscan -name '*.nb[ic]' -delete
	@touch $@

# The second run interprets the kernels, so that coverage sees the lines that it cannot see in compiled code, and
# reports on the files that compile something. Interpreted integers warn when they wrap; that is meant.
test: export COVERAGE_FILE = build/.coverage
test: .venv/.dev build/.kernels
	$(BIN)/python -m pytest -q
	@mkdir -p build
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q -W ignore::RuntimeWarning $(KERNEL_TESTS) \
		$(KERNEL_STAGES:%=--cov=provscan.%) --cov-report=
	$(BIN)/python -m coverage report --include="$$(grep -rlE --include='*.py' \
		'(njit|[^a-z]jit|vectorize)\(' $(KERNEL_STAGES:%=provscan/%) | paste -sd, -)"

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

scan: .venv/.run build/.kernels
	rm -rf build/index build/scan
	@mkdir -p build
	$(BIN)/provscan index build $(REFS) -o build/index --store-text
	$(BIN)/provscan scan $(CORPUS) -i build/index -o build/scan

bench: .venv/.bench build/.kernels
	$(BIN)/python benchmarks/speed.py

clean:
	rm -rf .venv build
