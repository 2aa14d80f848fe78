"""Print the figures of docs/honest-benchmarking.md, from finished runs and short simulations.

    python benchmarks/honest.py [RESULTS]

RESULTS is the folder of the reference runs, by default results. Only the reports of these runs are
committed: `sigbench run table1 -o results/table1` makes the cells, and so on for signals, images32
and deconvolution. All random draws have fixed seeds.
"""

import argparse
import csv
import dataclasses
import itertools
import time
from pathlib import Path

import numpy as np
from scipy.stats import t

import sigbench
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.aggregate import average, compare_all, compare_pair
from sigbench.scoring.metrics import METRICS

PSNR = METRICS["psnr"]


class Values:
    """The values of one problem and metric: one row per method, one column per item."""

    def __init__(self, folder, problem, metric="psnr"):
        scores = RunFolder(folder).scores(problem, metric)
        self.metric, self.groups = METRICS[metric], np.asarray(scores.groups)
        ranked = [k not in ("prior", "oracle") for k in scores.knowledge]
        self.rows = dict(zip(scores.methods, scores.values, strict=True))
        self.information = dict(zip(scores.methods, scores.knowledge, strict=True))
        self.ranked = list(itertools.compress(scores.methods, ranked))

    def mean(self, method):
        """Return the mean of a method over items."""
        return self.rows[method].mean()

    def order(self):
        """Return the ranked methods, best first."""
        return sorted(self.ranked, key=self.mean, reverse=True)


def half(mean):
    """Return half the width of an interval."""
    return (mean.high - mean.low) / 2


def separate(values, a, b):
    """Return the half width of the 95 % interval if each method had its own items."""
    halves = [half(average(values.metric, values.rows[m], values.groups)) for m in (a, b)]
    return float(np.hypot(*halves))


def pairing(results):
    """Compare methods that are neighbors on the board, on the same items and on separate ones."""
    print("\nPairing: half the 95 % interval of a difference of two methods")
    cases = [("table1", "sparse-spikes"), ("signals", "doppler-snr7"), ("images32", "gaussian-25")]
    for suite, problem in cases:
        v = Values(results / suite, problem)
        decided, ratios = {"paired": 0, "separate": 0}, []
        neighbors = list(itertools.pairwise(v.order()))
        for a, b in neighbors:
            d = compare_pair(PSNR, v.rows[a], v.rows[b], v.groups).difference
            apart = separate(v, a, b)
            decided["paired"] += d.low > 0
            decided["separate"] += d.mean > apart
            if half(d) > 0:
                ratios.append(apart / half(d))
        print(
            f"  {suite} {problem}: {len(neighbors)} pairs of neighbors; interval excludes 0 for "
            f"{decided['paired']} paired, {decided['separate']} separate; separate/paired width: "
            f"median {np.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.0f}"
        )
    for suite, problem, a, b in [
        ("table1", "sparse-spikes", "icnn", "l1-nonneg-tuned"),
        ("images32", "gaussian-25", "resnet", "sliding-dct-tuned"),
    ]:
        v = Values(results / suite, problem)
        d = compare_pair(PSNR, v.rows[a], v.rows[b], v.groups).difference
        apart = separate(v, a, b)
        print(
            f"  {suite} {a} - {b}: {d.mean:.2f} dB; paired ±{half(d):.3f}, separate ±{apart:.3f}; "
            f"items for the paired width: x{(apart / half(d)) ** 2:.0f}"
        )


def tuning(results):
    """Compare default settings with tuned ones, and the conclusions with each."""
    print("\nTuning: tuned minus default settings, psnr (dB)")
    problems = RunFolder(results / "signals").manifest.require()["suite"]["problems"]
    boards = [Values(results / "signals", p) for p in problems]
    for default, tuned in [("wiener", "wiener-tuned"), ("visu", "wavelet-tuned")]:
        gains = [v.mean(tuned) - v.mean(default) for v in boards]
        print(f"  signals {default}: {min(gains):.1f} to {max(gains):.1f} dB on 8 problems")
    for rival in ("wiener", "wiener-tuned"):
        wins = sum(v.mean("sure-stationary") > v.mean(rival) for v in boards)
        print(f"  signals sure-stationary has a higher mean than {rival} on {wins} of 8")
    v = Values(results / "table1", "sparse-spikes")
    for form in ("printed", "tuned"):
        names = [f"{name}-{form}" for name in ("wiener", "l1", "gmc")]
        ranked = sorted(names, key=v.mean, reverse=True)
        print("  table1:", ", ".join(f"{m} {v.mean(m):.2f}" for m in ranked))


def information(results):
    """Print the best method of each class of information."""
    print("\nInformation: best mean psnr (dB) by what a method used")
    for suite, problem in [("table1", "sparse-spikes"), ("signals", "doppler-snr7")]:
        v = Values(results / suite, problem)
        best = {}
        for method in v.order():
            best.setdefault(v.information[method], f"{method} {v.mean(method):.2f}")
        print(f"  {suite} {problem}:", "; ".join(f"{k}: {m}" for k, m in best.items()))


def limits(results):
    """Print how much of the distance from the noisy input to the limit methods have covered."""
    print("\nLimits: distance to the limit, psnr (dB)")
    for suite, problem, methods in [
        ("table1", "sparse-spikes", ("noisy", "l1-printed", "l1-tuned", "shrinknet")),
        ("deconvolution", "process-box-0.1", ("noisy", "inverse-tuned", "wiener-fitted")),
    ]:
        v = Values(results / suite, problem)
        gaps = ", ".join(f"{m} {v.mean('limit') - v.mean(m):.2f}" for m in methods)
        print(f"  {suite} {problem}: {gaps}")


def groups(results):
    """Compare intervals over groups with intervals that count every item as independent."""
    print("\nGroups: half the 95 % interval over groups / over items")
    v = Values(results / "images32", "gaussian-25")
    n, g = len(v.groups), len(np.unique(v.groups))
    own = v.rows["sliding-dct-tuned"]
    items = np.arange(n)
    wide, narrow = (half(average(PSNR, own, by)) for by in (v.groups, items))
    print(
        f"  images32 gaussian-25, {n} crops in {g} tiles: sliding-dct-tuned ±{wide:.2f} / "
        f"±{narrow:.2f} = {wide / narrow:.1f}"
    )
    for name, by in (("groups", v.groups), ("items", items)):
        tests = compare_all(PSNR, np.array([v.rows[m] for m in v.ranked]), by)
        found = sum(p < 0.05 for p in tests.adjusted.values())
        print(f"    significant pairs by {name}: {found} of {len(tests.adjusted)}")


def multiple(results, runs=200):
    """Count significant differences between methods that are the same, and on the real board."""
    print("\nMultiple comparisons")
    v = Values(results / "table1", "sparse-spikes")
    rows = np.array([v.rows[m] for m in v.ranked])[:, :1000]
    rng = np.random.default_rng(1)
    k = len(rows)
    first, second = np.triu_indices(k, 1)
    alone = corrected = count = 0
    for _ in range(runs):
        shuffled = rng.permuted(rows, axis=0)  # every method draws from the same values
        d = shuffled[first] - shuffled[second]
        statistic = np.abs(d.mean(axis=1)) / (d.std(axis=1, ddof=1) / np.sqrt(d.shape[1]))
        p = 2 * t.sf(statistic, d.shape[1] - 1)
        count += (p < 0.05).sum()
        alone += (p < 0.05).any()
        corrected += p.min() < 0.05 / len(p)
    print(
        f"  {k} equal methods, {len(first)} pairs, {runs} runs: {count / runs:.1f} differences at "
        f"5 % per run; at least one in {100 * alone / runs:.0f} % of runs, with Holm's correction "
        f"in {100 * corrected / runs:.1f} %"
    )


def selection(draws=4000):
    """Measure how optimistic the best of many settings, or of many noise draws, is on few items."""
    print("\nSelection on test items: table1, psnr (dB)")
    problem = sigbench.load("table1").problems[0]
    blocks = list(problem.blocks(1, 500))
    settings = [
        sigbench.WaveletShrink(wavelet=wavelet, shrink=shrink, scale=scale, shifts=shifts)
        for wavelet in ("haar", "db2", "sym4", "sym8")
        for shrink in ("soft", "firm")
        for scale in (0.3, 0.4, 0.5, 0.6)
        for shifts in (1, 4)
    ]
    values = np.array([scores(problem, blocks, setting) for setting in settings])
    best = values.mean(axis=1).argmax()
    rng = np.random.default_rng(1)
    for n in (3, 10, 100):
        advantages, kept = [], 0
        for _ in range(draws):
            few = values[:, rng.choice(values.shape[1], n, replace=False)].mean(axis=1)
            advantages.append(few.max() - few[best])
            kept += few.argmax() == best
        print(
            f"  best of {len(settings)} wavelet settings on {n} items: {np.mean(advantages):.3f} dB "
            f"above the best setting on the same items; the best is chosen in "
            f"{100 * kept / draws:.0f} %"
        )
    for n in (10, 100):
        lucky = rng.choice(values[best], (draws, 5, n)).mean(axis=2).max(axis=1)
        gain = lucky.mean() - values[best].mean()
        print(
            f"  one setting, the best of 5 noise draws with {n} items: {gain:.2f} dB above its mean"
        )


def scores(problem, blocks, method):
    """Return the psnr of all items."""
    estimates = (problem.apply(method, block, sigma_given=True) for block in blocks)
    pairs = zip(blocks, estimates, strict=True)
    return np.concatenate([problem.score(PSNR, block, estimate) for block, estimate in pairs])


def definitions(results):
    """Compute the PSNR of the same estimates by several definitions."""
    print("\nDefinitions of PSNR: images32 gaussian-25, dB")
    problem = next(p for p in sigbench.load("images32").problems if p.name == "gaussian-25")
    clean, noisy = [], []
    for block in problem.blocks(1, 256):
        clean.append(block.clean)
        noisy.append(block.noisy)
    clean, noisy = np.concatenate(clean), np.concatenate(noisy)
    estimate = sigbench.SlidingDCT()(noisy, sigma=25.0)
    raw = dataclasses.replace(problem, degradation=sigbench.Gaussian(sigma=25.0))
    unclipped = np.concatenate([block.noisy for block in raw.blocks(1, 256)])
    axes = (1, 2, 3)

    def psnr(x, y, peak=255.0):
        return 10 * np.log10(peak**2 / ((x - y) ** 2).mean(axis=axes))

    luma = [np.tensordot(x, [0.299, 0.587, 0.114], axes=(1, 0))[:, None] for x in (clean, estimate)]
    rows = {
        "mean over images, peak 255": psnr(clean, estimate).mean(),
        "all pixels together": 10 * np.log10(255**2 / ((clean - estimate) ** 2).mean()),
        "peak = maximum of the image": psnr(clean, estimate, clean.max(axis=axes)).mean(),
        "peak = range of the image": psnr(
            clean, estimate, clean.max(axis=axes) - clean.min(axis=axes)
        ).mean(),
        "luminance only": psnr(*luma).mean(),
    }
    for name, value in rows.items():
        print(f"  sliding-dct, {name}: {value:.2f}")
    print(f"  noisy, clipped and rounded: {psnr(clean, noisy).mean():.2f}")
    print(f"  noisy, as drawn: {psnr(clean, unclipped).mean():.2f}")
    for suite, a, b in [("noise2noise", "resnet", "sliding-dct-tuned")]:
        board = rows_of(results / suite, "gaussian-25")
        for metric in ("psnr", "psnr_global"):
            d = board[a, metric] - board[b, metric]
            print(f"  {suite} {a} - {b}, {metric}: {d:+.2f}")
    board = rows_of(results / "table1", "sparse-spikes")
    d = {m: board["l1-tuned", m] - board["l1-printed", m] for m in ("psnr", "psnr_table1")}
    print(
        f"  table1 l1-tuned - l1-printed: psnr {d['psnr']:.2f}, psnr_table1 {d['psnr_table1']:.2f}"
    )


def rows_of(folder, problem):
    """Return the means of a committed leaderboard, by method and metric."""
    with open(folder / "leaderboard.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["problem"] == problem]
    return {(row["method"], row["metric"]): float(row["mean"]) for row in rows}


def seeds(results):
    """Compare the spread over training seeds with the interval over test items."""
    print("\nTraining seeds: ablation, psnr_table1 (dB)")
    with open(results / "ablation/leaderboard.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "psnr_table1"]
    for start in ("running, prior, batch 1 ", "running, prior, batch 32 ", "none, prior, batch 1 "):
        own = [row for row in rows if row["method"].startswith(start)]
        means = ", ".join(f"{float(row['mean']):.2f}" for row in own)
        halves = max(float(row["ci_high"]) - float(row["ci_low"]) for row in own) / 2
        print(f"  {start.strip()}: {means} with three seeds; over items at most ±{halves:.2f}")


def timing(repeats=20):
    """Compare calls with a batch and with single items (processor time on one thread)."""
    print("\nTiming: processor time for 500 signals, one per call / all in one call")
    noisy = next(iter(sigbench.load("table1").problems[0].blocks(1, 500))).noisy
    methods = {
        "local-wiener": sigbench.LocalWiener(),
        "shrinknet": sigbench.Pretrained("shrinknet"),
    }
    for name, method in methods.items():
        calls = {
            "batch": lambda method=method: method(noisy, sigma=3.0),
            "single": lambda method=method: [method(x[None], sigma=3.0) for x in noisy],
        }
        times = {k: np.median([seconds(call) for _ in range(repeats)]) for k, call in calls.items()}
        print(f"  {name}: x{times['single'] / times['batch']:.1f}")


def seconds(call):
    """Return the processor time of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main():
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", default=Path("results"))
    results = parser.parse_args().results
    for section in (pairing, tuning, information, limits, groups, multiple, definitions, seeds):
        section(results)
    selection()
    timing()


if __name__ == "__main__":
    main()
