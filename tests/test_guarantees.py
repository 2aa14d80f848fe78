"""Guarantees of a run: the same values on any executor, in any order and after any interruption."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigbench import ExecutorConfig, load, run_suite
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main

METHODS = ["l1-nonneg-tuned", "wavelet-tuned", "affine", "wiener-printed", "sure"]


def values(path):
    row = ["problem", "dataset", "degradation", "seed", "method", "params", "metric", "item"]
    files = sorted((Path(path) / "cells").glob("*.parquet"))
    cells = pd.concat(pd.read_parquet(file) for file in files).astype(dict.fromkeys(row, object))
    assert not cells.duplicated(row).any()
    return cells.set_index(row)[["group", "value", "cell_key"]].astype(object).sort_index()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run in this process; all others must be bit-identical to it."""
    path = tmp_path_factory.mktemp("alone") / "run"
    run_suite(suite(), path)
    return values(path)


def suite(methods=METHODS):
    return load("table1").select(methods=list(methods), seeds=[1, 2], items=600)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_any_number_of_workers_gives_the_same_bits(tmp_path, alone, jobs):
    run_suite(suite(), tmp_path / "run", executor=ExecutorConfig(jobs=jobs))
    pd.testing.assert_frame_equal(values(tmp_path / "run"), alone, check_exact=True)


def test_any_order_of_methods_gives_the_same_bits(tmp_path, alone):
    backwards = suite(METHODS[::-1])
    backwards = dataclasses.replace(backwards, methods=backwards.methods[::-1], seeds=(2, 1))
    run_suite(backwards, tmp_path / "run", executor=ExecutorConfig(jobs=2))
    pd.testing.assert_frame_equal(values(tmp_path / "run"), alone, check_exact=True)


def test_a_dask_cluster_gives_the_same_bits(tmp_path, alone, cluster):
    run_suite(suite(), tmp_path / "run", executor=ExecutorConfig(f"dask://{cluster}"))
    pd.testing.assert_frame_equal(values(tmp_path / "run"), alone, check_exact=True)
    assert pd.read_parquet(tmp_path / "run" / "timings.parquet")["contended"].all()


FAULTY = """
import os, signal
import numpy as np

def raises(noisy): raise ValueError("no good")
def nan(noisy): return np.full_like(noisy, np.nan)
def shape(noisy): return noisy[..., 1:]
def dtype(noisy): return noisy.astype(np.float32)
def spoils(noisy):
    noisy *= 0.5
    return noisy
def hangs(noisy):
    while True: pass
def dies(noisy): os.kill(os.getpid(), signal.SIGKILL)
def leaves(noisy): os._exit(0)
def good(noisy): return 0.5 * noisy
"""
ERRORS = {
    "raises": "ValueError: no good",
    "nan": "BadEstimate: the estimate contains nan in item 0",
    "shape": "BadEstimate: the estimate has shape (1, 1, 99), not (1, 1, 100)",
    "dtype": "BadEstimate: the estimate has dtype float32, not float64",
    "spoils": "BadEstimate: the method changed its input",
    "hangs": "TimeoutError: longer than 10 s",
    "dies": "WorkerDied: ",
    "leaves": "WorkerDied: ",
}
TRACED = ("raises", "nan", "shape", "dtype", "spoils")


@pytest.mark.parametrize("where", ["local", "dask"])
def test_every_fault_is_recorded_and_the_other_methods_run(here, where, request, capsys):
    (here / "faulty.py").write_text(FAULTY)
    run = ["run", "table1", "--items", "5", "--seeds", "1", "--timeout", "10s", "-o", "run"]
    run += ["-m", "noisy", *(f"faulty:{name}" for name in (*ERRORS, "good"))]
    place = ["-j", "2"]
    if where == "dask":
        place = ["--executor", f"dask://{request.getfixturevalue('cluster')}"]
    assert main([*run, *place]) == 1
    err = capsys.readouterr().err
    report = (here / "run/leaderboard.md").read_text()
    records = {f["method"]: f["error"] for f in RunFolder(here / "run").failures()}
    assert set(records) == {f"faulty:{name}" for name in ERRORS}
    log = (here / "run/failures.log").read_text()
    for name, error in ERRORS.items():
        assert records[f"faulty:{name}"].startswith(error)
        assert f"faulty:{name} on sparse-spikes, seed 1\n" in log
        assert f"| faulty:{name} " in report[report.index("## Failed") :]
        assert (f"in {name}\n" in log) == (name == "raises")
    assert log.count("Traceback") >= len(TRACED)
    if where == "local":
        assert "WorkerDied: signal SIGKILL" in records["faulty:dies"]
        assert "WorkerDied: exit code 0" in records["faulty:leaves"]
    assert f"4 cells run, {len(ERRORS)} FAILED (see run/failures.log)" in err
    done = set(values("run").index.get_level_values("method"))
    assert done == {"noisy", "faulty:good", "limit", "limit-samplewise"}


def test_a_cell_whose_worker_dies_is_run_again_twice(here):
    (here / "flaky.py").write_text(
        "import os\n"
        "def f(noisy):\n"
        "    with open('tries', 'a') as file: file.write('x')\n"
        "    if os.path.getsize('tries') < 3: os._exit(1)\n"
        "    return noisy\n"
    )
    run = ["run", "table1", "--items", "5", "--seeds", "1", "-o", "run", "-m", "noisy", "flaky:f"]
    assert main([*run, "-j", "2", "--quiet"]) == 0
    assert not (here / "run/failures.jsonl").exists()


def test_a_learner_is_fitted_once_wherever_its_cells_run(here):
    (here / "learns.py").write_text(
        "import dataclasses\n"
        "import sigbench\n"
        "@dataclasses.dataclass(frozen=True)\n"
        "class Learns:\n"
        "    def fit(self, train, *, rng):\n"
        "        with open('fits', 'a') as file: file.write('x')\n"
        "        return lambda noisy, sigma=None: noisy * 0.5\n"  # sent to the workers by value
    )
    run = ["run", "table1", "--items", "5", "--seeds", "1,2,3,4", "-o", "run"]
    assert main([*run, "-m", "noisy", "learns:Learns", "-j", "2", "--quiet"]) == 0
    assert (here / "fits").read_text() == "x"


SLOW = """
import hashlib, threading

def slow(name):
    def f(noisy):
        with open("log", "a") as log:
            log.write(f"slow:{name} {hashlib.sha256(noisy[0].tobytes()).hexdigest()}\\n")
        threading.Event().wait(0.06)
        return 0.5 * noisy
    return f
a, b, c, d = map(slow, "abcd")
"""


def test_a_run_killed_ten_times_has_the_same_results(here, rng, wait_until):
    (here / "slow.py").write_text(SLOW)
    (here / "log").touch()
    slow = [f"slow:{name}" for name in "abcd"]
    seeds = list(range(12))
    select = ["--items", "20", "--seeds", ",".join(map(str, seeds))]
    select += ["-m", "noisy", "affine", "l1-nonneg-tuned", *slow, "--quiet"]
    (problem,) = load("table1").select(items=20).problems
    seed_of = {
        hashlib.sha256((scale * block.noisy[0]).tobytes()).hexdigest(): seed
        for seed in seeds
        for block in problem.blocks(seed, 500)
        for scale in 1 - np.arange(4) * 2.0**-10  # the passes of a timing get different data
    }
    # Files are combined much more often than usual, so that some runs are killed while doing so.
    script = (
        "import sys; from sigbench.benchmark import run_suite; from sigbench.cli.main import main\n"
        "run_suite.MAX_SMALL_FILES = 3\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "run", "table1", *select, "-j", "2", "-o", "killed"]
    finished, read = set(), 0
    for kill in range(11):
        run = subprocess.Popen(command)
        if kill < 10:
            if kill % 3:  # while computing cells; otherwise at any moment
                wait_until(
                    lambda run=run, read=read: (
                        (here / "log").stat().st_size > read or run.poll() is not None
                    )
                )
                assert run.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(timeout=rng.uniform(0, 0.6))
            run.kill()
        run.wait()
        called = (here / "log").read_text()[read:].splitlines()
        read = (here / "log").stat().st_size
        again = {(m, seed_of[item]) for m, item in map(str.split, called)} & finished
        assert not again, f"finished before and run again: {again}"
        before = len(finished)
        finished = {(m, seed) for _, seed, m in RunFolder(here / "killed").cells.all()}
        assert len(finished) >= before
    assert run.returncode == 0
    assert len(finished) == 12 * 9
    assert main(["run", "table1", *select, "-o", "alone", "-j", "1"]) == 0
    pd.testing.assert_frame_equal(values("killed"), values("alone"), check_exact=True)
