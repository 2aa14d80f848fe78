# make table1   run the main suite; the leaderboard is in runs/table1
# make test     run all tests
# make check    lint, format, types
# make results  run all suites into results/, the committed reference runs; two and a half hours
# make weights  train the networks whose weights come along; three quarters of an hour
# make figures  draw the figures of docs from results/ and these weights
# make bench    print speed ratios: against loops, plain torch, benchopt, Dask
#
# Each makes its virtual environment (VENV, default .venv) if there is none.

PYTHON ?= python3
VENV ?= .venv
BENCHMARKS = methods sparse networks images table1 against_benchopt workers growth
SUITES = table1 signals speech-smoke images32 noise2noise strided deconvolution system-function ablation
WEIGHTS = icnn-report icnn-report-3e-4 icnn shrinknet shrinknet-sparse resnet resnet-subsample-4

.PHONY: table1 test check results weights figures bench clean

table1: $(VENV)/installed
	$(VENV)/bin/sigbench run table1

test: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

results: $(VENV)/installed-dev
	for suite in $(SUITES); do $(VENV)/bin/sigbench run $$suite -o results/$$suite -j 1 || exit; done

weights: $(VENV)/installed-dev
	for name in $(WEIGHTS); do $(VENV)/bin/sigbench train $$name --force \
		-o sigbench/networks/pretrained/$$name.safetensors || exit; done

figures: $(VENV)/installed-dev
	$(VENV)/bin/python docs/draw.py

bench: $(VENV)/installed-dev
	$(VENV)/bin/python -m pip install --quiet -e '.[bench]'
	for name in $(BENCHMARKS); do $(VENV)/bin/python benchmarks/$$name.py || exit; done

$(VENV)/installed: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
