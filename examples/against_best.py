"""Compare a method of a run with the best other method of each problem and metric.

    python examples/against_best.py RUN METHOD [--without METHOD ...]

RUN is a folder that `sigbench run` has written, with its cells. The noisy input, controls, methods
that know the prior or the clean signal, and methods without a value for every item are not
compared, nor are those after --without. The best other method is the highest on the leaderboard. A
difference has its 95 % interval; its sign is such that positive is better, also for errors.
"better" means that the difference is significant at 5 %. The test is that of `sigbench compare`,
without the correction for the number of pairs that ranks have: see "Honest statistics" in
docs/architecture.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from sigbench import InputError
from sigbench.benchmark.store.run_folder import RunFolder
from sigbench.scoring.aggregate import compare_pair
from sigbench.scoring.leaderboard import standing
from sigbench.scoring.metrics import METRICS


def line(scores, method, left_out):
    """Return the comparison for one problem and metric; None if there is none."""
    metric = METRICS[scores.metric]
    sign = 1 if metric.higher_is_better else -1
    values = dict(zip(scores.methods, scores.values, strict=True))
    knowledge = dict(zip(scores.methods, scores.knowledge, strict=True))
    rivals = {
        name: standing(metric, own)
        for name, own in values.items()
        if name not in left_out and knowledge[name] not in ("prior", "oracle")
        if not np.isnan(own).any()
    }
    if method not in values or not rivals or np.isnan(values[method]).any():
        return None
    best = max(rivals, key=rivals.__getitem__)
    test = compare_pair(metric, values[method], values[best], scores.groups)
    d = test.difference
    interval = f"{sign * d.mean:+.4g}"
    if not np.isnan(d.low):
        low, high = sorted((sign * d.low, sign * d.high))
        interval += f" [{low:+.4g}, {high:+.4g}]"
    better = " better" if test.significant and sign * d.mean > 0 else ""
    return f"{scores.problem:15} {scores.metric:18} {best:24} {interval}{better}"


def main():
    """Print a line for each problem and metric; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("method", help="a method of the run")
    parser.add_argument("--without", nargs="+", default=[], metavar="METHOD")
    options = parser.parse_args()

    folder = RunFolder(options.run)
    suite = folder.manifest.require()["suite"]
    if unknown := {options.method, *options.without} - set(suite["methods"]):
        raise InputError(f"{options.run} has no method {', '.join(sorted(unknown))}")
    left_out = {"noisy", options.method, *suite["controls"], *options.without}
    found = [folder.scores(p, metric) for p in suite["problems"] for metric in suite["metrics"]]
    lines = [line(scores, options.method, left_out) for scores in found if scores is not None]
    if not any(lines):
        raise InputError(f"{options.run} has no items of {options.method} and another method")
    print(f"{'problem':15} {'metric':18} {'best other':24} difference [95 %]")
    print("\n".join(filter(None, lines)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"against_best: {error}")
