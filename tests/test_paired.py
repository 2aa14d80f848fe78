"""The decision whether one method is better than another: one test, its interval and its p-value."""

import itertools

import numpy as np
import pytest
import scipy.stats

from sigbench import METRICS
from sigbench.benchmark.report.tables import is_best
from sigbench.scoring.aggregate import compare_all, compare_pair
from sigbench.scoring.inference import paired_test
from sigbench.scoring.leaderboard import standing
from sigbench.scoring.ranks import pair_tests, ranks

INF = np.inf


def of_zero(d, groups=None, **options):
    """Return the test of differences ``d``."""
    d = np.asarray(d, dtype=float)
    groups = np.arange(len(d)) if groups is None else groups
    return paired_test(d, np.zeros(len(d)), groups, **options)


def excludes_zero(test):
    return bool(test.difference.low > 0 or test.difference.high < 0)


def test_it_is_the_paired_t_test_of_scipy(rng):
    for n, shift in itertools.product((3, 10, 60), (0.0, 0.3)):
        a, b = rng.standard_normal((2, n))
        test = paired_test(a + shift, b, np.arange(n))
        theirs = scipy.stats.ttest_rel(a + shift, b)
        interval = theirs.confidence_interval(0.95)
        assert (test.test, test.groups, test.difference.n) == ("t", n, n)
        assert test.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
        assert test.difference.low == pytest.approx(interval.low, rel=1e-9)
        assert test.difference.high == pytest.approx(interval.high, rel=1e-9)


def test_groups_of_equal_size_count_as_their_means(rng):
    d = rng.standard_normal(60) + 0.3
    by_means = scipy.stats.ttest_1samp(d.reshape(20, 3).mean(axis=1), 0).pvalue
    test = of_zero(d, np.repeat(np.arange(20), 3))
    assert (test.groups, test.p_value) == (20, pytest.approx(by_means))


def test_with_infinite_differences_it_is_the_sign_test_of_scipy(rng):
    for n, positive in itertools.product((5, 12, 40), (0.5, 0.9)):
        d = np.where(rng.random(n) < positive, 1.0, -1.0) * rng.exponential(size=n)
        d[rng.integers(n)] *= INF
        d[0] = 0.0  # not counted
        more = int((d > 0).sum())
        test = of_zero(d)
        theirs = scipy.stats.binomtest(more, int((d != 0).sum())).pvalue
        bad = d == -INF  # then the mean has the sign of -inf
        agrees = not bad.any() or more < (d < 0).sum()
        assert test.test == "sign"
        assert test.p_value == pytest.approx(theirs if agrees else 1.0, rel=1e-9)


DRAWS = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "Laplace": lambda rng, n: rng.laplace(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n) - rng.lognormal(size=n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "80 % zeros": lambda rng, n: rng.standard_normal(n) * (rng.random(n) < 0.2),
    "ties": lambda rng, n: rng.integers(-1, 2, n).astype(float),
}


@pytest.mark.parametrize("n", [2, 5, 10, 30, 300])
@pytest.mark.parametrize("name", DRAWS)
def test_two_equal_methods_differ_in_at_most_five_percent(name, n):
    """Two methods with the same distribution; 7 % is 5 % and 3 standard errors over 1,000 runs.

    The interval covers zero in the other cases, because it is that of the same test.
    """
    rng = np.random.default_rng(n)
    tests = [of_zero(DRAWS[name](rng, n)) for _ in range(1000)]
    assert sum(test.significant for test in tests) / 1000 <= 0.07
    assert [test.significant for test in tests] == [excludes_zero(test) for test in tests]


@pytest.mark.parametrize("n", [5, 10, 30, 300])
@pytest.mark.parametrize("name", ["normal", "Laplace", "lognormal"])
def test_intervals_cover_a_shift(name, n):
    """93 % is 95 % minus 3 standard errors over 1,000 runs."""
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(1000):
        d = of_zero(DRAWS[name](rng, n) + 0.5).difference
        hits += d.low <= 0.5 <= d.high or bool(np.isnan(d.low))
    assert hits / 1000 >= 0.93


def test_strongly_skewed_differences_of_few_items_are_the_limit_of_a_mean():
    """Lognormal differences about their mean: 84 %, 88 %, 94 % of 1,000 intervals (documented)."""
    rng = np.random.default_rng(0)
    found = []
    for n in (10, 30, 300):
        d = rng.lognormal(size=(1000, n)) - np.exp(0.5)
        found.append(np.mean([not of_zero(row).significant for row in d]))
    assert found == pytest.approx([0.84, 0.88, 0.94], abs=0.03)


def strange(rng):
    """Return differences with zeros, ties, infinite, huge and tiny values, and groups."""
    n = int(rng.integers(1, 40))
    d = rng.choice([rng.standard_normal(n), rng.standard_cauchy(n), np.full(n, 0.1)])
    d = d + rng.choice([0.0, 0.5, 2.0])
    for value in rng.choice([0.0, INF, -INF, 1e200, -1e308, 1e-310, 300.0, 1.0], 3):
        d[rng.random(n) < rng.choice([0.0, 0.1, 0.9])] = value
    groups = np.arange(n) if rng.random() < 0.5 else rng.integers(0, max(1, n // 3), n)
    return d, groups


def test_the_p_value_is_below_five_percent_if_and_only_if_the_interval_excludes_zero():
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(2000):
        d, groups = strange(rng)
        test = of_zero(d, groups)
        assert 0 <= test.p_value <= 1
        assert test.significant == excludes_zero(test), (d, groups)
        if test.significant:
            assert np.sign(test.difference.mean) == np.sign(test.difference.low)
        # The opposite difference has the opposite result, and so have metrics of errors.
        other = of_zero(-d, groups, higher_is_better=False)
        assert other.p_value == pytest.approx(test.p_value, rel=1e-9)
        assert other.difference.low == pytest.approx(-test.difference.high, rel=1e-9, nan_ok=True)
        seen.add((test.test, test.significant))
    assert seen == set(itertools.product(("t", "sign"), (True, False)))


def test_the_scale_does_not_matter():
    rng = np.random.default_rng(6)
    for _ in range(300):
        d = rng.standard_normal(20) + 0.5
        for power in (2.0**-900, 2.0**900):
            scaled, test = of_zero(d * power), of_zero(d)
            assert (scaled.p_value, scaled.test) == (test.p_value, test.test)
            assert scaled.difference.low == pytest.approx(test.difference.low * power)


class TestSmall:
    def test_one_group_decides_nothing(self):
        for d in ([3.0], [3.0, 4.0], [INF, INF], [-INF]):
            test = of_zero(d, np.zeros(len(d), int))
            assert (test.p_value, test.groups) == (1.0, 1)
            assert np.isnan(test.difference.low)

    def test_no_common_items_decide_nothing(self):
        test = paired_test(np.array([1.0, np.nan]), np.array([np.nan, 1.0]), [0, 1])
        assert (test.p_value, test.difference.n) == (1.0, 0)

    def test_equal_values_tie(self):
        for v in (np.zeros(9), np.full(9, INF), np.full(9, 1e308), np.linspace(20, 30, 9)):
            test = paired_test(v, v * (1 + 1e-14), range(9))
            assert (test.p_value, test.difference.mean, test.test) == (1.0, 0.0, "t")
            assert (test.difference.low, test.difference.high) == (0, 0)

    @pytest.mark.parametrize("n", [3, 5, 6, 20])
    def test_equal_differences_have_no_spread_and_are_counted(self, n):
        """The p-value of the sign test is 2^(1-n): five items are too few, six are enough."""
        test = of_zero(np.full(n, 0.5))
        assert (test.test, test.p_value) == ("sign", pytest.approx(2.0 ** (1 - n)))
        assert test.significant == excludes_zero(test) == (n >= 6)

    def test_two_groups_decide_nothing_and_three_can(self):
        test = of_zero([1.0, 1.1])
        assert (test.p_value, test.difference.mean) == (1.0, pytest.approx(1.05))
        assert np.isnan(test.difference.low)
        assert of_zero([1.0, 1.1, 1.2]).p_value == pytest.approx(0.0027, abs=1e-4)  # t = 19.05


class TestFewLargeDifferences:
    def test_one_bad_failure_does_not_hide_that_a_method_is_worse(self):
        """A method that is worse on all items and fails on one: t = 1.05 alone."""
        d = np.full(20, -3.0) + 0.1 * np.arange(20)
        d[0] = -2000.0
        assert scipy.stats.ttest_1samp(d, 0).pvalue > 0.3
        test = of_zero(d)
        assert (test.test, test.p_value) == ("sign", pytest.approx(2.0**-19))

    def test_a_mean_of_the_other_sign_is_a_tie(self):
        d = np.full(20, 0.1) + 0.001 * np.arange(20)
        d[0] = -500.0
        test = of_zero(d)
        assert (test.test, test.p_value) == ("sign", 1.0)
        assert test.difference.low < -20 < 0 < test.difference.high

    def test_a_significant_mean_is_not_replaced(self):
        d = np.r_[np.full(90, 0.1), np.full(10, -9.0)] + 0.001 * np.arange(100)
        test = of_zero(d)
        assert (test.test, test.significant, test.difference.mean < 0) == ("t", True, True)


class TestInfinite:
    @pytest.mark.parametrize("groups", [None, np.repeat(np.arange(20), 3), np.arange(60) % 7])
    def test_one_perfect_item_does_not_make_a_bad_method_good(self, rng, groups):
        n = 20 if groups is None else 60
        bad, good = 5 + rng.standard_normal(n), 15 + rng.standard_normal(n)
        bad[0] = INF
        groups = np.arange(n) if groups is None else groups
        assert ranks(np.stack([bad, good]), groups, higher_is_better=True) == [(2, 2), (1, 1)]

    def test_perfect_is_better_than_half_perfect_if_there_are_enough_items(self):
        for n, better in ((10, False), (12, True)):
            half = np.where(np.arange(n) % 2 == 0, INF, 20.0)
            test = paired_test(np.full(n, INF), half, range(n))
            assert (test.significant, excludes_zero(test)) == (better, better)

    def test_a_failure_excludes_that_a_method_is_better(self, rng):
        """An infinite error makes the mean infinite, as a huge error makes it huge."""
        for value in (-INF, -1e6):
            good, other = 20 + rng.standard_normal(30), 10 + rng.standard_normal(30)
            good[0] = value
            test = paired_test(good, other, range(30))
            assert (test.test, test.p_value) == ("sign", 1.0)
            assert ranks(np.stack([good, other]), range(30), higher_is_better=True) == [(1, 2)] * 2

    def test_a_failure_everywhere_is_last(self, rng):
        for value, higher in ((-INF, True), (-4000.0, True), (INF, False), (1e200, False)):
            v = rng.standard_normal((3, 20)) * 0.1 + [[0.0], [1.0], [2.0]]
            v[0] = value
            low, *_ = ranks(v, range(20), higher_is_better=higher)
            assert low == (3, 3)

    def test_failures_on_different_items_decide_nothing(self):
        a, b = np.full(20, 9.0), np.zeros(20)
        a[0] = b[1] = -INF
        test = paired_test(a, b, range(20))
        assert (test.p_value, test.difference.low, test.difference.high) == (1.0, -INF, INF)

    def test_metrics_of_which_less_is_better(self, rng):
        """An RMSE of 0 is ordinary; a system error of -inf dB is perfect, one of +inf a failure."""
        error = -20 + rng.standard_normal((2, 20))
        error[0, 0] = -INF
        error[0, 1:] += 5  # worse but for one perfect item
        metric = METRICS["system_error"]
        assert compare_all(metric, error, range(20)).ranks(2) == [(2, 2), (1, 1)]
        rmse = rng.uniform(1, 2, (2, 20))
        rmse[0] += 1
        rmse[0, 0] = 0
        assert compare_all(METRICS["rmse"], rmse, range(20)).ranks(2) == [(2, 2), (1, 1)]

    def test_decibels_below_the_precision_of_float64_count_as_infinite(self, rng):
        bad, good = 5 + rng.standard_normal(20), 15 + rng.standard_normal(20)
        bad[0] = 6000.0  # an estimate of 1e-300 for a silent item
        test = compare_pair(METRICS["psnr"], bad, good, range(20))
        assert (test.test, test.significant, test.difference.mean < 0) == ("sign", True, True)

    @pytest.mark.parametrize("name", ["psnr", "psnr_global"])
    def test_all_perfect_methods_tie(self, name):
        v = np.full((3, 20), INF)
        found = compare_all(METRICS[name], v, range(20))
        assert found.ranks(3) == [(1, 3)] * 3


def test_adjusted_p_values_are_those_of_all_pairs(rng):
    v = rng.standard_normal((4, 30)) + 0.4 * np.arange(4)[:, None]
    found = pair_tests(v, range(30), higher_is_better=True)
    raw = [scipy.stats.ttest_rel(v[a], v[b]).pvalue for a, b in itertools.combinations(range(4), 2)]
    steps = np.sort(raw) * np.arange(6, 0, -1)
    expected = np.minimum(np.maximum.accumulate(steps), 1)
    assert sorted(found.adjusted.values()) == pytest.approx(expected.tolist(), rel=1e-9)
    assert all(found.adjusted[pair] >= test.p_value for pair, test in found.tests.items())


def test_errors_and_their_difference_in_decibels_have_one_test(rng):
    """psnr_global: the p-value belongs to the linearized difference whose interval is shown."""
    metric = METRICS["psnr_global"]
    for _ in range(200):
        a, b = 20 + 3 * rng.standard_normal((2, 15))
        test = compare_pair(metric, a + rng.uniform(0, 3), b, range(15))
        assert test.significant == excludes_zero(test)


@pytest.mark.parametrize(
    ("metric", "values", "expected"),
    [
        ("psnr", [20.0, 24.0, 10.0], 18.0),
        ("psnr", [20.0, 24.0, INF, 10.0], 20.0),  # the lower median
        ("psnr", [INF, INF], INF),
        ("psnr", [20.0, -INF], -INF),
        ("psnr", [INF, -INF], -INF),
        ("rmse", [1.0, 3.0], -2.0),
        ("rmse", [1.0, INF], -INF),
        ("system_error", [-INF, -9.0, -8.0], 9.0),
        ("psnr_global", [INF, 20.0], 20 + 10 * np.log10(2)),
    ],
)
def test_the_order_of_methods(metric, values, expected):
    assert standing(METRICS[metric], np.array(values)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("mean", "higher", "best"),
    [(INF, True, True), (-INF, True, False), (INF, False, False), (0.0, False, True)],
)
def test_an_infinitely_bad_mean_is_not_bold(mean, higher, best):
    """With five items, no test can show that a method with infinite errors is worse."""
    row = {"mean": mean, "higher_is_better": higher, "rank_low": 1}
    assert is_best(row) == best
    assert not is_best({**row, "rank_low": 2})
    assert not is_best({**row, "mean": np.nan})
