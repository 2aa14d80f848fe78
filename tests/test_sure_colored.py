"""SURE for any covariance, its standard deviation, and generalized cross-validation."""

import numpy as np
import pytest

from sigbench import (
    L1,
    DemoSignals,
    GaussianBlur,
    InputError,
    LocalWiener,
    SlidingDCT,
    SureTuned,
    WaveletShrink,
)
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.sure import gcv, sure
from sigbench.benchmark.methods.wrappers import Whitened
from sigbench.denoisers import Noisy
from sigbench.denoisers.noise import MAD
from sigbench.denoisers.noise.models import StationaryNoise, VaryingNoise, white_noise

METHODS = [
    Noisy(),
    GaussianBlur(2.0),
    LocalWiener(9, noise_over_sigma=1.2),
    L1(lam_over_sigma=1.0),
    WaveletShrink("haar", rule="bayes", level=4),
    WaveletShrink("haar", scale=0.4, level=4),
    SlidingDCT(16),
    SlidingDCT(16, wiener=True),
    Whitened(WaveletShrink("haar", scale=0.4, level=4), MAD()),
]
POWER = 1 / np.abs(1 - 0.8 * np.exp(-2j * np.pi * np.fft.fftfreq(512))) ** 2


def repeated(model, count):
    """Return the model of one item for several items."""
    if isinstance(model, VaryingNoise):
        return VaryingNoise(np.repeat(model.levels, count, axis=0))
    return StationaryNoise(np.repeat(model.power, count, axis=0))


def problem(kind, count, seed=3):
    """Return a clean signal, noisy items and their noise, which is about 1/4 of the signal."""
    clean = DemoSignals("bumps").item("train", 1, 0)[:, ::2]
    level = clean.std() / 4
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((count, 1, 512))
    if kind == "colored":
        model = StationaryNoise(level**2 * POWER[None] / POWER.mean())
        noise = np.fft.ifft(np.fft.fft(white) * np.sqrt(model.power)).real
    else:
        levels = level * np.repeat([0.5, 1.3], 256).reshape(1, 1, -1)
        model, noise = VaryingNoise(levels), levels * white
    return clean, clean + noise, repeated(model, count)


@pytest.mark.parametrize("kind", ["colored", "varying"])
def test_a_linear_filter_has_the_trace_with_the_covariance(kind, rng):
    """One probe per sample is exact: tr(CJ) and the variance with the whole matrices."""
    n, blur = 64, GaussianBlur(1.5)
    jacobian = blur(np.eye(n)[:, None])[:, 0].T
    if kind == "colored":
        first = np.fft.ifft(POWER[::8]).real
        covariance = np.array([np.roll(first, k) for k in range(n)])
        model = StationaryNoise(POWER[None, ::8])
    else:
        levels = np.linspace(1, 3, n)
        covariance, model = np.diag(levels**2), VaryingNoise(levels.reshape(1, 1, n))
    y = 4 * rng.standard_normal((1, 1, n))
    judged = sure(blur, y, model, probes=n)
    residual = (blur(y) - y).ravel()
    power = np.trace(covariance) / n
    exact = np.mean(residual**2) - power + 2 * np.trace(covariance @ jacobian) / n
    np.testing.assert_allclose(judged.mse, exact, rtol=1e-9)
    c_j = covariance @ jacobian
    variance = 4 * residual @ covariance @ residual - 2 * np.trace(covariance @ covariance)
    variance += 4 * np.trace(c_j @ c_j)
    np.testing.assert_allclose(judged.sd, np.sqrt(variance) / n, rtol=0.01)


def test_a_white_model_is_the_noise_level(rng):
    y = rng.standard_normal((2, 3, 16, 12))
    levels = np.array([0.0, 0.7])
    for judge in (sure, gcv):
        one = judge(LocalWiener(5), y, levels)
        two = judge(LocalWiener(5), y, white_noise(levels, 2))
        np.testing.assert_allclose(two.mse, one.mse, atol=1e-12)
        np.testing.assert_allclose(two.sd, one.sd, atol=1e-12)


@pytest.mark.parametrize("kind", ["colored", "varying"])
@pytest.mark.parametrize("method", METHODS, ids=describe)
def test_the_mean_and_the_range_hold(method, kind):
    """Over 100 items, which have the same probes; 90 % of the ranges of 2 deviations hold."""
    if kind == "varying" and isinstance(method, Whitened):
        pytest.skip("whitening uses the spectrum only")
    clean, noisy, model = problem(kind, 100)
    jumps = isinstance(method, SlidingDCT)
    judged = sure(method, noisy, model, probes=8 if jumps else 64)
    true = np.mean((judged.estimate - clean) ** 2, axis=(1, 2))
    z = (judged.mse - true) / judged.sd
    assert abs(z.mean()) < 4 * z.std() / 10 + 0.25 * jumps
    assert np.mean(np.abs(z) <= 2) >= 0.9
    assert z.std() > 0.4  # the range is not much too wide


def test_the_deviation_of_an_estimated_level_is_added():
    _, noisy, model = problem("colored", 2)
    without, with_ = (sure(Noisy(), noisy, model, power_sd=r).sd for r in (0.0, 0.5))
    np.testing.assert_allclose(with_**2 - without**2, (0.5 * model.level**2) ** 2)
    with pytest.raises(InputError, match="power_sd=-1 must be >= 0"):
        sure(Noisy(), noisy, model, power_sd=-1)


@pytest.mark.parametrize("kind", ["white", "colored"])
def test_cross_validation_of_a_linear_filter(rng, kind):
    """‖f(y) − y‖²/n/(1 − tr(CJ)/tr(C))², minus the power."""
    y = rng.standard_normal((1, 1, 64))
    model = white_noise(np.array([2.0]), 1)
    if kind == "colored":
        model = StationaryNoise(POWER[None, ::8])
    judged, risk = (judge(GaussianBlur(1.0), y, model, probes=64) for judge in (gcv, sure))
    power = model.level[0] ** 2
    misfit = np.mean((GaussianBlur(1.0)(y) - y) ** 2)
    share = (risk.mse[0] - misfit + power) / (2 * power)
    assert judged.mse[0] == pytest.approx(misfit / (1 - share) ** 2 - power)


def test_cross_validation_does_not_need_the_level():
    """The best width, with 1/3 of the level; SURE then leaves too much noise."""
    rng = np.random.default_rng(0)
    clean = np.sin(np.linspace(0, 20, 2000)).reshape(1, 1, -1)
    noisy = clean + 0.5 * rng.standard_normal(clean.shape)
    widths = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    true = [np.mean((GaussianBlur(w)(noisy) - clean) ** 2) for w in widths]
    chosen = {
        judge: int(np.argmin([judge(GaussianBlur(w), noisy, 0.17).mse[0] for w in widths]))
        for judge in (gcv, sure)
    }
    assert true[chosen[gcv]] < 1.1 * min(true)
    assert true[chosen[sure]] > 1.5 * min(true)


def test_cross_validation_of_the_input_is_its_noise_power():
    _, noisy, model = problem("colored", 2)
    np.testing.assert_allclose(gcv(Noisy(), noisy, model).mse, model.level**2)


def test_tuning_uses_the_model():
    """The scale with the lowest SURE for each item."""
    _, noisy, model = problem("colored", 2)
    tuned = SureTuned(WaveletShrink("haar", level=4), {"scale": [0.0, 0.2, 0.5, 2.0]})
    judged = [sure(one, noisy, model, probes=16) for one in tuned.candidates()]
    best = np.argmin([one.mse for one in judged], axis=0)
    for i in range(2):
        np.testing.assert_allclose(tuned(noisy, sigma=model)[i], judged[best[i]].estimate[i])
