"""Means over items: PSNR as the mean of the values of items, and of all items together."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from skimage.metrics import peak_signal_noise_ratio

from sigbench import METRICS, load, run_suite
from sigbench.benchmark.checks.check_floors import check, update
from sigbench.benchmark.checks.floors import load_floors
from sigbench.benchmark.compare import compare
from sigbench.benchmark.report.experiments import experiments_table
from sigbench.benchmark.report.markdown import markdown
from sigbench.cli.main import main
from sigbench.scoring.aggregate import average, difference
from sigbench.scoring.inference import mean_interval, paired_difference
from sigbench.scoring.leaderboard import leaderboard
from sigbench.scoring.scores import Scores

GLOBAL = METRICS["psnr_global"]
PLAIN = [name for name, metric in METRICS.items() if metric.averages == "values"]


def decibels(errors):
    return -10 * np.log10(errors)


def test_psnr_global_equals_scikit_image_on_all_items_together(rng):
    clean = rng.uniform(0, 255, (6, 3, 8, 8))
    estimate = clean + rng.standard_normal(clean.shape) * rng.uniform(1, 30, (6, 1, 1, 1))
    values = GLOBAL(clean, estimate, 255.0)
    np.testing.assert_array_equal(values, METRICS["psnr"](clean, estimate, 255.0))
    together = peak_signal_noise_ratio(clean, estimate, data_range=255.0)
    assert GLOBAL.mean(values) == pytest.approx(together)
    assert GLOBAL.mean(values) < np.mean(values) - 0.5
    halves = np.array([GLOBAL.mean(values[:3]), GLOBAL.mean(values[3:])])
    assert GLOBAL.mean(halves) == pytest.approx(together)


def test_perfect_items_have_no_error():
    assert GLOBAL.mean(np.array([np.inf, 20.0])) == pytest.approx(20 + 10 * np.log10(2))
    perfect = average(GLOBAL, np.full(3, np.inf), range(3))
    assert (perfect.mean, perfect.low, perfect.high) == (np.inf, np.inf, np.inf)
    mixed = average(GLOBAL, np.array([np.inf, 20.0, 21.0, 22.0]), range(4))
    assert np.isfinite([mixed.mean, mixed.low]).all()
    assert mixed.high == np.inf  # 0.006 ± 0.007
    assert GLOBAL.mean(np.array([-np.inf, 20.0])) == -np.inf


@pytest.mark.parametrize("name", PLAIN)
def test_metrics_that_average_values_are_plain_means(rng, name):
    a, b = 20 + rng.standard_normal((2, 30))
    groups = rng.integers(0, 9, 30)
    assert average(METRICS[name], a, groups) == mean_interval(a, groups)
    assert METRICS[name].mean(a) == float(np.mean(a))
    np.testing.assert_array_equal(difference(METRICS[name], a, b), paired_difference(a, b))


def test_the_interval_is_the_t_interval_of_the_errors(rng):
    errors = rng.exponential(size=50)
    low, high = scipy.stats.t.interval(0.95, 49, loc=errors.mean(), scale=scipy.stats.sem(errors))
    ours = average(GLOBAL, decibels(errors), range(50))
    expected = decibels([high, errors.mean(), low])
    assert (ours.low, ours.mean, ours.high) == pytest.approx(tuple(expected))


def two(rng, groups):
    """Return correlated errors of two methods, and the group of each item; sizes are unequal."""
    group = np.repeat(np.arange(groups), rng.integers(1, 6, groups))
    n = len(group)
    common = 0.5 * rng.standard_normal(groups)[group] + 0.3 * rng.standard_normal(n)
    a, b = np.exp(common + 0.2 * rng.standard_normal((2, n)))
    return a, 1.3 * b, group


def test_a_difference_is_that_of_the_means_with_the_jackknife_error(rng):
    a, b, groups = two(rng, 300)
    d = difference(GLOBAL, decibels(a), decibels(b))
    figure = decibels(a.mean()) - decibels(b.mean())
    assert d.mean() == pytest.approx(figure)
    left_out = [
        decibels(a[groups != g].mean()) - decibels(b[groups != g].mean()) for g in range(300)
    ]
    jackknife = np.sqrt(299 * np.var(left_out))
    m = mean_interval(d, groups)
    assert (m.high - m.low) / 2 / scipy.stats.t.ppf(0.975, 299) == pytest.approx(
        jackknife, rel=0.02
    )


@pytest.mark.parametrize("groups", [15, 100])
def test_intervals_of_errors_cover(rng, groups):
    """The nominal coverage is 95 %; over 1,000 simulated runs its standard error is 0.7 %."""
    truth = decibels(1.0) - decibels(1.3)
    mean_error = np.exp((0.5**2 + 0.3**2 + 0.2**2) / 2)
    hits = np.zeros(2)
    for _ in range(1000):
        a, b, group = two(rng, groups)
        d = mean_interval(difference(GLOBAL, decibels(a), decibels(b)), group)
        m = average(GLOBAL, decibels(a), group)
        hits += [d.low <= truth <= d.high, m.low <= decibels(mean_error) <= m.high]
    assert (hits / 1000 >= 0.91).all(), hits
    assert (hits / 1000 <= 0.97).all(), hits


def test_differences_of_perfect_and_of_equal_items():
    some, perfect = np.array([20.0, 30.0]), np.full(2, np.inf)
    for a, b, d in ((perfect, perfect, 0), (perfect, some, np.inf), (some, perfect, -np.inf)):
        np.testing.assert_array_equal(difference(GLOBAL, a, b), np.full(2, float(d)))
    one = np.array([np.inf, 20.0])
    assert difference(GLOBAL, one, np.array([20.0, 20.0])).mean() == pytest.approx(3.0103)
    np.testing.assert_array_equal(difference(GLOBAL, some, some * (1 + 1e-14)), [0, 0])
    # Without a mean error the differences are those of the items.
    failed = np.array([-np.inf, 25.0])
    np.testing.assert_array_equal(difference(GLOBAL, some, failed), [np.inf, 5.0])


def scores(values, metric, knowledge="none"):
    """Return Scores with two items per group."""
    k, n = values.shape
    names = tuple("abcdef"[:k])
    knowledge = (knowledge,) + ("none",) * (k - 1)
    items = np.arange(n)
    return Scores(
        "s", "p", "d", "g", metric, names, ("",) * k, knowledge, items // (n // 2), items, items // 2,
        values,
    )  # fmt: skip


def test_ranks_compare_the_errors(rng):
    """B is better on most items and much worse on some, which a mean of decibels hides."""
    a, b = np.full(2000, 25.0), np.full(2000, 30.0)
    b[rng.random(2000) < 0.1] = 15.0
    values = np.stack([a, b]) + 0.1 * rng.standard_normal((2, 2000))
    timings = [
        {"problem": "p", "method": m, "time_s": 1.0, "items": 1, "contended": False} for m in "ab"
    ]
    for metric, best in (("psnr", "b"), ("psnr_global", "a")):
        board = leaderboard([scores(values, metric)], timings)
        assert board[0]["method"] == best
        assert [(row["rank_low"], row["rank_high"]) for row in board] == [(1, 1), (2, 2)]
        assert all(row["ci_low"] < row["mean"] < row["ci_high"] for row in board)
    limit = leaderboard([scores(values, "psnr_global", knowledge="prior")], timings)
    gaps = {row["method"]: row["gap_to_limit"] for row in limit}
    assert gaps["b"] == pytest.approx(GLOBAL.mean(values[0]) - GLOBAL.mean(values[1]))
    assert gaps["a"] == 0


def test_a_gap_is_over_common_items(rng):
    values = 20 + rng.standard_normal((2, 40))
    values[1, 20:] = np.nan
    timings = [
        {"problem": "p", "method": m, "time_s": 1.0, "items": 1, "contended": False} for m in "ab"
    ]
    for metric in ("psnr", "psnr_global"):
        board = leaderboard([scores(values, metric, "prior")], timings)
        (row,) = (row for row in board if row["method"] == "b")
        figures = [METRICS[metric].mean(values[i, :20]) for i in (0, 1)]
        assert row["gap_to_limit"] == pytest.approx(figures[0] - figures[1])
    summary = scores(values, "psnr_global").summary()
    assert summary.means["a", 1] == GLOBAL.mean(values[0, 20:])
    assert np.isnan(summary.means["b", 1])


SUITE = """
name = "own"
metrics = ["psnr", "psnr_global"]
seeds = [1, 2]
[[problems]]
name = "spikes"
dataset = "sparse-spikes"
degradation = "gaussian[sigma=3]"
items = 150
[experiments]
metrics = ["psnr_global"]
[[methods]]
method = "local-wiener"
[[methods]]
method = "affine"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("averages")
    (path / "own.toml").write_text(SUITE)
    run_suite(load(str(path / "own.toml")), path / "run")
    return path / "run"


def test_all_outputs_of_a_run_agree(run):
    found = compare(run, "local-wiener", "affine").pairs
    (pair,) = (p for p in found if p.metric == "psnr_global")
    board = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    means = [board.loc[(m, "psnr_global"), "mean"] for m in ("local-wiener", "affine")]
    assert [pair.mean_a, pair.mean_b] == pytest.approx(means, rel=1e-5)
    assert pair.test.difference.mean == pytest.approx(pair.mean_a - pair.mean_b)
    assert pair.test.difference.low < pair.test.difference.mean < pair.test.difference.high
    assert board.loc[("affine", "psnr"), "mean"] > means[1] + 0.01
    text = (run / "leaderboard.md").read_text()
    assert " `psnr_global` averages squared errors, not decibels.\n" in text
    cells = pd.concat(pd.read_parquet(p) for p in (run / "cells").glob("*.parquet"))
    own = cells[(cells["method"] == "affine") & (cells["metric"] == "psnr_global")]
    of_seed = [GLOBAL.mean(own[own["seed"] == seed]["value"].to_numpy()) for seed in (1, 2)]
    figures = [*of_seed, GLOBAL.mean(np.array(of_seed))]
    (line,) = (
        line for line in text[text.index("printed table") :].splitlines() if "| affine" in line
    )
    assert [float(cell) for cell in line.split("|")[2:5]] == [round(f, 2) for f in figures]


def test_compare_explains_psnr_global(run, capsys):
    assert main(["compare", str(run), "local-wiener", "affine"]) == 0
    out = capsys.readouterr().out
    assert "psnr_global: the difference is linearized (delta method)." in out


def test_floors_are_compared_with_the_mean_of_errors(run, capsys):
    row = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    row = row.loc[("affine", "psnr_global")]
    floor = '[[floors]]\nproblem = "spikes"\nmethod = "affine"\nmetric = "psnr_global"\n'
    demands = [f"floor = {row[c]}\n" for c in ("ci_low", "mean", "ci_high")]
    demands[0] = f"floor = {row['ci_low'] - 1e-3}\n"
    demands[2] = f"floor = {row['ci_high'] + 1e-3}\n"
    demands += [f'reference = "{run}"\n', f'reference = "{run}"\nreference_method = "noisy"\n']
    file = run.parent / "own.floors.toml"
    file.write_text('suite = "own.toml"\n' + "".join(floor + demand for demand in demands))
    verdicts = check(run, load_floors(file))
    assert [v.state for v in verdicts] == ["holds", "inconclusive", "broken", "holds", "holds"]
    noisy = pd.read_csv(run / "leaderboard.csv").set_index(["method", "metric"])
    gain = row["mean"] - noisy.loc[("noisy", "psnr_global"), "mean"]
    assert float(verdicts[4].text.split()[0]) == pytest.approx(gain, abs=2e-3)
    update(run, load_floors(file), allow_lower=True)
    assert main(["check", str(run), str(file)]) == 0
    capsys.readouterr()
    new = load_floors(file).floors[0].floor
    assert row["ci_low"] - 2e-3 < new <= row["ci_low"] + 1e-5


def test_trainings_are_averaged_as_errors():
    values = np.array([20.0, 30.0])
    board = [
        {
            "suite": "s", "problem": "p", "method": f"net #{i}", "params": "", "knowledge": "fitted",
            "metric": "psnr_global", "unit": "dB", "higher_is_better": True, "mean": v,
            "ci_low": v, "ci_high": v, "n": 1, "rank_low": 1, "rank_high": 2,
            "gap_to_limit": float("nan"), "ms_per_item": 1.0,
        }
        for i, v in enumerate(values)
    ]  # fmt: skip
    one = scores(np.tile(values[:, None], (1, 4)), "psnr_global").summary()
    text = markdown(
        board,
        {("p", "psnr_global"): one},
        {
            "name": "s",
            "description": "",
            "metrics": ["psnr_global"],
            "trainings": {row["method"]: "net" for row in board},
        },
    )
    assert f"{GLOBAL.mean(values):.2f}" == "22.60"
    assert "22.60" in text[text.index("Over training seeds") :]


def test_every_metric_of_errors_is_in_decibels_where_more_is_better():
    for metric, values in itertools.product(METRICS.values(), ([1.0, 2.0], [5.0, 0.0])):
        if metric.averages == "errors":
            assert (metric.unit, metric.higher_is_better) == ("dB", True)
        scaled = metric.scaled(np.array(values))
        assert [metric.unscaled(float(v)) for v in scaled] == pytest.approx(values)
        assert (np.diff(scaled) > 0) == (np.diff(values) > 0)


@pytest.mark.parametrize("seeds", [(1,), (1, 2)])
def test_a_single_experiment_is_not_shown_twice(seeds):
    """A column per seed and their average, or one column; the printed value stands beside them."""
    means = {("a", seed): 10.0 + seed for seed in seeds}
    text = experiments_table(
        [{"method": "a", "metric": "psnr"}],
        {"psnr": SimpleNamespace(seeds=seeds, means=means)},
        {"metrics": ["psnr"], "source": "a report", "printed": {"a": [9.876]}},
    )
    header, _, row = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[-3:]
    )
    if len(seeds) == 1:
        assert header == ["method", "psnr", "psnr, printed"]
        assert row == ["a", "11.00", "9.88"]
        assert "\n\nPrinted values: a report.\n\n" in text
    else:
        assert header[1:] == ["psnr, seed 1", "psnr, seed 2", "psnr, average", "psnr, printed"]
        assert row == ["a", "11.00", "12.00", "11.50", "9.88"]
        assert "\n\nOne experiment per seed. Printed values: a report.\n\n" in text
