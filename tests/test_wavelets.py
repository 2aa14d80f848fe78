"""Wavelet thresholding: hybrid SureShrink, stationary transform, blocks, colored noise."""

import numpy as np
import pytest
import pywt
from scipy.signal import lfilter

from sigbench import BlockShrink, InputError, WaveletShrink
from sigbench.denoisers.wavelet import _hybrid, _sure


def blocks(n=1024, snr=7):
    """Return the signal Blocks, scaled for noise of level 1 as by Donoho and Johnstone."""
    x = np.asarray(pywt.data.demo_signal("Blocks", n))
    return x * snr / x.std()


def test_hybrid_uses_the_universal_threshold_for_sparse_details(rng):
    """For pure noise SURE often chooses less, the reason for the hybrid rule (1995, section 2.4)."""
    noise, one = rng.standard_normal((2, 200, 1, 256)), np.ones((200, 1))
    assert (_hybrid(noise[0], one, 256, 256) == np.sqrt(2 * np.log(256))).mean() > 0.95
    assert (_sure(noise[0], one, 256, 256) < np.sqrt(2 * np.log(256)) - 1e-9).mean() > 0.5
    dense = 3 * noise[0] + noise[1]
    np.testing.assert_array_equal(_hybrid(dense, one, 256, 256), _sure(dense, one, 256, 256))


def test_hybrid_is_better_than_sure_for_pure_noise(rng):
    y = rng.standard_normal((200, 1, 256))
    remaining = {
        rule: np.mean(WaveletShrink(rule=rule)(y, sigma=1.0) ** 2) for rule in ("sure", "hybrid")
    }
    assert remaining["hybrid"] < remaining["sure"]


@pytest.mark.parametrize("shrink", ["soft", "hard", "garrote", "firm"])
@pytest.mark.parametrize("shape", [(2, 1, 64), (2, 3, 16, 32)])
def test_all_shifts_are_the_stationary_transform(rng, shrink, shape):
    """With one threshold, the mean over all shifts is the estimate of the stationary transform."""
    y = 3 * rng.standard_normal(shape)
    options = {"wavelet": "db2", "level": 2, "shrink": shrink}
    spun = WaveletShrink(shifts=4, **options)(y, sigma=1.0)
    np.testing.assert_allclose(
        WaveletShrink(shifts="all", **options)(y, sigma=1.0), spun, atol=1e-9
    )


@pytest.mark.parametrize("rule", ["visu", "sure", "hybrid", "bayes"])
def test_stationary_estimate_commutes_with_shifts(rng, rule):
    y = blocks(100) + rng.standard_normal((2, 1, 100))  # not a power of two
    denoise = WaveletShrink("sym4", rule=rule, shifts="all")
    moved = np.roll(denoise(np.roll(y, 13, -1), sigma=1.0), -13, -1)
    np.testing.assert_allclose(moved, denoise(y, sigma=1.0), atol=1e-9)


@pytest.mark.parametrize("rule", ["visu", "sure", "hybrid", "bayes"])
def test_translation_invariance_reduces_the_error(rng, rule):
    """Coifman and Donoho 1995: the error on Blocks is smaller for every rule."""
    x = blocks()
    y = x + rng.standard_normal((20, 1, 1024))
    plain, all_shifts = (
        np.mean((WaveletShrink("haar", rule=rule, shifts=s)(y, sigma=1.0) - x) ** 2)
        for s in (1, "all")
    )
    assert all_shifts < plain


def test_noise_level_per_subband_reduces_the_error_for_colored_noise(rng):
    """Johnstone and Silverman 1997: AR(1) noise is stronger in the coarse details."""
    x = blocks()
    white = rng.standard_normal((20, 1, 1200))
    noise = lfilter([1], [1, -0.8], white)[..., 176:] * np.sqrt(1 - 0.64)
    y = x + noise
    one, by_level = (
        np.mean((WaveletShrink("haar", level=5, rule="sure", by_level=b)(y) - x) ** 2)
        for b in (False, True)
    )
    assert by_level < 0.7 * one


def test_block_shrink_equals_a_loop(rng):
    """BlockJS as in the paper, block by block; the last block of a band may be shorter."""
    y = blocks(256) + rng.standard_normal(256)
    parts = pywt.wavedec(y, "sym4", "periodization", 3)
    size = round(np.log(256))
    for band in parts[1:]:
        for start in range(0, len(band), size):
            part = band[start : start + size]
            part *= max(0, 1 - 4.50524 * len(part) / np.sum(part**2))
    expected = pywt.waverec(parts, "sym4", "periodization")
    estimate = BlockShrink("sym4", level=3)(y.reshape(1, 1, -1), sigma=1.0)[0, 0]
    np.testing.assert_allclose(estimate, expected, atol=1e-10)


def test_block_shrink_removes_pure_noise(rng):
    """λ is chosen so that a block of pure noise survives with probability below 1/n."""
    y = rng.standard_normal((50, 1, 1024))
    coarse = WaveletShrink("haar", shrink="hard", scale=1e9)(y, sigma=1.0)
    remaining = np.mean((BlockShrink("haar")(y, sigma=1.0) - coarse) ** 2)
    assert remaining < 1e-3


def test_blocks_of_an_image_are_squares():
    y = np.zeros((1, 1, 32, 32))
    y[0, 0, 8, 8] = 50.0
    x = BlockShrink("haar", level=1)(y, sigma=1.0)
    rows, columns = np.nonzero(x[0, 0])
    assert np.ptp(rows) == np.ptp(columns) == 1  # one detail of each orientation, 2×2 pixels


@pytest.mark.parametrize("make", [WaveletShrink, BlockShrink])
def test_level_too_deep_for_the_length_raises_an_error(make):
    with pytest.raises(InputError, match=r"level=9 must be <= 5 for haar on items of \(32,\)"):
        make("haar", level=9)(np.ones((1, 1, 32)), sigma=1.0)


def test_stationary_level_too_deep_raises_an_error():
    with pytest.raises(InputError, match=r"level=64 is too deep for items of \(32,\)"):
        WaveletShrink("haar", level=64, shifts="all")(np.ones((1, 1, 32)), sigma=1.0)


def test_nearly_orthogonal_wavelet_raises_an_error():
    with pytest.raises(InputError, match="wavelet='dmey' is unknown: use haar, dbN, symN or coifN"):
        WaveletShrink("dmey")
