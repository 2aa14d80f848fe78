"""What the wrappers for noise that is not white gain over their methods: `despiked` and others.

Prints a Markdown table: the mean gain in dB in the noise that a wrapper is for, and in white noise, with
the smallest and largest of the records. The records are for development: four demo signals of the
training split, and eight images of BSD400, from the folder in SIGBENCH_TEST_DATA.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from cautions import GRAY_LEVELS, NOISES, SIGNAL_TO_NOISE, images

from sigbench.benchmark.methods.describe import bind_problem_info
from sigbench.benchmark.methods.resolve import resolve
from sigbench.datasets.demo_signals import DemoSignals

FS = 1000.0
METHODS = {
    2: (
        "wavelet[rule=sure,shifts=4]",
        "local-wiener[window=9]",
        "l1[transform=dct,lam_over_sigma=2]",
    ),
    3: ("wavelet[rule=bayes,shifts=3]", "sliding-dct"),
}
WRAPPERS = (
    ("despiked", "impulses"),
    ("without-lines", "hum 0.5 σ"),
    ("without-lines", "hum 3 σ"),
    ("stabilized", "photons 100"),
    ("stabilized", "photons 10"),
    ("level-normalized", "doubling"),
)


def gains(wrapper: str, method: str, noise: str, records: list[np.ndarray]) -> np.ndarray:
    """Return the gain of a wrapper over its method in dB for each record."""
    plain = resolve(method)[0].entry
    wrapped = bind_problem_info(resolve(f"{wrapper}[method={method}]")[0].entry, {"fs": FS})
    found = []
    for k, clean in enumerate(records):
        sigma = GRAY_LEVELS[k % 3] if clean.ndim == 3 else clean.std() / SIGNAL_TO_NOISE[k % 3]
        noisy = NOISES[noise][1](clean, sigma, FS, np.random.default_rng(k))[None]
        target = clean
        if noise.startswith("photons"):
            unit = (clean - clean.min()) / np.ptp(clean)
            target = float(noise.split()[1]) * (0.1 + 0.9 * unit)
        before, after = (np.mean((f(noisy, sigma=None)[0] - target) ** 2) for f in (plain, wrapped))
        found.append(10 * np.log10(before / after))
    return np.array(found)


def main() -> None:
    """Print the table."""
    signals = [
        DemoSignals(name, 4096).item("train", 1, 0)
        for name in ("blocks", "bumps", "heavisine", "doppler")
    ]
    photographs = []
    if folder := os.environ.get("SIGBENCH_TEST_DATA"):
        photographs = [record.clean for record in images(Path(folder), True)][:8]
    print("| wrapper | noise | method | gain, dB | gain in white noise, dB |")
    print("| --- | --- | --- | --- | --- |")
    for wrapper, noise in WRAPPERS:
        for records in (signals, [] if wrapper == "without-lines" else photographs):
            for method in METHODS[records[0].ndim] if records else ():
                cells = []
                for kind in (noise, "white"):
                    own = gains(wrapper, method, kind, records)
                    cells.append(f"{own.mean():.2f} ({own.min():.2f} to {own.max():.2f})")
                print(f"| `{wrapper}` | {noise} | `{method}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
