"""The cost of isolation: runs of this version against those of an earlier checkout, in turns.

``python benchmarks/isolation.py [CHECKOUT]``; without a checkout only this version is timed. The
values of both must be equal to the bit.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPEATS = 5
METHODS = 100
OWN = "def {name}(noisy): return {factor} * noisy\n"
TORCH = """
import torch

def {name}(noisy): return ({factor} * torch.from_numpy(noisy)).numpy()
"""


def own(count, template):
    """Return the modules of a suite of users' functions, and the arguments that add them."""
    names = [f"f{i}" for i in range(count)]
    code = "".join(template.format(name=name, factor=i / count) for i, name in enumerate(names))
    run = ["table1", "--items", "100", "--seeds", "1", "-m", "noisy"]
    return {"own.py": code}, [*run, *(f"own:{name}" for name in names)]


TASKS = {
    "table1, 100 items, none own": ({}, ["table1", "--items", "100"]),
    f"{METHODS} own functions": own(METHODS, OWN),
    "10 own functions of torch": own(10, TORCH),
}


def timed(checkout, modules, arguments, jobs):
    """Return the seconds of a run, its number of cells, and its values."""
    with tempfile.TemporaryDirectory() as folder:
        for name, code in modules.items():
            (Path(folder) / name).write_text(code)
        command = [sys.executable, "-m", "sigbench", "run", *arguments, "-j", str(jobs), "--quiet"]
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "-o", "run"], cwd=folder, env=environment, check=True, capture_output=True
        )
        seconds = time.perf_counter() - start
        with open(Path(folder) / "run/leaderboard.csv", newline="") as file:
            board = [(row["method"], row["metric"], row["mean"]) for row in csv.DictReader(file)]
    return seconds, int(done.stderr.split()[0]), board  # "78 cells run: run"


def main():
    """Time every task on one and two workers."""
    checkouts = {"this version": HERE, **{name: Path(name) for name in sys.argv[1:2]}}
    for task, (modules, arguments) in TASKS.items():
        for jobs in (1, 2):
            times = {name: [] for name in checkouts}
            boards = []
            for _ in range(REPEATS):
                for name, checkout in checkouts.items():
                    seconds, cells, board = timed(checkout, modules, arguments, jobs)
                    times[name].append(seconds)
                    boards.append(board)
            assert all(board == boards[0] for board in boards)
            least = {name: min(found) for name, found in times.items()}  # other work disturbs
            first = least.pop("this version")
            text = f"{task}, -j {jobs}: {first:.2f} s"
            for before in least.values():
                extra = 1000 * (first - before) / cells
                text += (
                    f", before {before:.2f} s, ratio {first / before:.2f}, {extra:+.1f} ms per cell"
                )
            print(text, flush=True)


if __name__ == "__main__":
    main()
