import numpy as np
import pytest

from sigbench import Gaussian, InputError, Subsample
from sigbench.core.fingerprint import identity
from sigbench.datasets import SpeechSmoke
from sigbench.problems.base import Context
from sigbench.problems.colored import Colored
from sigbench.problems.degradations import DEGRADATIONS, Blur, Impulse, Poisson, Recorded
from sigbench.problems.disturbances import Hum, Spikes, Varying
from sigbench.problems.kernels import Box
from sigbench.problems.mixing import Mix
from sigbench.problems.noises import White
from sigbench.problems.photons import PoissonGaussian
from sigbench.problems.rounding import Rounded
from sigbench.problems.spectra import PinkSpectrum


def noise_of(degradation, x, seed=3):
    pair = degradation(x, np.random.default_rng(seed), peak=10.0)
    return pair.noisy - pair.clean


def test_levels_scale_one_draw(rng):
    x = rng.standard_normal((2, 1, 50))
    np.testing.assert_allclose(
        3 * noise_of(Gaussian(sigma=1.0), x), noise_of(Gaussian(sigma=3.0), x)
    )
    one, two = (noise_of(Gaussian(snr_db=db), x) for db in (0.0, 20.0))
    np.testing.assert_allclose(one, 10 * two)


def test_snr_and_snr_db_by_their_definitions(rng):
    x = rng.standard_normal((1, 1, 1000)) + 5
    pair = Gaussian(snr=7.0)(x, rng, peak=1.0)
    assert np.std(x) / pair.sigma == pytest.approx(7)
    pair = Gaussian(snr_db=6.0)(x, rng, peak=1.0)
    assert 10 * np.log10(np.mean(x**2) / pair.sigma**2) == pytest.approx(6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("level", [{"snr_db": -300.0}, {"snr_db": 300.0}, {"snr": 1e-15}])
def test_extreme_levels_are_finite(rng, dtype, level):
    x = (255 * rng.random((1, 1, 50))).astype(dtype)
    pair = Gaussian(**level)(x, rng, peak=255.0)
    assert pair.sigma > 0
    assert np.isfinite(pair.noisy).all()
    assert pair.noisy.dtype == dtype


def test_a_silent_item_gets_noise_of_an_absolute_level(rng):
    pair = Gaussian(sigma=2.0)(np.zeros((1, 1, 4000)), rng, peak=1.0)
    assert pair.noisy.std() == pytest.approx(2, rel=0.05)


def test_clipping_and_rounding(rng):
    x = rng.uniform(0, 10, (1, 1, 4000))
    plain = Gaussian(sigma=3.0)(x, np.random.default_rng(0), peak=10.0).noisy
    pair = Gaussian(sigma=3.0, clip=True, round=True)(x, np.random.default_rng(0), peak=10.0)
    np.testing.assert_array_equal(pair.noisy, np.round(np.clip(plain, 0, 10)))


def test_subsample_picks_one_pixel_of_each_block_in_all_channels(rng):
    x = np.arange(2 * 2 * 8 * 12.0).reshape(2, 2, 8, 12)
    pair = Subsample(4)(x, rng, peak=1.0)
    assert pair.noisy.shape == (2, 2, 2, 3)
    assert pair.sigma is None
    for n, i, j in np.ndindex(2, 2, 3):
        block = x[n, :, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].reshape(2, -1)
        np.testing.assert_allclose(pair.clean[n, :, i, j], block.mean(axis=1))
        assert any((pair.noisy[n, :, i, j] == pixel).all() for pixel in block.T)


def test_subsample_is_unbiased_and_uniform(rng):
    x = np.tile(np.arange(16.0).reshape(4, 4), (4000, 1, 1, 1))
    picks = Subsample(4)(x, rng, peak=1.0).noisy
    counts = np.bincount(picks.ravel().astype(int), minlength=16)
    assert np.abs(counts - 250).max() < 5 * np.sqrt(250)


ONE_OF_EACH = {
    "gaussian": Gaussian(sigma=2.0, sigma_to=9.0, clip=True),
    "poisson": Poisson(30.0),
    "impulse": Impulse(0.3),
    "subsample": Subsample(2),
    "blur": Blur(Box(3), sigma=1.0),
    "recorded": Recorded(),
    "mix": Mix(White(), snr_db=5.0).in_context(Context(SpeechSmoke(), "test")),
    "colored": Colored(PinkSpectrum(), snr_db=5.0),
    "poisson-gaussian": PoissonGaussian(gain=0.5, sigma=1.0),
    "spikes": Spikes(amount=0.1, sigma=1.0),
    "hum": Hum(0.1, sigma=1.0),
    "varying": Varying(factor=3.0, change="ramp", sigma=1.0),
    "rounded": Rounded(step_over_sigma=0.5, sigma=1.0),
}


def test_every_degradation_is_covered():
    assert set(ONE_OF_EACH) == set(DEGRADATIONS)


@pytest.mark.parametrize("degradation", ONE_OF_EACH.values(), ids=ONE_OF_EACH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_source_are_kept(degradation, dtype):
    channels = 1 if isinstance(degradation, Mix) else 2
    source = np.random.default_rng(0).uniform(0, 9, (3, channels, 8)).astype(dtype)
    before = source.copy()
    made = degradation(source, np.random.default_rng(1), peak=9.0)
    again = degradation(source, np.random.default_rng(1), peak=9.0)
    np.testing.assert_array_equal(made.noisy, again.noisy)
    np.testing.assert_array_equal(source, before)
    assert made.clean.dtype == made.noisy.dtype == dtype
    assert made.clean.shape == made.noisy.shape
    assert (made.sigma is not None) == degradation.sigma_known
    if degradation.sigma_known:
        assert (made.sigma.shape, made.sigma.dtype) == ((3,), dtype)


def test_a_range_of_levels_is_drawn_per_item(rng):
    blind = Gaussian(sigma=2.0, sigma_to=6.0)
    made = blind(np.zeros((4000, 1, 100)), rng, peak=1.0)
    assert (made.sigma >= 2).all()
    assert (made.sigma < 6).all()
    assert made.sigma.mean() == pytest.approx(4, abs=0.1)  # 4 ± 0.02
    measured = made.noisy.std(axis=(1, 2))
    assert np.corrcoef(measured, made.sigma)[0, 1] > 0.95


def test_a_range_scales_the_draw_of_one_level():
    x = np.zeros((3, 1, 50))
    plain = Gaussian(sigma=1.0)(x, np.random.default_rng(5), peak=1.0)
    blind = Gaussian(sigma=2.0, sigma_to=6.0)(x, np.random.default_rng(5), peak=1.0)
    np.testing.assert_allclose(blind.noisy, plain.noisy * blind.sigma[:, None, None])


def test_the_identity_of_a_single_level_has_no_range():
    assert "sigma_to" not in identity(Gaussian(sigma=1.0))
    assert identity(Gaussian(sigma=1.0, sigma_to=2.0))["sigma_to"] == 2.0


def test_poisson_noise_has_its_mean_and_variance(rng):
    """The mean is x and the variance peak·x/photons, in steps of peak/photons."""
    x = np.repeat([10.0, 100.0, 200.0], 40_000).reshape(3, 1, -1)
    noisy = Poisson(photons=50.0)(x, rng, peak=200.0).noisy
    np.testing.assert_allclose(noisy.mean(axis=(1, 2)), [10, 100, 200], rtol=0.02)
    np.testing.assert_allclose(noisy.var(axis=(1, 2)), [40, 400, 800], rtol=0.05)
    np.testing.assert_array_equal(noisy / 4, np.round(noisy / 4))


def test_a_larger_amount_replaces_the_same_samples_and_more(rng):
    x = np.full((1, 3, 100, 100), 0.5)
    few, many = (Impulse(a)(x, np.random.default_rng(1), peak=1.0).noisy for a in (0.1, 0.3))
    replaced = few != 0.5
    np.testing.assert_array_equal(many[replaced], few[replaced])
    assert replaced.mean() == pytest.approx(0.1, abs=0.01)
    assert few[replaced].mean() == pytest.approx(0.5, abs=0.05)
    assert (replaced.any(axis=1) & ~replaced.all(axis=1)).any()  # channels are independent


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
            lambda: Gaussian(snr=2.0)(np.ones((1, 1, 8)), None, peak=1.0),
            "snr=2: an item without power has no signal-to-noise ratio; set sigma",
        ),
        (
            lambda: Gaussian(snr_db=2.0)(np.zeros((1, 1, 8)), None, peak=1.0),
            "snr_db=2: an item without power has no signal-to-noise ratio; set sigma",
        ),
        (
            lambda: Blur(Box(3), snr_db=2.0)(np.zeros((1, 1, 8)), None, peak=1.0),
            "snr_db=2: an item without power",
        ),
        (
            lambda: Gaussian(sigma=1e36)(np.ones((1, 1, 8), np.float32), None, peak=1.0),
            r"noise level 1e\+36 must be <= 3.4e\+35 for float32",
        ),
        (
            lambda: Gaussian(sigma=0.0, sigma_to=1e36)(
                np.ones((1, 1, 8), np.float32), None, peak=1
            ),
            r"noise level 1e\+36 must be <= 3.4e\+35 for float32",
        ),
        (lambda: Subsample(1), "factor=1 must be >= 2"),
        (lambda: Gaussian(sigma=5.0, sigma_to=4.0), "sigma_to=4 must be >= 5"),
        (
            lambda: Gaussian(snr=5.0, sigma_to=4.0),
            "sigma_to=4 needs sigma, the lower end of the range",
        ),
        (lambda: Poisson(0.0), "photons=0 must be >= 1e-06"),
        (
            lambda: Poisson(9.0)(np.array([[[1.0, -2.0]]]), None, peak=1.0),
            "poisson: sample -2 must be >= 0",
        ),
        (lambda: Impulse(1.5), "amount=1.5 must be >= 0 and <= 1"),
        (lambda: Impulse(np.nan), "amount=nan must be >= 0 and <= 1"),
        (
            lambda: Subsample(3)(np.ones((1, 1, 8, 9)), None, peak=1.0),
            r"factor=3 must divide the item's lengths \(8, 9\)",
        ),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
