"""Kill commands at random moments; check that nothing is lost, changed, refused or left behind.

A third of the kills are in the first 0.1 s. After each, finished cells must have their values, and no
process may be left. After at most five kills the command runs undisturbed: it must succeed, its
results must be those of a command that was never killed, bit for bit, and no temporary file may be
left. Signals other than SIGKILL must end the command with one line and exit code 128 + n.

Usage: ``python benchmarks/kills.py [--kills 300] [--seed 1] [--commands run merge ...]`` on Linux.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sigbench.benchmark.store.cells import read_values
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.cli.main import main as sigbench
from sigbench.core.atomic import UNFINISHED
from sigbench.networks.pretrained.weights import load

EARLY_S = 0.1
MAX_KILLS = 5  # before the command runs undisturbed
PATIENCE_S = 120.0  # for processes to end
OTHERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TINY = str(Path(__file__).resolve().parents[1] / "tests/tiny.toml")
RECIPE = """
{network}
optimizer = "adam[lr=1e-2]"
schedule = "cosine"
batch = 4
steps = 200
engine = "{engine}"
[data]
pairs = 21
validation = 6
{data}
"""
# NumPy is tried on signals, torch on images, which it stores with the channel last.
NETWORKS = {
    "numpy": (
        'network = "shrinknet[width=4,norm=batch]"',
        'dataset = "sparse-spikes"\ndegradation = "gaussian[sigma=3]"\nmetric = "psnr_table1"',
    ),
    "torch": (
        'network = "dncnn[layers=3,width=8]"',
        'dataset = "photos32[grey=true]"\ndegradation = "gaussian[sigma=25]"\nmetric = "psnr"',
    ),
}
FLOORS = """suite = "tiny"
[[floors]]  # a comment
problem = "sparse-spikes"
method = "affine"
metric = "psnr"
"""
# Files are combined, and checkpoints written, more often than usual; imports come after the signals.
OFTEN = """
from sigbench.core import interrupts
interrupts.install()
import sys
from sigbench.cli.main import main
if sys.argv[1] == "run":
    from sigbench.benchmark import run_suite
    run_suite.MAX_SMALL_FILES = 4
if sys.argv[1] == "train":
    from sigbench.networks.training import loop
    loop.SAVE_S = 0.02
sys.exit(main())
"""


def run(folder, seeds):
    """Run the tiny suite, undisturbed."""
    argv = ["run", TINY, "--items", "40", "--seeds", seeds, "--quiet", "-o", folder, "-j", "1"]
    assert sigbench(argv) == 0


def prepare_report():
    """Make a run to report."""
    run("out", "1,2,3")


def prepare_merge():
    """Make two runs to merge."""
    run("a", "1,2,3")
    run("b", "4,5")


def prepare_training(engine):
    """Write the recipe."""
    Path("tiny.toml").write_text(
        RECIPE.format(engine=engine, network=NETWORKS[engine][0], data=NETWORKS[engine][1])
    )


def prepare_update():
    """Make a run, and floors that a link points to."""
    run("out", "1,2")
    Path("floors.toml").write_text(FLOORS)
    Path("link.toml").symlink_to("floors.toml")


def values(folder):
    """Return the values of the finished cells, as bytes."""
    cells = RunFolder(Path(folder)).cells.all()
    ids = sorted(cells)
    found = read_values(cells[i] for i in ids)
    return {i: value.tobytes() for i, value in zip(ids, found, strict=True)}


def files(folder="."):
    """Return the names of all files but those of cells, which are combined at different times."""
    return sorted(
        str(path.relative_to(folder))
        for path in Path(folder).rglob("*")
        if path.suffix != ".parquet" or path.name == "timings.parquet"
    )


def report_results():
    """Return the values, the reports and the names of the files."""
    texts = [Path("out", name).read_text() for name in ("leaderboard.csv", "leaderboard.md")]
    return values("out"), texts, files()


def training_results():
    """Return the weights' digest, the log but its times, and the names of the files."""
    with open("tiny.csv") as file:
        log = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return load(Path("tiny.safetensors")).digest, log, files()


def update_results():
    """Return the floors, the values and the names of the files."""
    assert Path("link.toml").is_symlink()
    return Path("floors.toml").read_text(), values("out"), files()


RUN = ["run", TINY, "--items", "40", "--seeds", "1,2,3,4,5,6", "--quiet", "-o", "out", "-j", "2"]
# What prepares a folder, the command, its results, and the file that shows that it has finished.
COMMANDS = {
    "run": (lambda: None, RUN, lambda: (values("out"), files()), None),
    "report": (prepare_report, ["report", "out"], report_results, None),
    "merge": (
        prepare_merge,
        ["merge", "a", "b", "-o", "out"],
        lambda: ([values(folder) for folder in ("a", "b", "out")], files()),
        "out/manifest.json",
    ),
    "train-numpy": (
        lambda: prepare_training("numpy"),
        ["train", "tiny.toml", "--quiet"],
        training_results,
        "tiny.md",
    ),
    "train-torch": (
        lambda: prepare_training("torch"),
        ["train", "tiny.toml", "--quiet"],
        training_results,
        "tiny.md",
    ),
    "update": (prepare_update, ["check", "out", "link.toml", "--update"], update_results, None),
}


class Harness:
    """Kills of one command."""

    def __init__(self, name, root, rng):
        self.name, self.root, self.rng = name, root, rng
        self.prepare, self.argv, self.results, self.last = COMMANDS[name]
        self.tally, self.problems = Counter(), []
        template = root / "template"
        template.mkdir()
        os.chdir(template)
        self.prepare()
        shutil.copytree(template, root / "whole", symlinks=True)
        os.chdir(root / "whole")
        start = time.perf_counter()
        code, err = self.ended(self.start(early=False))
        self.seconds = time.perf_counter() - start
        assert code == 0, err
        self.expected = self.results()

    def start(self, *, early):
        """Start the command."""
        how = ["-m", "sigbench"] if early else ["-c", OFTEN]
        return subprocess.Popen(
            [sys.executable, *how, *self.argv],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ended(self, process):
        """Return the exit code and standard error; the processes that it has started must end."""
        _, err = process.communicate(timeout=PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while left := processes_of(process.pid):
            if time.monotonic() > deadline:
                self.problem(f"processes {left} are left")
                break
            time.sleep(0.02)
        return process.returncode, err

    def problem(self, text):
        """Record and print a problem."""
        self.problems.append(text)
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def kill(self, early):
        """Kill the command once; return whether it was still running."""
        number = signal.SIGKILL if self.rng.random() < 0.7 else self.rng.choice(OTHERS)
        kill = self.rng.choice([os.kill, os.killpg])
        delay = self.rng.uniform(0, EARLY_S if early else 1.1 * self.seconds)
        before = values("out") if Path("out").exists() else {}
        process = self.start(early=early)
        if number != signal.SIGKILL:  # before that, Python itself answers
            while process.poll() is None and not catches(process.pid, signal.SIGTERM):
                time.sleep(0.001)
        time.sleep(delay)
        running = process.poll() is None
        if running:
            kill(process.pid, number)
        code, err = self.ended(process)
        self.check(code, err, number, running)
        after = values("out") if before else {}
        for cell, value in before.items():
            if after.get(cell) != value:
                self.problem(f"cell {cell} was lost or changed")
        if code == 0:
            self.tally["late"] += 1
            return False
        self.tally["early" if early else "later"] += 1
        self.tally[signal.Signals(number).name] += 1
        return True

    def check(self, code, err, number, running):
        """Check how the command has ended."""
        if code not in ((0, -number) if number == signal.SIGKILL else (0, 128 + number)):
            self.problem(f"{signal.Signals(number).name}: exit code {code}: {err!r}")
        if code and running and number != signal.SIGKILL and err.count("\n") != 1:
            self.problem(f"{signal.Signals(number).name}: standard error is {err!r}")
        if "Traceback" in err or "Exception" in err:
            self.problem(f"{signal.Signals(number).name}: standard error is {err!r}")

    def chain(self, kills):
        """Kill the command some times in one folder, then let it finish; return the kills done."""
        shutil.copytree(self.root / "template", self.root / "killed", symlinks=True)
        os.chdir(self.root / "killed")
        done = 0
        while done < kills and not self.has_finished():
            if not self.kill(early=self.rng.random() < 1 / 3):
                break
            done += 1
        if not self.has_finished():
            code, err = self.ended(self.start(early=True))
            if code != 0:
                self.problem(f"refused after {done} kills: {err!r}")
        if self.results() != self.expected:
            self.problem(f"other results after {done} kills")
        if left := [name for name in files() if name.endswith((UNFINISHED, ".part"))]:
            self.problem(f"left behind: {left}")
        os.chdir(self.root)
        shutil.rmtree(self.root / "killed")
        return done

    def has_finished(self):
        """Return whether the command would be refused, because its results exist."""
        unfinished = list(Path().glob("*.checkpoint.safetensors"))
        return self.last is not None and Path(self.last).exists() and not unfinished


def processes_of(session):
    """Return the processes of a session that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(own) == session and state != "Z":
            found.append(entry.name)
    return found


def catches(process, number):
    """Return whether a process has a handler for a signal."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return False
    (mask,) = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")]
    return bool(mask >> (number - 1) & 1)


def main():
    """Kill the commands in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=300, help="number of kills (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments (default: 1)")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=list(COMMANDS))
    args = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children must not ignore it
    rng = random.Random(args.seed)
    problems = 0
    print(
        "| command | kills | first 0.1 s | later | came too late, not counted | signals | problems |"
    )
    print("| --- | ---: | ---: | ---: | ---: | --- | ---: |")
    for i, name in enumerate(args.commands):
        share = args.kills * (i + 1) // len(args.commands) - args.kills * i // len(args.commands)
        with tempfile.TemporaryDirectory() as root:
            harness = Harness(name, Path(root).resolve(), rng)
            left = share
            while left:
                left -= harness.chain(min(left, MAX_KILLS))
            os.chdir("/")
        t, signals = harness.tally, []
        signals = ", ".join(f"{n} {t[n]}" for n in ("SIGKILL", "SIGINT", "SIGTERM", "SIGHUP"))
        row = (name, share, t["early"], t["later"], t["late"], signals, len(harness.problems))
        print("|", " | ".join(map(str, row)), "|", flush=True)
        problems += len(harness.problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
