import itertools

import numpy as np
import pytest
import scipy.stats

from sigbench.scoring import inference
from sigbench.scoring.inference import (
    _signed_rank_tail,
    bootstrap_interval,
    holm,
    mean_interval,
    paired_p_value,
)
from sigbench.scoring.ranks import ranks


def test_without_groups_it_is_the_t_interval(rng):
    v = rng.standard_normal(40)
    ours = mean_interval(v, np.arange(40))
    low, high = scipy.stats.t.interval(0.95, 39, loc=v.mean(), scale=scipy.stats.sem(v))
    assert (ours.mean, ours.low, ours.high, ours.n) == pytest.approx((v.mean(), low, high, 40))


def test_groups_of_equal_size_count_as_their_means(rng):
    v = np.repeat(rng.standard_normal(12), 5) + 0.1 * rng.standard_normal(60)
    groups = np.repeat(np.arange(12), 5)
    by_means = mean_interval(v.reshape(12, 5).mean(axis=1), np.arange(12))
    ours = mean_interval(v, groups)
    assert (ours.low, ours.high) == pytest.approx((by_means.low, by_means.high))
    assert ours.high - ours.low > 1.9 * (lambda m: m.high - m.low)(mean_interval(v, np.arange(60)))


@pytest.mark.parametrize(
    ("draw", "low"),
    [
        (lambda rng: (rng.standard_normal(200), np.arange(200)), 0.93),
        (lambda rng: (rng.exponential(size=200) - 1, np.arange(200)), 0.93),
        (lambda rng: grouped(rng, 25), 0.92),
        (lambda rng: grouped(rng, 8), 0.92),
    ],
    ids=["normal", "skewed", "25 groups", "8 groups"],
)
def test_both_intervals_cover(rng, draw, low):
    """The nominal coverage is 95 %; over 1,000 simulated runs its standard error is 0.7 %."""
    hits = np.zeros(2)
    for _ in range(1000):
        values, groups = draw(rng)
        by_t = mean_interval(values, groups)
        resampled = bootstrap_interval(values, groups, rng=rng, resamples=399)
        hits += [m.low <= 0 <= m.high for m in (by_t, resampled)]
    assert (hits / 1000 >= low).all(), hits
    assert (hits / 1000 <= 0.97).all(), hits


def grouped(rng, n):
    """Return items in groups of 3 to 12, with equal variance within and between groups."""
    groups = np.repeat(np.arange(n), rng.integers(3, 13, size=n))
    return rng.standard_normal(n)[groups] + rng.standard_normal(len(groups)), groups


def test_the_bootstrap_agrees_with_scipy(rng):
    v = rng.exponential(size=400)
    ours = bootstrap_interval(v, np.arange(400), rng=rng, resamples=4999)
    theirs = scipy.stats.bootstrap((v,), np.mean, method="BCa", rng=rng).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


@pytest.mark.parametrize("max_draws", [1, 100, 2**17])
def test_the_bootstrap_in_blocks_is_a_loop_over_resamples(rng, monkeypatch, max_draws):
    """Each resample draws its groups in turn; the size of a block of resamples has no effect."""
    monkeypatch.setattr(inference, "MAX_DRAWS", max_draws)
    v, groups = grouped(rng, 15)
    ours = bootstrap_interval(v, groups, rng=np.random.default_rng(1), resamples=199)
    t, draws = [], np.random.default_rng(1)
    for _ in range(199):
        parts = [v[groups == g] for g in draws.integers(15, size=15)]
        labels = np.repeat(np.arange(15), [len(part) for part in parts])
        m = mean_interval(np.concatenate(parts), labels)
        t.append((m.mean - v.mean()) * scipy.stats.t.ppf(0.975, 14) / (m.high - m.mean))
    low, high = np.quantile(t, [0.025, 0.975], method="nearest")
    m = mean_interval(v, groups)
    error = (m.high - m.mean) / scipy.stats.t.ppf(0.975, 14)
    expected = (m.mean - high * error, m.mean - low * error)
    assert (ours.low, ours.high) == pytest.approx(expected, rel=1e-9)


def test_the_bootstrap_is_reproducible_and_resamples_groups(rng):
    v, groups = grouped(rng, 30)
    one, two = (bootstrap_interval(v, groups, rng=np.random.default_rng(1)) for _ in range(2))
    assert one == two
    alone = bootstrap_interval(v, np.arange(len(v)), rng=np.random.default_rng(1))
    assert one.high - one.low > 1.5 * (alone.high - alone.low)


def test_a_bootstrap_without_spread_or_groups():
    assert bootstrap_interval(np.zeros(5), range(5), rng=np.random.default_rng(0)).high == 0
    one = bootstrap_interval(np.arange(3.0), [0, 0, 0], rng=np.random.default_rng(0))
    assert np.isnan(one.low)


def test_the_paired_p_value_is_the_larger_of_t_and_wilcoxon(rng):
    for shift in (0.1, 0.3):
        d = rng.standard_normal(60) + shift
        both = (scipy.stats.ttest_1samp(d, 0).pvalue, scipy.stats.wilcoxon(d).pvalue)
        assert paired_p_value(d, np.arange(60)) == pytest.approx(max(both))
    groups = np.repeat(np.arange(20), 3)
    by_means = scipy.stats.ttest_1samp(d.reshape(20, 3).mean(axis=1), 0).pvalue
    assert paired_p_value(d, groups) == pytest.approx(by_means)


@pytest.mark.parametrize(
    ("n", "kind"),
    [(30, "continuous"), (50, "continuous"), (51, "continuous"), (400, "ties"), (400, "zeros")],
)
def test_the_signed_rank_test_agrees_with_scipy(rng, n, kind):
    d = rng.standard_normal(n) + 0.3
    if kind == "ties":
        d = np.round(4 * d) / 4 + 0.125
    elif kind == "zeros":
        d[::3] = 0
    theirs = scipy.stats.wilcoxon(d, alternative="greater").pvalue
    assert _signed_rank_tail(d) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("zeros", [0, 3])
def test_the_signed_rank_test_of_few_items_is_exact_with_ties(rng, zeros):
    """Compare with the enumeration of all 2ⁿ signs."""
    size = np.round(2 * np.abs(rng.standard_normal(9))) + 1
    d = size * np.sign(rng.standard_normal(9) + 0.5)
    rank = scipy.stats.rankdata(size)
    sums = [rank[np.array(signs)].sum() for signs in itertools.product([False, True], repeat=9)]
    expected = np.mean(np.array(sums) >= rank[d > 0].sum())
    assert len(set(size)) < 9
    assert _signed_rank_tail(np.r_[d, np.zeros(zeros)]) == pytest.approx(expected, rel=1e-12)


def test_mean_and_ranks_in_opposite_directions_are_a_tie():
    d = np.array([0.1] * 90 + [-9.0] * 10)  # usually better, sometimes much worse
    assert scipy.stats.wilcoxon(d).pvalue < 1e-6
    assert scipy.stats.ttest_1samp(d, 0).pvalue < 0.01
    assert paired_p_value(d, np.arange(100)) == 1.0


def test_equal_methods_tie_at_the_nominal_level(rng):
    """Eight equal methods all tie in at least 95 % of runs (Holm is conservative)."""
    tied = 0
    for _ in range(200):
        v = rng.standard_normal((8, 100)) + rng.standard_normal(100)
        tied += ranks(v, np.arange(100), higher_is_better=True) == [(1, 8)] * 8
    assert tied / 200 >= 0.95


def test_a_single_group_has_no_interval():
    m = mean_interval(np.array([1.0, 2.0]), ["a", "a"])
    assert m.mean == 1.5
    assert np.isnan([m.low, m.high]).all()


def test_infinite_values_stay_infinite_means():
    m = mean_interval(np.array([1.0, np.inf]), [0, 1])
    assert m.mean == np.inf
    assert np.isnan(m.low)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.9])), [0.09, 0.04, 0.09, 0.9])


def test_ranks_count_significantly_better_methods(rng):
    own = rng.standard_normal((5, 200))
    own -= own.mean(axis=1, keepdims=True)  # ties have exactly equal means
    v = rng.standard_normal(200) + own + np.array([[0], [0], [5], [5], [9]])
    assert ranks(v, np.arange(200), higher_is_better=True) == [
        (4, 5),
        (4, 5),
        (2, 3),
        (2, 3),
        (1, 1),
    ]
    assert ranks(v, np.arange(200), higher_is_better=False) == [
        (1, 2),
        (1, 2),
        (3, 4),
        (3, 4),
        (5, 5),
    ]


def test_two_methods_are_compared_on_their_common_items(rng):
    own = rng.standard_normal((3, 90))
    own -= own.mean(axis=1, keepdims=True)
    v = own + np.array([[0.0], [5.0], [5.0]])
    v[2, 60:] = np.nan  # the third was not run on the last items
    v[2, :60] -= v[2, :60].mean() - v[1, :60].mean()
    assert ranks(v, np.arange(90), higher_is_better=True) == [(3, 3), (1, 2), (1, 2)]
    v[2] = np.nan
    assert ranks(v, np.arange(90), higher_is_better=True) == [(2, 3), (1, 2), (1, 3)]


def test_rounding_differences_are_ties(rng):
    v = rng.standard_normal(100) + 20
    assert ranks(np.stack([v, v * (1 + 1e-14)]), np.arange(100), higher_is_better=True) == [
        (1, 2),
        (1, 2),
    ]


def test_ranks_of_one():
    assert ranks(np.ones((1, 5)), np.arange(5), higher_is_better=True) == [(1, 1)]
