"""Time and memory from a thousand to a million signals.

Runs three.toml (four cells) with one worker, each size in a new process. Memory is that of the
command, its worker and the server that starts workers together, with shared pages counted once.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

HERE = Path(__file__).parent
CELLS = 4


def memory(process):
    """Return the memory of a process and its descendants, in MiB."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:  # the process has just ended
            continue
    return total / 2**20


def run(items):
    """Return the seconds of a run and its largest memory in MiB."""
    with tempfile.TemporaryDirectory() as out:
        command = ["-m", "sigbench", "run", str(HERE / "three.toml"), "--items", str(items)]
        command += ["--seeds", "1", "-j", "1", "-o", str(Path(out) / "run"), "--quiet"]
        start, peak = time.perf_counter(), 0.0
        child = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
        process = psutil.Process(child.pid)
        while child.poll() is None:
            try:
                peak = max(peak, memory(process))
            except psutil.Error:
                break
            time.sleep(0.1)
        assert child.wait() == 0
        return time.perf_counter() - start, peak


def main():
    """Run all sizes and print a table."""
    sizes = [int(size) for size in sys.argv[1:]] or [10**3, 10**4, 10**5, 10**6]
    print("| signals | seconds | µs per signal and cell | memory, MiB |")
    print("| ---: | ---: | ---: | ---: |")
    for items in sizes:
        seconds, peak = run(items)
        print(
            f"| {items:,} | {seconds:.1f} | {seconds / items / CELLS * 1e6:.0f} | {peak:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
