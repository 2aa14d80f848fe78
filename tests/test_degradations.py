import numpy as np
import pytest

from sigbench import Gaussian, InputError, Subsample
from sigbench.degradations import Blur
from sigbench.kernels import Box


def noise_of(degradation, x, seed=3):
    pair = degradation(x, np.random.default_rng(seed), peak=10.0)
    return pair.noisy - pair.clean


def test_levels_scale_one_and_the_same_draw(rng):
    x = rng.standard_normal((1, 50))
    np.testing.assert_allclose(
        3 * noise_of(Gaussian(sigma=1.0), x), noise_of(Gaussian(sigma=3.0), x)
    )
    one, two = (noise_of(Gaussian(snr_db=db), x) for db in (0.0, 20.0))
    np.testing.assert_allclose(one, 10 * two)


def test_both_ratios_by_their_definitions(rng):
    x = rng.standard_normal((1, 1000)) + 5
    pair = Gaussian(snr=7.0)(x, rng, peak=1.0)
    assert np.std(x) / pair.sigma == pytest.approx(7)
    pair = Gaussian(snr_db=6.0)(x, rng, peak=1.0)
    assert 10 * np.log10(np.mean(x**2) / pair.sigma**2) == pytest.approx(6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [{"snr_db": -300.0}, {"snr_db": 300.0}, {"snr": 1e-15}])
def test_the_farthest_levels_are_finite(rng, dtype, level):
    x = (255 * rng.random((1, 50))).astype(dtype)
    pair = Gaussian(**level)(x, rng, peak=255.0)
    assert pair.sigma > 0
    assert np.isfinite(pair.noisy).all()
    assert pair.noisy.dtype == dtype


def test_a_silent_item_with_noise_of_a_level_is_noise(rng):
    pair = Gaussian(sigma=2.0)(np.zeros((1, 4000)), rng, peak=1.0)
    assert pair.noisy.std() == pytest.approx(2, rel=0.05)


def test_clipping_and_rounding(rng):
    x = rng.uniform(0, 10, (1, 4000))
    plain = Gaussian(sigma=3.0)(x, np.random.default_rng(0), peak=10.0).noisy
    pair = Gaussian(sigma=3.0, clip=True, round=True)(x, np.random.default_rng(0), peak=10.0)
    np.testing.assert_array_equal(pair.noisy, np.round(np.clip(plain, 0, 10)))


def test_subsample_picks_one_pixel_of_each_block_in_all_channels(rng):
    x = np.arange(2 * 8 * 12.0).reshape(2, 8, 12)
    pair = Subsample(4)(x, rng, peak=1.0)
    assert pair.noisy.shape == (2, 2, 3)
    assert pair.sigma is None
    for i, j in np.ndindex(2, 3):
        block = x[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].reshape(2, -1)
        np.testing.assert_allclose(pair.clean[:, i, j], block.mean(axis=1))
        assert any((pair.noisy[:, i, j] == pixel).all() for pixel in block.T)


def test_subsample_is_unbiased_and_uniform(rng):
    x = np.arange(16.0).reshape(1, 4, 4)
    picks = [Subsample(4)(x, rng, peak=1.0).noisy.item() for _ in range(4000)]
    counts = np.bincount(np.array(picks, int), minlength=16)
    assert np.abs(counts - 250).max() < 5 * np.sqrt(250)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(), "set one of sigma, snr and snr_db"),
        (lambda: Gaussian(sigma=1.0, snr=2.0), "sigma=1.0, snr=2.0"),
        (lambda: Gaussian(sigma=-1.0), "sigma=-1 must be >= 0"),
        (lambda: Gaussian(snr=0.0), "snr=0 must be > 0"),
        (lambda: Gaussian(snr=np.nan), "snr=nan must be > 0"),
        (lambda: Gaussian(snr=np.inf), r"snr=inf must be >= 1e-15 and <= 1e\+15"),
        (lambda: Gaussian(snr=1e-16), r"snr=1e-16 must be >= 1e-15 and <= 1e\+15"),
        (lambda: Gaussian(snr_db=-5000.0), "snr_db=-5000 must be >= -300 and <= 300"),
        (lambda: Gaussian(snr_db=5000.0), "snr_db=5000 must be >= -300 and <= 300"),
        (lambda: Gaussian(snr_db=np.nan), "snr_db=nan must be >= -300 and <= 300"),
        (lambda: Blur(Box(3), snr_db=-5000.0), "snr_db=-5000 must be >= -300 and <= 300"),
        (lambda: Blur(Box(3), snr_db=np.inf), "snr_db=inf must be >= -300 and <= 300"),
        (
            lambda: Gaussian(snr=2.0)(np.ones((1, 8)), None, peak=1.0),
            "snr=2: an item without power",
        ),
        (
            lambda: Gaussian(snr_db=2.0)(np.zeros((1, 8)), None, peak=1.0),
            "snr_db=2: an item without power has no signal-to-noise ratio; set sigma",
        ),
        (
            lambda: Blur(Box(3), snr_db=2.0)(np.zeros((1, 8)), None, peak=1.0),
            "snr_db=2: an item without power",
        ),
        (
            lambda: Gaussian(sigma=1e36)(np.ones((1, 8), np.float32), None, peak=1.0),
            r"noise of level 1e\+36 does not fit into float32: <= 3.4e\+35",
        ),
        (lambda: Subsample(1), "factor=1 must be >= 2"),
        (
            lambda: Subsample(3)(np.ones((1, 8, 9)), None, peak=1.0),
            r"factor=3 must divide .*\(8, 9\)",
        ),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
