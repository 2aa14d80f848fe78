"""Limits: the exact posterior mean, compared with brute force and with other estimators."""

import itertools
import math

import numpy as np
import pytest

from sigbench import IdealProjection, SparseSpikes, SpikesPosteriorMean
from sigbench.denoisers.limits import log_support_prior
from sigbench.transforms import Wavelet


def brute_force(y, sigma, draws, low, high):
    """Return the posterior mean as a sum over all index sequences and all values."""
    n, values = len(y), np.arange(low, high + 1)
    total, mean = 0.0, np.zeros(n)
    weight_of = {}
    for indices in itertools.product(range(n), repeat=draws):
        support = tuple(sorted(set(indices)))
        weight_of[support] = weight_of.get(support, 0) + 1 / n**draws
    for support, weight in weight_of.items():
        for chosen in itertools.product(values, repeat=len(support)):
            x = np.zeros(n)
            x[list(support)] = chosen
            p = (
                weight
                / len(values) ** len(support)
                * math.exp(-np.sum((y - x) ** 2) / (2 * sigma**2))
            )
            total += p
            mean += p * x
    return mean / total


@pytest.mark.parametrize(("n", "draws"), [(4, 3), (5, 2), (3, 4), (6, 3)])
def test_posterior_mean_against_brute_force(rng, n, draws):
    limit = SpikesPosteriorMean(draws=draws, low=2, high=5)
    for sigma in (0.5, 3.0):
        y = rng.normal(scale=4, size=(5, 1, n))
        estimate = limit(y, sigma=sigma)
        for one, clean in zip(y[:, 0], estimate[:, 0], strict=True):
            np.testing.assert_allclose(clean, brute_force(one, sigma, draws, 2, 5), atol=1e-10)


def test_the_prior_of_the_support_size_agrees_with_the_dataset(rng):
    sizes = np.array([len(set(rng.integers(100, size=20))) for _ in range(40_000)])
    k = np.arange(21)
    choose = np.array([math.comb(100, int(i)) for i in k], dtype=float)
    pmf = np.exp(log_support_prior(100, 20)) * choose
    assert pmf.sum() == pytest.approx(1)
    counted = np.bincount(sizes, minlength=21) / len(sizes)
    np.testing.assert_allclose(counted, pmf, atol=4 * np.sqrt(0.25 / len(sizes)))


def test_the_posterior_mean_is_finite_far_from_its_prior(rng):
    for scale, sigma in ((1, 1e-3), (1e3, 1.0), (50, 3.0), (1e-6, 1e-9)):
        y = scale * rng.standard_normal((3, 1, 100))
        estimate = SpikesPosteriorMean()(y, sigma=sigma)
        assert np.isfinite(estimate).all()
        assert estimate.min() >= 0
        assert estimate.max() <= 10


def test_the_posterior_mean_has_at_most_as_many_spikes_as_draws():
    """Forty samples at 10 cannot all be spikes, because at most 20 are drawn."""
    y = np.zeros((1, 1, 100))
    y[0, 0, :40] = 10.0
    estimate = SpikesPosteriorMean()(y, sigma=1.0)
    assert estimate.sum() <= 20 * 10 + 1e-6


def test_the_exact_posterior_mean_is_best_on_its_prior(rng):
    """The exact posterior mean has the smallest error; the samplewise one is close."""
    clean = np.stack([SparseSpikes().item("test", 9, i) for i in range(600)])
    noisy = clean + 3 * rng.standard_normal(clean.shape)

    def mse(**parameters):
        return np.mean((SpikesPosteriorMean(**parameters)(noisy, sigma=3.0) - clean) ** 2)

    exact = mse()
    assert exact < mse(samplewise=True) < 1.02 * exact
    for wrong in ({"draws": 12}, {"draws": 30}, {"low": 4}, {"high": 8}):
        assert exact < mse(**wrong)


def test_ideal_projection_keeps_what_exceeds_the_noise(rng):
    clean, noise = rng.normal(scale=2, size=(2, 1, 64)), rng.standard_normal((2, 1, 64))
    estimate = IdealProjection("haar").bind(clean)(clean + noise, sigma=1.0)
    basis = Wavelet("haar")
    kept = np.abs(basis.analysis(clean)) > 1
    expected = np.where(kept, basis.analysis(clean + noise), 0)
    np.testing.assert_allclose(basis.analysis(estimate), expected, atol=1e-12)
