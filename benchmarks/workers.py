"""One and two worker processes, and Dask: a compute-bound suite, and many tiny cells.

Each ``sigbench run`` is a new process with a new folder; medians, repeats interleaved. All values must
be bit-identical. The Dask scheduler and workers run only during their own measurement.
Needs ``pip install 'sigbench[dask]'``.
"""

import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from distributed import Client

REPEATS = 3
# Iterations and the limit of Table 1, about 20 s for one worker; and nearly empty cells.
BOUND = ["table1", "-m", "l1-printed", "gmc-printed", "wavelet-tuned", "--items", "1000"]
BOUND += ["--seeds", ",".join(map(str, range(1, 25)))]
TINY = [str(Path(__file__).parent / "three.toml"), "--items", "1", "--seeds"]
FEW, MANY = ([*TINY, ",".join(map(str, range(1, seeds + 1)))] for seeds in (10, 110))
MORE_CELLS = 4 * 100
COLUMNS = ["problem", "seed", "method", "metric", "item", "value"]


def run(options, out):
    """Return the seconds of a run and its values."""
    command = [sys.executable, "-m", "sigbench", "run", *options, "-o", str(out), "--quiet"]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    cells = pd.concat(pd.read_parquet(p, columns=COLUMNS) for p in (out / "cells").iterdir())
    cells = cells.astype({"method": str, "metric": str, "problem": str})
    return seconds, cells.sort_values(COLUMNS[:5], ignore_index=True)


@contextmanager
def cluster(folder):
    """Start a Dask scheduler and two workers; yield the address."""
    file = folder / "scheduler.json"
    parts = [
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        ["dask_worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"],
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *options, "--scheduler-file", file],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for name, *options in parts
    ]
    try:
        while not file.exists():
            time.sleep(0.1)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2)
            address = client.scheduler.address.removeprefix("tcp://")
        yield address
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        file.unlink()


def main():
    """Time all executors and print seconds and ratios."""
    works = (BOUND, FEW, MANY)
    seconds = {name: ([], [], []) for name in ("-j 1", "-j 2", "dask, 2 workers")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, number = [None] * len(works), itertools.count()

        def measure(place, *options):
            for kind, work in enumerate(works):
                out = folder / f"run-{next(number)}"
                took, values = run([*work, *options], out)
                seconds[place][kind].append(took)
                truth[kind] = values if truth[kind] is None else truth[kind]
                pd.testing.assert_frame_equal(values, truth[kind], check_exact=True)

        for _ in range(REPEATS):
            measure("-j 1", "-j", "1")
            measure("-j 2", "-j", "2")
            with cluster(folder) as address:
                measure("dask, 2 workers", "--executor", f"dask://{address}")
    print(f"New processes, medians of {REPEATS}.\n")
    print("| | compute-bound, s | speedup over -j 1 | additional empty cell, ms |")
    print("| --- | ---: | ---: | ---: |")
    alone = statistics.median(seconds["-j 1"][0])
    for place, took in seconds.items():
        bound, few, many = map(statistics.median, took)
        print(
            f"| {place} | {bound:.2f} | {alone / bound:.2f} | {(many - few) / MORE_CELLS * 1e3:.1f} |"
        )


if __name__ == "__main__":
    main()
