"""Overhead of a run: sigbench and benchopt against a bare script.

All run three methods on 1,000 signals per seed, one cell after the other, and store the results (the
bare script prints them). sigbench also runs with its defaults, one worker per core. It runs the
noisy input as a fourth method and every short call three times; this is included in its time.
Imports are timed in a process that only imports the modules loaded at the end of a command. The
fixed time is that of a run minus its imports and its cells at the cost of an additional one.
Needs ``pip install benchopt``.
"""

import csv
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
METHODS, FEW, MANY, REPEATS = 3, 3, 33, 5
# Run a script or module as ``python`` does, then print the names of all imported modules.
LIST_IMPORTS = """
import atexit, runpy, sys
atexit.register(lambda: print("IMPORTS", *sys.modules, flush=True))
sys.argv = sys.argv[1:]
if sys.argv[0] == "-m":
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
else:
    sys.path.insert(0, str(__import__("pathlib").Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
"""
IMPORT = """
import importlib, sys
for name in sys.argv[1].split():
    try:
        importlib.import_module(name)
    except ImportError:  # created dynamically, as benchopt does for its own files
        pass
"""


def bare(seeds, folder):
    """Return a command and a function that returns its RMSE by method."""

    def read(text):
        return {name: float(value) for name, value in map(str.split, text.splitlines())}

    return [str(HERE / "bare.py"), str(seeds)], read


def sigbench(seeds, folder, *options):
    """Return command and reader of ``sigbench run``."""
    numbers = ",".join(map(str, range(1, seeds + 1)))
    out = folder / "run"

    def read(_):
        with open(out / "leaderboard.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] == "rmse"]
        return {row["method"]: float(row["mean"]) for row in rows}

    options = [*options, "--seeds", numbers, "-o", str(out), "--quiet"]
    return ["-m", "sigbench", "run", str(HERE / "three.toml"), *options], read


def sigbench_sequential(seeds, folder):
    """Return command and reader of ``sigbench run -j 1``."""
    return sigbench(seeds, folder, "-j", "1")


def benchopt(seeds, folder, *options):
    """Return command and reader of ``benchopt run``."""
    numbers = ",".join(map(str, range(1, seeds + 1)))
    out = folder / "results.parquet"

    def read(_):
        import pandas as pd

        return pd.read_parquet(out).groupby("solver_name")["objective_rmse"].mean().to_dict()

    options = ["-d", f"sparse-spikes[seed=[{numbers}]]", *options]
    options += ["-r", "1", "-j", "1", "--no-plot", "--seed", "0", "--output", str(out)]
    return ["-m", "benchopt", "run", str(HERE / "benchopt_table1"), *options], read


def benchopt_no_cache(seeds, folder):
    """Return command and reader of ``benchopt run --no-cache``."""
    return benchopt(seeds, folder, "--no-cache")


RUNS = {
    "bare script": bare,
    "sigbench run -j 1": sigbench_sequential,
    "sigbench run": sigbench,
    "benchopt run -j 1": benchopt,
    "benchopt run -j 1 --no-cache": benchopt_no_cache,
}


def timed(run, seeds):
    """Return the seconds of one new process and its RMSE by method."""
    with tempfile.TemporaryDirectory() as name:
        command, read = run(seeds, Path(name))
        seconds, text = python(command, Path(name))
        return seconds, read(text)


def python(command, folder):
    """Return the seconds of one new process and its output."""
    environment = {**os.environ, "BENCHOPT_CACHE": str(folder / "cache")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, env=environment
    )
    return time.perf_counter() - start, done.stdout


def medians(seeds):
    """Return the median seconds of every run, repeats interleaved; check that the RMSEs agree."""
    seconds = {name: [] for name in RUNS}
    for _ in range(REPEATS):
        _, truth = timed(bare, seeds)  # also warms the disk cache
        for name, run in RUNS.items():
            took, rmse = timed(run, seeds)
            same = (math.isclose(rmse[m], truth[m], rel_tol=1e-5) for m in truth)  # as printed
            assert all(same), (name, rmse, truth)
            seconds[name].append(took)
    return {name: statistics.median(values) for name, values in seconds.items()}


def imports():
    """Return the median seconds of the imports of every run."""
    seconds = {name: [] for name in RUNS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = {}
        for place, (name, run) in enumerate(RUNS.items()):
            inside = folder / str(place)
            inside.mkdir()
            command, _ = run(1, inside)
            _, text = python(["-c", LIST_IMPORTS, *command], inside)
            (line,) = (line for line in text.splitlines() if line.startswith("IMPORTS "))
            listed[name] = line.removeprefix("IMPORTS ")
        for _ in range(REPEATS):
            for name, modules in listed.items():
                seconds[name].append(python(["-c", IMPORT, modules], folder)[0])
    return {name: statistics.median(values) for name, values in seconds.items()}


def main():
    """Time all runs with few and with many seeds."""
    importing, few, many = imports(), medians(FEW), medians(MANY)
    cells, more = METHODS * FEW, METHODS * (MANY - FEW)
    print(f"New processes, medians of {REPEATS}.\n")
    print(
        f"| | {cells} cells, s | {cells + more} cells, s | additional cell, ms | over bare, ms "
        "| imports, s | fixed, s |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    further = {name: (many[name] - few[name]) / more for name in RUNS}
    for name in RUNS:
        over = further[name] - further["bare script"]
        fixed = few[name] - importing[name] - cells * further[name]
        print(
            f"| {name} | {few[name]:.2f} | {many[name]:.2f} | {further[name] * 1e3:.1f} "
            f"| {over * 1e3:.1f} | {importing[name]:.2f} | {fixed:.2f} |"
        )


if __name__ == "__main__":
    main()
