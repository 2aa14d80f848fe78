import numpy as np
import pytest
import scipy.stats

from sigbench.statistics import holm, mean_interval, paired_p_value, ranks


def test_without_groups_it_is_students_interval(rng):
    v = rng.standard_normal(40)
    ours = mean_interval(v, np.arange(40))
    low, high = scipy.stats.t.interval(0.95, 39, loc=v.mean(), scale=scipy.stats.sem(v))
    assert (ours.mean, ours.low, ours.high, ours.n) == pytest.approx((v.mean(), low, high, 40))


def test_the_paired_test_is_students(rng):
    d = rng.standard_normal(30) + 0.3
    assert paired_p_value(d, np.arange(30)) == pytest.approx(scipy.stats.ttest_1samp(d, 0).pvalue)


def test_groups_of_equal_size_count_as_their_means(rng):
    v = np.repeat(rng.standard_normal(12), 5) + 0.1 * rng.standard_normal(60)
    groups = np.repeat(np.arange(12), 5)
    by_means = mean_interval(v.reshape(12, 5).mean(axis=1), np.arange(12))
    ours = mean_interval(v, groups)
    assert (ours.low, ours.high) == pytest.approx((by_means.low, by_means.high))
    assert ours.high - ours.low > 1.9 * (lambda m: m.high - m.low)(mean_interval(v, np.arange(60)))


@pytest.mark.parametrize("sizes", [np.ones(60, int), np.tile([1, 3, 5], 10)])
def test_intervals_cover(rng, sizes):
    """95 % nominal; 2,000 simulated runs scatter by 0.5 %."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    hits = 0
    for _ in range(2000):
        v = rng.standard_normal(len(sizes))[groups] + rng.standard_normal(len(groups))
        m = mean_interval(v, groups)
        hits += m.low <= 0 <= m.high
    assert 0.93 <= hits / 2000 <= 0.97


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


def test_ranks_count_what_is_significantly_better(rng):
    own = rng.standard_normal((5, 200))
    own -= own.mean(axis=1, keepdims=True)  # ties are exact in the mean
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


def test_two_methods_are_compared_on_the_items_that_both_have(rng):
    own = rng.standard_normal((3, 90))
    own -= own.mean(axis=1, keepdims=True)
    v = own + np.array([[0.0], [5.0], [5.0]])
    v[2, 60:] = np.nan  # the third has not seen the last ones
    v[2, :60] -= v[2, :60].mean() - v[1, :60].mean()
    assert ranks(v, np.arange(90), higher_is_better=True) == [(3, 3), (1, 2), (1, 2)]
    v[2] = np.nan
    assert ranks(v, np.arange(90), higher_is_better=True) == [(2, 3), (1, 2), (1, 3)]


def test_differences_of_rounding_are_ties(rng):
    v = rng.standard_normal(100) + 20
    assert ranks(np.stack([v, v * (1 + 1e-14)]), np.arange(100), higher_is_better=True) == [
        (1, 2),
        (1, 2),
    ]


def test_ranks_of_one():
    assert ranks(np.ones((1, 5)), np.arange(5), higher_is_better=True) == [(1, 1)]
