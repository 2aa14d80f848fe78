"""Window filters, non-local means, bilateral and BM3D against scipy, brute force and identities."""

import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter
from skimage.restoration import denoise_nl_means

from sigbench import BM3D, Bilateral, InputError, Median, NonLocalMeans, SavitzkyGolay


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
def test_savitzky_golay_preserves_polynomials_up_to_its_order(rng, order):
    t = np.linspace(-1, 1, 41)
    y = np.polynomial.Polynomial(rng.standard_normal(order + 1))(t).reshape(1, 1, -1)
    np.testing.assert_allclose(SavitzkyGolay(11, order)(y), y, atol=1e-12)
    image = y * y.swapaxes(1, 2)
    np.testing.assert_allclose(SavitzkyGolay(11, order)(image[None]), image[None], atol=1e-12)


def test_savitzky_golay_is_the_least_squares_fit_of_each_window(rng):
    y = rng.standard_normal((2, 1, 30))
    x = SavitzkyGolay(window=9, order=3)(y)
    for n, i in itertools.product(range(2), range(4, 26)):
        fit = np.polynomial.Polynomial.fit(np.arange(-4, 5), y[n, 0, i - 4 : i + 5], 3)
        assert x[n, 0, i] == pytest.approx(fit(0.0))


def test_savitzky_golay_equals_scipy_along_every_axis(rng):
    y = rng.standard_normal((2, 3, 20, 17))
    theirs = savgol_filter(savgol_filter(y, 7, 2, axis=2), 7, 2, axis=3)
    np.testing.assert_allclose(SavitzkyGolay(7, 2)(y), theirs, atol=1e-12)


def test_window_longer_than_the_signal_raises_an_error():
    with pytest.raises(InputError, match=r"window=11 must be <= 9, .* \(1, 1, 20, 9\)"):
        SavitzkyGolay(11)(np.zeros((1, 1, 20, 9)))


def test_median_equals_scipy_per_channel(rng):
    y = rng.standard_normal((2, 3, 14, 15))
    x = Median(5)(y)
    for n, c in np.ndindex(2, 3):
        np.testing.assert_array_equal(x[n, c], median_filter(y[n, c], 5))


def test_median_removes_spikes_and_keeps_steps():
    step = np.repeat([0.0, 5.0], 20)
    spikes = step.copy()
    spikes[[5, 12, 30]] += 100
    np.testing.assert_array_equal(Median(3)(spikes[None, None])[0, 0], step)


@pytest.mark.parametrize("channels", [1, 3])
def test_non_local_means_equal_scikit_image(rng, channels):
    y = 10 * rng.standard_normal((2, channels, 15, 14))
    levels = np.array([1.0, 2.0])
    relative = NonLocalMeans(h_over_sigma=3.0, patch=3, distance=4)(y, sigma=levels)
    fixed = NonLocalMeans(h=5.0, patch=3, distance=4)(y, sigma=levels)
    settings = {"patch_size": 3, "patch_distance": 4, "channel_axis": -1}
    for item, one, two, level in zip(y, relative, fixed, levels, strict=True):
        image = np.moveaxis(item, 0, -1)
        theirs = denoise_nl_means(image, h=3 * level, sigma=level, **settings)
        np.testing.assert_allclose(one, np.moveaxis(theirs.reshape(image.shape), -1, 0), atol=1e-12)
        theirs = denoise_nl_means(image, h=5.0, **settings)
        np.testing.assert_allclose(two, np.moveaxis(theirs.reshape(image.shape), -1, 0), atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("offset", [0.0, -20.0])
def test_the_bilateral_filter_is_the_weighted_mean_of_pixels(rng, channels, offset):
    """Compare with brute force away from the border."""
    y = rng.random((1, channels, 25, 25)) * 10 + offset
    x = Bilateral(width=1.0, contrast=4.0)(y)
    top, bottom = 0.0, 0.0
    for down, right in itertools.product(range(-3, 4), repeat=2):
        moved = np.roll(y[0], (down, right), (1, 2))
        difference = np.sum((y[0] - moved) ** 2, axis=0)
        w = np.exp(-(down**2 + right**2) / 2 - difference / (2 * 4.0**2))
        top, bottom = top + w * moved, bottom + w
    np.testing.assert_allclose(x[0, :, 4:-4, 4:-4], (top / bottom)[:, 4:-4, 4:-4], atol=1e-10)


@pytest.mark.parametrize("scale", [1e-36, 1e-30, 1e-22, 1e-12, 1e12, 1e22, 1e34])
@pytest.mark.parametrize("given", [True, False])
def test_bilateral_filter_does_not_depend_on_the_unit(rng, scale, given):
    """Also in float32, where the square of 1e-23 is zero and that of 1e20 infinite."""
    y = np.cumsum(rng.standard_normal((2, 3, 20, 22)), axis=-1)
    levels = np.array([0.5, 2.0])
    x = Bilateral()(y, sigma=levels if given else None)
    scaled = (scale * y).astype(np.float32)
    estimate = Bilateral()(scaled, sigma=scale * levels if given else None)
    np.testing.assert_allclose(estimate / scale, x, atol=1e-4)
    fixed = Bilateral(contrast=2 * scale)(scaled)
    np.testing.assert_allclose(fixed / scale, Bilateral(contrast=2.0)(y), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bilateral_filter_with_extreme_contrasts(rng, dtype):
    y = rng.standard_normal((1, 1, 16, 16)).astype(dtype)
    np.testing.assert_allclose(Bilateral(contrast=1e-300)(y), y, rtol=1e-6)
    mean = Bilateral(contrast=1e6)(y)
    np.testing.assert_allclose(Bilateral(contrast=1e300)(y), mean, rtol=1e-4, atol=1e-6)
    zeros = np.zeros_like(y)
    np.testing.assert_array_equal(Bilateral(contrast=1e-300)(zeros), zeros)


@pytest.mark.parametrize("method", [NonLocalMeans, Bilateral])
def test_strength_in_signal_units_or_in_noise_levels(rng, method):
    y = 5 * rng.standard_normal((2, 3, 16, 16))
    name = {"NonLocalMeans": "h", "Bilateral": "contrast"}[method.__name__]
    weak, strong = method(**{name: 0.01}), method(**{name: 1e3})
    assert np.abs(weak(y) - y).max() < 1e-3
    assert strong(y).std() < 0.3 * y.std()
    adaptive = method(**{f"{name}_over_sigma": 3.0})
    estimate = adaptive(y, sigma=np.array([0.0, 5.0]))
    np.testing.assert_array_equal(estimate[0], y[0])
    assert estimate[1].std() < 0.7 * y.std()
    assert adaptive(y).std() < 0.7 * y.std()  # the level is estimated
    flat = np.full_like(y, 3.0)
    np.testing.assert_allclose(method()(flat, sigma=1.0), flat, rtol=1e-12)


@pytest.fixture
def stand_in(monkeypatch):
    """Replace the module bm3d and return the list of calls to the replacement."""
    calls = []

    def record(kind):
        def denoise(image, sigma):
            calls.append((kind, image.copy(), sigma))
            return image - sigma

        return denoise

    module = SimpleNamespace(bm3d=record("grey"), bm3d_rgb=record("rgb"))
    monkeypatch.setitem(sys.modules, "bm3d", module)
    return calls


def test_bm3d_receives_rgb_images_channel_last_in_float64(rng, stand_in):
    y = rng.standard_normal((2, 3, 9, 8)).astype(np.float32)
    x = BM3D()(y, sigma=np.array([0.5, 2.0]))
    assert [(kind, image.dtype, sigma) for kind, image, sigma in stand_in] == [
        ("rgb", np.float64, 0.5),
        ("rgb", np.float64, 2.0),
    ]
    np.testing.assert_array_equal(stand_in[1][1], np.moveaxis(y[1], 0, -1))
    np.testing.assert_allclose(x, y - np.array([0.5, 2.0]).reshape(2, 1, 1, 1), atol=1e-6)


def test_bm3d_receives_other_channels_one_by_one(rng, stand_in):
    y = rng.standard_normal((2, 2, 9, 8))
    np.testing.assert_allclose(BM3D()(y, sigma=0.5), y - 0.5)
    assert [kind for kind, *_ in stand_in] == ["grey"] * 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bm3d_of_gray_stored_as_rgb_is_that_of_gray(rng, stand_in, dtype):
    """The package divides by the range of each color difference, which gave NaN."""
    y = rng.standard_normal((1, 1, 9, 8)).astype(dtype)
    rgb = np.repeat(y, 3, axis=1)
    np.testing.assert_array_equal(BM3D()(rgb, sigma=0.5), np.repeat(BM3D()(y, sigma=0.5), 3, 1))
    tinted = rgb + np.array([3, 0, 7], dtype).reshape(1, 3, 1, 1)
    BM3D()(tinted, sigma=0.5)
    assert {kind for kind, *_ in stand_in} == {"grey"}


@pytest.mark.parametrize("space", [(8, 8), (1, 40), (40, 7)])
def test_bm3d_refuses_images_not_larger_than_a_block(stand_in, space):
    """The package ends the process for 8 × 8 pixels."""
    with pytest.raises(InputError, match="more than 8 × 8 pixels"):
        BM3D()(np.ones((1, 1, *space)), sigma=1.0)
    assert BM3D()(np.eye(9, 8)[None, None], sigma=1.0).shape == (1, 1, 9, 8)


def test_bm3d_receives_values_far_from_zero_from_their_median(rng, stand_in):
    """The package works in float32."""
    y = rng.standard_normal((1, 1, 9, 9))
    np.testing.assert_allclose(BM3D()(y + 1e8, sigma=0.5), y + 1e8 - 0.5, rtol=1e-15)
    assert np.abs(stand_in[0][1]).max() < 10


def test_bm3d_does_not_change_items_without_noise(rng, stand_in):
    y = rng.standard_normal((1, 3, 9, 8))
    np.testing.assert_array_equal(BM3D()(y, sigma=0.0), y)
    np.testing.assert_array_equal(BM3D()(np.ones_like(y), sigma=1.0), np.ones_like(y))
    assert not stand_in


def test_missing_bm3d_package_names_the_extra_and_its_license(monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)  # as if it were not installed
    with pytest.raises(InputError, match=r"pip install 'sigbench\[bm3d\]' \(free for non-comm"):
        BM3D()(np.zeros((1, 3, 8, 8)), sigma=1.0)


@pytest.mark.parametrize("method", [NonLocalMeans(), Bilateral(), BM3D()], ids=str)
def test_image_methods_raise_an_error_for_signals(method):
    message = rf"shape \(1, 1, 64\): {method.info.name} is for images, \(N, C, H, W\)"
    with pytest.raises(InputError, match=message):
        method(np.zeros((1, 1, 64)), sigma=1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SavitzkyGolay(4), "window=4 must be odd"),
        (lambda: SavitzkyGolay(5, 5), "order=5 must be < window=5"),
        (lambda: SavitzkyGolay(5, -1), "order=-1 must be >= 0"),
        (lambda: Median(2), "window=2 must be odd"),
        (lambda: Median(0), "window=0 must be >= 1"),
        (lambda: NonLocalMeans(1.0, 1.0), "set one of h and h_over_sigma"),
        (lambda: NonLocalMeans(-1.0), "h=-1 must be >= 0"),
        (lambda: NonLocalMeans(patch=4), "patch=4 must be odd"),
        (lambda: NonLocalMeans(distance=0), "distance=0 must be >= 1"),
        (lambda: Bilateral(width=0.0), "width=0 must be > 0"),
        (lambda: Bilateral(1.0, 1.0, 1.0), "set one of contrast and contrast_over_sigma"),
    ],
)
def test_invalid_parameters_raise_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()
