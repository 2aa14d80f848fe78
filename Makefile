# make table1   run the main suite; the leaderboard is in runs/table1
# make test     run all tests but the floors, on all cores
# make floors   check that the suites' methods are as good as tests/floors requires
# make coverage run all tests but the floors and print the lines and branches that none reaches
# make fuzz     read damaged and hostile files for FUZZ_MINUTES, from FUZZ_SEED; failing cases are in .fuzz
# make check    lint, format, types
# make results  run all suites into results/, the committed reference runs; four hours (fetches nothing:
#               bias-free and speech need bsd400, bsd68, fsdd and esc10, see sigbench data)
# make weights  train the networks whose weights are shipped; six hours (needs flite, espeak-ng, and the
#               datasets bsd400, fsdd and esc10)
# make figures  draw the figures of docs from results/ and these weights (needs Debian's chromium)
# make docs     build the documentation site in build/docs (offline, warnings are errors) and check its links
# make bench    print speed ratios: against loops, plain torch, benchopt, Dask
# make kills    kill commands at random moments and check that nothing is lost; half an hour
#               (KILLS=300 SEED=1; Linux only)
#
# Each makes its virtual environment (VENV, default .venv) if there is none.

PYTHON ?= python3
VENV ?= .venv
FUZZ_MINUTES ?= 30
FUZZ_SEED ?= 0
PARALLEL = -n logical --dist worksteal
BENCHMARKS = methods sparse networks images speech table1 against_benchopt workers growth isolation
SUITES = table1 signals speech-smoke images32 noise2noise strided deconvolution system-function ablation \
	bias-free noise-tracking estimate-noise speech
WEIGHTS = icnn-report icnn-report-he icnn-report-3e-4 icnn shrinknet shrinknet-sparse resnet resnet-subsample-4 \
	speech-8k speech-8k-causal speech-8k-noisy speech-16k speech-16k-causal icnn-speech
ANALYZED = unet-0-100 unet-0-10 dncnn-0-100 unet-bias-0-100 "gaussian-blur[width=1]" \
	"sliding-dct[threshold_over_sigma=3.6,sigma=given]" \
	"wavelet[wavelet=haar,level=3,shrink=hard,scale=0.7,sigma=given]"

.PHONY: table1 test floors coverage fuzz kills check results weights figures docs bench clean

table1: $(VENV)/installed
	$(VENV)/bin/sigbench run table1

test: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest $(PARALLEL)

floors: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest tests/floors  # a suite uses all cores itself

coverage: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest $(PARALLEL) --cov

fuzz: $(VENV)/installed-dev
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(VENV)/bin/python -m fuzz --minutes $(FUZZ_MINUTES) --seed $(FUZZ_SEED)

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

results: $(VENV)/installed-dev
	for suite in $(SUITES); do $(VENV)/bin/sigbench run $$suite -o results/$$suite -j 1 || exit; done
	$(VENV)/bin/sigbench analyze jacobian bias-free -m $(ANALYZED) --items 10 \
		-o results/effective-dimension

weights: $(VENV)/installed-dev runs/speech-synthesis
	for name in $(WEIGHTS); do $(VENV)/bin/sigbench train $$name --force \
		-o sigbench/networks/pretrained/$$name.safetensors || exit; done
	for net in dncnn unet; do for kind in "" ",bias=true"; do for to in 10 55 100; do \
		name=$$net$${kind:+-bias}-0-$$to; noise="gaussian[sigma=0,sigma_to=$$to]"; \
		$(VENV)/bin/sigbench train --force -o sigbench/networks/pretrained/$$name.safetensors \
		"$$net[name=$$name,network=$$net[center=true$$kind],degradation=$$noise,limit=sliding-dct]" \
		|| exit; done; done; done

figures: $(VENV)/installed-dev
	$(VENV)/bin/python docs/draw.py
	$(VENV)/bin/python docs/screenshot.py

docs: $(VENV)/installed-docs
	rm -rf build/docs build/doctrees  # links of unchanged pages may lead elsewhere now
	$(VENV)/bin/python -m sphinx -W --keep-going -n -q -j auto -c docs -d build/doctrees . build/docs
	$(VENV)/bin/python docs/check_site.py build/docs
	@echo 'the site is in build/docs: open build/docs/index.html'

runs/speech-synthesis: | $(VENV)/installed  # needs flite and espeak-ng
	$(VENV)/bin/python datasets/speech-synthesis/make.py $@ --clips 4000 --seed 1

bench: $(VENV)/installed-dev
	$(VENV)/bin/python -m pip install --quiet -e '.[bench]'
	for name in $(BENCHMARKS); do $(VENV)/bin/python benchmarks/$$name.py || exit; done

KILLS ?= 300
SEED ?= 1
kills: $(VENV)/installed-dev
	$(VENV)/bin/python benchmarks/kills.py --kills $(KILLS) --seed $(SEED)

$(VENV)/installed: pyproject.toml
	@echo "installing sigbench into $(VENV) (about 600 MB)"
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet -e .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e '.[dev]'
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) build dist docs/reference .mypy_cache .pytest_cache .ruff_cache
