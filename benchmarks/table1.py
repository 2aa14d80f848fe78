"""Table 1 without its networks: ``sigbench run table1`` against a plain script of loops.

Both run in new processes. Each draws its own signals, so their results must agree within sampling
error.
"""

import csv
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sigbench import load
from sigbench.core.protocols import info_of

HERE = Path(__file__).parent
TARGET = 10
# The rows of the plain script: all but the networks, which it would have to train.
ROWS = [m.name for m in load("table1").methods if info_of(m.entry).family != "network"]
PLAIN = [sys.executable, str(HERE / "plain_table1.py")]


def timed(*command):
    """Return the seconds of a process and its output."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def sigbench():
    """Return the seconds of a run into a new folder, and mean and half width of every row."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = ("-m", "sigbench", "run", "table1", "-o", str(out), "--quiet", "-m", *ROWS)
        seconds, _ = timed(sys.executable, *command)
        with open(out / "leaderboard.csv", newline="") as file:
            board = [row for row in csv.DictReader(file) if row["metric"] == "psnr_table1"]
    figures = {}
    for row in board:
        mean, low, high = (float(row[key]) for key in ("mean", "ci_low", "ci_high"))
        figures[row["method"]] = mean, (high - low) / 2
    return seconds, figures


def plain(*options):
    """Return the same for the plain script."""
    seconds, text = timed(*PLAIN, *options)
    figures = {}
    for line in text.splitlines()[2:]:
        name, psnr = (cell.strip() for cell in line.split("|")[1:3])
        mean, half = map(float, psnr.split(" ± "))
        figures[name] = mean, half
    return seconds, figures


def main():
    """Time both and compare their results."""
    runs = [sigbench() for _ in range(3)]
    ours, figures = statistics.median(seconds for seconds, _ in runs), runs[0][1]
    print(f"| | seconds | ratio to sigbench | target {TARGET} |")
    print("| --- | ---: | ---: | --- |")
    print(f"| sigbench run table1, median of 3 | {ours:.2f} | 1 | |", flush=True)
    for name, options in (
        ("plain script, L1 and GMC tuned with closed forms", ["--closed"]),
        ("plain script, L1 and GMC tuned by iteration", []),
    ):
        seconds, theirs = plain(*options)
        assert theirs.keys() == figures.keys()
        for row, (mean, half) in theirs.items():
            allowed = 2 * math.hypot(half, figures[row][1])  # twice the 95 % interval
            assert abs(mean - figures[row][0]) < allowed, (row, mean, figures[row])
        reached = "reached" if seconds / ours >= TARGET else "not reached"
        print(f"| {name} | {seconds:.1f} | {seconds / ours:.1f} | {reached} |", flush=True)


if __name__ == "__main__":
    main()
