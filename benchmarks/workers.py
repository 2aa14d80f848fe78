"""One and two worker processes, and Dask: a compute-bound suite, and many tiny cells.

``sigbench run`` into fresh folders, as fresh processes; medians, repeats interleaved. The values
must be the same bit by bit. Needs ``pip install 'sigbench[dask]'``.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from distributed import Client

REPEATS = 3
# What is run: the limit of Table 1 and tuned rows, some seconds a worker; and cells of no work.
BOUND = ["table1", "-m", "l1-printed", "gmc-printed", "wavelet-tuned", "--items", "1000"]
BOUND += ["--seeds", "1,2,3,4,5,6,7,8,9,10,11,12"]
TINY = [str(Path(__file__).parent / "three.toml"), "--items", "1"]
TINY += ["--seeds", ",".join(map(str, range(1, 101)))]
TINY_CELLS = 400
COLUMNS = ["problem", "seed", "method", "metric", "item", "value"]


def run(options, out):
    """Return the seconds of a run, and its values."""
    command = [sys.executable, "-m", "sigbench", "run", *options, "-o", str(out), "--quiet"]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - start
    cells = pd.concat(pd.read_parquet(p, columns=COLUMNS) for p in (out / "cells").iterdir())
    cells = cells.astype({"method": str, "metric": str, "problem": str})
    return seconds, cells.sort_values(COLUMNS[:5], ignore_index=True)


def cluster(folder):
    """Start a Dask scheduler and two workers; return their processes and the address."""
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
    while not file.exists():
        time.sleep(0.1)
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(2)
        return processes, client.scheduler.address.removeprefix("tcp://")


def main():
    """Time all, and print seconds and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        processes, address = cluster(folder)
        try:
            places = {
                "-j 1": ["-j", "1"],
                "-j 2": ["-j", "2"],
                "dask, 2 workers": ["--executor", f"dask://{address}"],
            }
            print(f"Fresh processes, medians of {REPEATS}.\n")
            print(
                f"| | compute-bound, s | -j 1 over it | {TINY_CELLS} cells of no work, s | ms a cell |"
            )
            print("| --- | ---: | ---: | ---: | ---: |")
            seconds = {place: ([], []) for place in places}
            for repeat in range(REPEATS):
                truth = [None, None]
                for place, options in places.items():
                    for kind, work in enumerate((BOUND, TINY)):
                        out = folder / f"{repeat}-{kind}-{place}".replace(" ", "")
                        took, values = run([*work, *options], out)
                        seconds[place][kind].append(took)
                        truth[kind] = values if truth[kind] is None else truth[kind]
                        pd.testing.assert_frame_equal(values, truth[kind], check_exact=True)
            alone = statistics.median(seconds["-j 1"][0])
            for place, (bound, tiny) in seconds.items():
                a, b = statistics.median(bound), statistics.median(tiny)
                print(
                    f"| {place} | {a:.2f} | {alone / a:.2f} | {b:.2f} | {b / TINY_CELLS * 1e3:.1f} |"
                )
        finally:
            for process in processes:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


if __name__ == "__main__":
    main()
