import numpy as np
import pytest
import scipy.stats

from sigbench.scoring.inference import holm, mean_interval, mean_of
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
def test_intervals_cover(rng, draw, low):
    """The nominal coverage is 95 %; over 1,000 simulated runs its standard error is 0.7 %."""
    hits = 0
    for _ in range(1000):
        m = mean_interval(*draw(rng))
        hits += m.low <= 0 <= m.high
    assert low <= hits / 1000 <= 0.97


def grouped(rng, n):
    """Return items in groups of 3 to 12, with equal variance within and between groups."""
    groups = np.repeat(np.arange(n), rng.integers(3, 13, size=n))
    return rng.standard_normal(n)[groups] + rng.standard_normal(len(groups)), groups


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
    assert np.isnan(mean_of(np.array([-np.inf, 1.0, np.inf])))


@pytest.mark.parametrize("scale", [1e-315, 1e-308, 1e-200, 1e200, 1e308])
def test_the_range_of_float64_does_not_limit_means(rng, scale):
    """A power of two changes no digit of a mean, nor of its interval."""
    v = rng.uniform(0.2, 0.4, 20)
    power = float(2.0 ** np.floor(np.log2(scale)))
    expected, m = mean_interval(v, range(20)), mean_interval(v * power, range(20))
    digits = 1e-6 if scale < 1e-308 else 1e-12  # subnormal numbers have fewer
    assert (m.mean / power, m.high / power) == pytest.approx(
        (expected.mean, expected.high), rel=digits
    )


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
