"""The sliding DCT against a loop over its blocks, and opponent colors."""

import itertools

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from sigbench import InputError, LocalWiener, SlidingDCT
from sigbench.benchmark.suites.suite import load
from sigbench.denoisers.colors import OPPONENT, from_opponent, to_opponent


def block_by_block(channel, window, threshold):
    """Transform and threshold every block of one channel separately and average the results."""
    beyond = window - 1
    y = np.pad(channel, beyond, "symmetric")
    total, count = np.zeros_like(y), np.zeros_like(y)
    for corner in itertools.product(*(range(n - beyond) for n in y.shape)):
        block = tuple(slice(start, start + window) for start in corner)
        c = dctn(y[block], norm="ortho")
        kept = np.where(np.abs(c) > threshold, c, 0)
        kept.flat[0] = c.flat[0]
        total[block] += idctn(kept, norm="ortho")
        count[block] += 1
    inside = tuple(slice(beyond, beyond + n) for n in channel.shape)
    return (total / np.maximum(count, 1))[inside]


def wiener_block_by_block(channel, window, sigma, t=2.7):
    """Both passes, with the weights 1/Σg²."""
    beyond, pilot = window - 1, None
    y = np.pad(channel, beyond, "symmetric")
    for _ in range(2):
        total, count = np.zeros_like(y), np.zeros_like(y)
        for corner in itertools.product(*(range(n - beyond) for n in y.shape)):
            block = tuple(slice(start, start + window) for start in corner)
            c = dctn(y[block], norm="ortho")
            if pilot is None:
                gain = (np.abs(c) > t * sigma).astype(float)
            else:
                p = dctn(pilot[block], norm="ortho")
                gain = p**2 / (p**2 + sigma**2)
            gain.flat[0] = 1
            total[block] += idctn(gain * c, norm="ortho") / np.sum(gain**2)
            count[block] += 1 / np.sum(gain**2)
        inside = tuple(slice(beyond, beyond + n) for n in channel.shape)
        pilot = np.pad((total / np.maximum(count, 1e-300))[inside], beyond, "symmetric")
    return pilot[inside]


@pytest.mark.parametrize("space", [(120,), (5,), (12, 60)])
def test_the_wiener_pass_is_that_of_the_blocks(rng, space):
    y = np.cumsum(rng.standard_normal((2, 1, *space)), axis=-1)
    x = SlidingDCT(5, wiener=True)(y, sigma=np.array([0.5, 1.0]))
    for n, sigma in enumerate((0.5, 1.0)):
        expected = wiener_block_by_block(y[n, 0], 5, sigma)
        np.testing.assert_allclose(x[n, 0], expected, atol=1e-11)


def test_the_wiener_pass_needs_a_threshold():
    with pytest.raises(InputError, match="threshold_over_sigma=0 must be > 0 with wiener=true"):
        SlidingDCT(threshold_over_sigma=0.0, wiener=True)


@pytest.mark.parametrize("window", [1, 4, 8])
@pytest.mark.parametrize("space", [(120,), (5,), (1,), (12, 60), (3, 9)])
def test_estimate_is_the_mean_over_blocks(rng, window, space):
    y = rng.standard_normal((3, 2, *space)) + 1
    x = SlidingDCT(window, threshold=1.1)(y)
    for n, c in np.ndindex(3, 2):
        np.testing.assert_allclose(x[n, c], block_by_block(y[n, c], window, 1.1), atol=1e-12)


def test_the_threshold_is_per_item_in_noise_levels(rng):
    y = rng.standard_normal((2, 1, 40))
    estimates = SlidingDCT(threshold_over_sigma=3.0)(y, sigma=np.array([0.1, 0.4]))
    for item, estimate, t in zip(y, estimates, (0.3, 1.2), strict=True):
        np.testing.assert_allclose(SlidingDCT(threshold=t)(item[None])[0], estimate, atol=1e-12)


def test_zero_threshold_is_the_identity_and_a_large_one_keeps_constants(rng):
    y = rng.standard_normal((2, 3, 20, 17))
    np.testing.assert_allclose(SlidingDCT(threshold=0.0)(y), y, atol=1e-12)
    flat = np.full_like(y, 3.0)
    np.testing.assert_allclose(SlidingDCT(threshold=1e9)(flat), flat, atol=1e-12)


def test_float32_agrees_with_float64(rng):
    y = (100 * rng.random((2, 3, 32, 32))).astype(np.float32)
    exact = SlidingDCT(threshold=0.0)(y.astype(np.float64))
    np.testing.assert_allclose(SlidingDCT(threshold=0.0)(y), exact, atol=1e-4)


def test_opponent_colors_are_orthonormal(rng):
    np.testing.assert_allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-15)
    y = rng.standard_normal((4, 3, 6, 5))
    np.testing.assert_allclose(from_opponent(to_opponent(y)), y, atol=1e-14)
    assert np.linalg.norm(to_opponent(y)) == pytest.approx(np.linalg.norm(y))
    grey = np.repeat(y[:, :1], 3, axis=1)
    np.testing.assert_allclose(to_opponent(grey)[:, 1:], 0, atol=1e-14)


@pytest.mark.parametrize(
    ("as_is", "opponent"),
    [
        (SlidingDCT(threshold=1.0, colors="as-is"), SlidingDCT(threshold=1.0, colors="opponent")),
        (LocalWiener(noise=0.5), LocalWiener(noise=0.5, colors="opponent")),
    ],
    ids=["sliding-dct", "local-wiener"],
)
def test_colors_are_transformed_and_transformed_back(rng, as_is, opponent):
    y = rng.standard_normal((2, 3, 16, 16))
    expected = from_opponent(as_is(to_opponent(y)))
    np.testing.assert_allclose(opponent(y), expected, atol=1e-12)
    assert not np.allclose(opponent(y), as_is(y), atol=1e-3)
    for other in (y[:, :1], y[..., 0]):
        with pytest.raises(InputError, match=r"colors=opponent: noisy has shape \(2, "):
            opponent(other)


def test_auto_uses_opponent_colors_only_for_images_with_three_channels(rng):
    y = rng.standard_normal((2, 3, 16, 16))
    auto, as_is = SlidingDCT(threshold=1.0), SlidingDCT(threshold=1.0, colors="as-is")
    opponent = SlidingDCT(threshold=1.0, colors="opponent")
    np.testing.assert_array_equal(auto(y), opponent(y))
    for other in (y[:, :2], y[..., 0]):
        np.testing.assert_array_equal(auto(other), as_is(other))


# On 1,061 crops of the photographs chelsea and rocket, the 8×8 sliding DCT in opponent colors at
# 2.6 sigma has 29.86 dB (REFERENCE section 3), local Wiener 26.7 dB.
def test_psnr_on_photographs_is_the_reference_value():
    (problem,) = load("images32").select(problems=["gaussian-25"]).problems
    block = next(problem.blocks(1, 1061))

    def psnr(estimate):
        squares = (estimate.astype(np.float64) - block.clean) ** 2
        return np.mean(10 * np.log10(255**2 / squares.mean(axis=(1, 2, 3))))

    assert psnr(SlidingDCT(threshold_over_sigma=2.6)(block.noisy, sigma=25.0)) == pytest.approx(
        29.86, abs=0.3
    )
    plain = psnr(LocalWiener()(block.noisy, sigma=25.0))
    assert psnr(LocalWiener(colors="opponent")(block.noisy, sigma=25.0)) > plain


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SlidingDCT(0), "window=0 must be >= 1"),
        (lambda: SlidingDCT(threshold=-1.0), "threshold=-1 must be >= 0"),
        (lambda: SlidingDCT(colors="hsv"), "colors='hsv' must be one of: auto, opponent, as-is"),
        (lambda: LocalWiener(colors="auto"), "colors='auto' must be one of: as-is, opponent"),
    ],
)
def test_invalid_parameters_raise_an_error(make, message):
    with pytest.raises(InputError, match=message):
        make()
