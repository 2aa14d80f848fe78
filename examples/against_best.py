"""Compare a method of a run with the best other method of each problem and metric.

    python examples/against_best.py RUN METHOD [--without METHOD ...]

RUN is a folder that `sigbench run` has written. The noisy input, controls, bounds and methods that
know the clean signal are not compared, nor are the methods after --without. The best other method
is selected by its mean on the same items. A difference is the mean of the paired differences, with
its 95 % interval (Student's t, over groups); its sign is such that positive is better, also for
errors. "better" means that the whole interval is above zero; `sigbench compare` tests more
strictly, with a correction for the number of comparisons.
"""

import argparse
import sys

from sigbench import InputError, read_run
from sigbench.scoring.inference import mean_interval

NOT_COMPARED = ("none", "prior", "oracle")  # what a method knows


def main():
    """Print a line for each problem and metric."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run folder")
    parser.add_argument("method", help="a method of the run")
    parser.add_argument("--without", nargs="+", default=[], metavar="METHOD")
    options = parser.parse_args()

    run = read_run(options.run)
    board = run.leaderboard
    if options.method not in set(board.method):
        raise InputError(f"method {options.method!r} is not in {options.run}")
    rivals = board[~board.knowledge.isin(NOT_COMPARED)]
    rivals = rivals[~rivals.method.isin([options.method, *options.without])]
    if rivals.empty:
        raise InputError(f"no other method is left in {options.run}")
    print(f"{'problem':15} {'metric':18} {'best other':24} difference [95 %]")
    for (problem, metric), rows in rivals.groupby(["problem", "metric"], sort=False):
        sign = 1 if rows.higher_is_better.iloc[0] else -1
        best = rows.method[(sign * rows["mean"]).idxmax()]
        scores = run.scores.query("problem == @problem and metric == @metric")
        values = scores.pivot(index=["seed", "group", "item"], columns="method", values="value")
        if options.method not in values:
            continue
        pairs = sign * values[[options.method, best]].dropna()
        groups = [f"{seed} {group}" for seed, group, _ in pairs.index]
        gain = mean_interval((pairs[options.method] - pairs[best]).to_numpy(), groups)
        interval = f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
        print(f"{problem:15} {metric:18} {best:24} {interval}{' better' if gain.low > 0 else ''}")


if __name__ == "__main__":
    try:
        sys.exit(main() or 0)
    except InputError as error:
        sys.exit(f"against_best: {error}")
