"""Compare a method of a run with the best other method of each problem and metric.

    python examples/against_best.py RUN METHOD [--without METHOD ...]

RUN is a folder that `sigbench run` has written. The noisy input, controls, bounds and methods that
know the clean signal are not compared, nor are the methods after --without. Differences are paired
by item, with 95 % intervals over groups; positive is better. The best other method is selected by
its mean on the same items.
"""

import argparse

from sigbench import read_run
from sigbench.scoring.inference import mean_interval

NOT_COMPARED = ("none", "prior", "oracle")  # what a method knows


def main():
    """Print a line for each problem and metric."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("method")
    parser.add_argument("--without", nargs="+", default=[], metavar="METHOD")
    options = parser.parse_args()

    run = read_run(options.run)
    board = run.leaderboard
    rivals = board[~board.knowledge.isin(NOT_COMPARED)]
    rivals = rivals[~rivals.method.isin([options.method, *options.without])]
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
        print(f"{problem:15} {metric:13} {best:22} {interval}{' above' if gain.low > 0 else ''}")


if __name__ == "__main__":
    main()
