"""Denoisers keep their digits: long polynomial fits, large means, outliers, exact filters."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import pywt

from sigbench import Affine, LocalWiener, Pairs, SavitzkyGolay, Training
from sigbench.benchmark.methods.resolve import resolve
from sigbench.transforms import orthogonal_wavelet


def on_legendre(window, order, degree):
    t = np.linspace(-1, 1, window)
    return np.polynomial.legendre.Legendre.basis(degree)(t).reshape(1, 1, -1)


# 1001/5 with a constant 5 was 1.7e-9, 101/9 and 51/12 had lost all digits as well.
@pytest.mark.parametrize(
    ("window", "order"), [(1001, 5), (101, 9), (51, 12), (7, 6), (3, 0), (1, 0)]
)
def test_savitzky_golay_keeps_a_constant(window, order):
    y = np.full((1, 1, window + 200), 5.0)
    np.testing.assert_allclose(SavitzkyGolay(window, order)(y), y, rtol=1e-14)


def fraction_fit(window, order):
    """Return the weights of the least-squares fit at the center, exactly: Bᵀ(BBᵀ)⁻¹b_center."""
    half = window // 2
    powers = [[Fraction(t) ** k for t in range(-half, half + 1)] for k in range(order + 1)]
    gram = [[sum(a * b for a, b in zip(p, q, strict=True)) for q in powers] for p in powers]
    right = [row[half] for row in powers]
    for i in range(order + 1):  # Gaussian elimination; the matrix is positive definite
        for j in range(i + 1, order + 1):
            factor = gram[j][i] / gram[i][i]
            gram[j] = [a - factor * b for a, b in zip(gram[j], gram[i], strict=True)]
            right[j] -= factor * right[i]
    weights = [Fraction(0)] * (order + 1)
    for i in reversed(range(order + 1)):
        rest = sum(gram[i][k] * weights[k] for k in range(i + 1, order + 1))
        weights[i] = (right[i] - rest) / gram[i][i]
    return np.array(
        [float(sum(w * p[j] for w, p in zip(weights, powers, strict=True))) for j in range(window)]
    )


SHORT = [(w, o) for w in (3, 5, 9, 15, 21) for o in range(w)]
LONG = [(51, 12), (51, 30), (51, 49), (101, 9), (101, 40), (1001, 5)]


@pytest.mark.parametrize(("window", "order"), [*SHORT, *LONG])
def test_savitzky_golay_equals_the_fit_in_fractions(window, order):
    impulse = np.zeros((1, 1, 3 * window))
    impulse[..., window + window // 2] = 1
    response = SavitzkyGolay(window, order)(impulse)[0, 0]
    weights = response[window : 2 * window][::-1]
    np.testing.assert_allclose(weights, fraction_fit(window, order), atol=2e-15)


@pytest.mark.parametrize(("window", "order"), [(51, 49), (101, 60), (301, 100), (1001, 30)])
def test_savitzky_golay_keeps_polynomials_of_every_degree_up_to_the_order(window, order):
    for degree in range(order + 1):
        y = on_legendre(window, order, degree)  # bounded by 1
        np.testing.assert_allclose(SavitzkyGolay(window, order)(y), y, atol=2e-13)


def exact_wiener(y, window, sigma, border):
    """Return the local Wiener filter by its definition, from differences to the mean of y."""
    center, half = y.mean(), window // 2
    n_space = y.ndim - 2
    pad = [(0, 0)] * 2 + [(half, half)] * n_space
    outside = "symmetric" if border == "reflect" else "constant"
    values = {"constant_values": -center} if border == "zero" else {}
    z = np.pad(y - center, pad, outside, **values)
    axes = tuple(range(2, y.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(z, (window,) * n_space, axes)
    last = tuple(range(-n_space, 0))
    mean, variance = windows.mean(axis=last), windows.var(axis=last)
    power = variance.mean(axis=axes, keepdims=True) if sigma is None else sigma**2
    gain = np.maximum(variance - power, 0) / variance
    return center + mean + gain * (y - center - mean)


@pytest.mark.parametrize("shape", [(2, 1, 400), (1, 2, 24, 30)])
@pytest.mark.parametrize("sigma", [0.05, None])
@pytest.mark.parametrize("border", ["reflect", "zero"])
@pytest.mark.parametrize("ratio", [0, 1e4, 1e6, 1e8, 3.4e10])
def test_local_wiener_far_from_zero(rng, shape, sigma, border, ratio):
    """Mean 1.7e9 at a noise level of 0.05 was worse than its input."""
    x = np.sin(np.arange(np.prod(shape)).reshape(shape) / 30)
    y = x + 0.05 * rng.standard_normal(shape) + 0.05 * ratio
    for window in (3, 9):
        estimate = LocalWiener(window, border=border)(y, sigma=sigma)
        expected = exact_wiener(y, window, sigma, border)
        # With a zero border the level is estimated as that of a step from 0 to the mean.
        rtol = 1e-14 if border == "zero" and sigma is None else 1e-15
        np.testing.assert_allclose(estimate, expected, rtol=rtol, atol=1e-8)


def test_local_wiener_denoises_float32_far_from_zero(rng):
    x = np.sin(np.arange(2000) / 100).reshape(1, 1, -1)
    y = (1e5 + x + 0.5 * rng.standard_normal(x.shape)).astype(np.float32)
    assert np.std(LocalWiener(15)(y, sigma=0.5) - 1e5 - x) < 0.25


def test_one_huge_sample_does_not_disturb_its_line(rng):
    y = rng.standard_normal((1, 1, 400))
    spoiled = y.copy()
    spoiled[0, 0, 100] = 1e8
    expected = LocalWiener(5)(y, sigma=1.0)[..., 103:]
    np.testing.assert_allclose(LocalWiener(5)(spoiled, sigma=1.0)[..., 103:], expected, atol=1e-12)


def test_an_item_far_from_zero_does_not_change_the_bits_of_the_others(rng):
    y = rng.standard_normal((3, 1, 100))
    alone = LocalWiener(5)(y)
    y[1] += 1e9
    np.testing.assert_array_equal(LocalWiener(5)(y)[[0, 2]], alone[[0, 2]])


# A shift of the input shifts the estimate, within the rounding of the shifted input.
SHIFTED = [
    "gaussian-blur[width=1]",
    "savitzky-golay",
    "median",
    "hampel",
    "moving-average",
    "butterworth[cutoff=0.1]",
    "butterworth[cutoff=0.1,causal=true]",
    "notch[frequency=0.1]",
    "kalman[acceleration_over_sigma=0.1]",
    "kalman[acceleration_over_sigma=0.1,causal=true]",
    "local-wiener",
    "l1[transform=dct,lam_over_sigma=2]",
    "wavelet",
    "wavelet[rule=sure,shifts=2]",
    "wavelet[rule=bayes,shifts=all]",
    "block-wavelet",
    "tv[lam_over_sigma=1]",
    "sliding-dct",
]


@pytest.mark.parametrize("spec", SHIFTED)
@pytest.mark.parametrize("sigma", [0.05, None])
@pytest.mark.parametrize("ratio", [1e6, 1e8])
def test_a_large_mean_costs_no_digits(rng, spec, sigma, ratio):
    denoise = resolve(spec)[0].entry
    far = np.sin(np.arange(256) / 30).reshape(1, 1, -1) + 0.05 * ratio
    far += 0.05 * rng.standard_normal(far.shape)
    near = far - 0.05 * ratio  # exact
    error = denoise(far, sigma=sigma) - 0.05 * ratio - denoise(near, sigma=sigma)
    assert np.sqrt(np.mean(error**2)) < 1e-14 * ratio * 0.05


ORTHOGONAL = [
    name
    for name in pywt.wavelist(kind="discrete")
    if name != "dmey" and pywt.Wavelet(name).orthogonal
]


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_filters_are_orthonormal_with_vanishing_moments(name):
    """In exact arithmetic; the tables of PyWavelets for sym2 to sym20 are off by up to 1.5e-11."""
    wavelet = orthogonal_wavelet(name)
    low, high = ([Fraction(x) for x in f] for f in (wavelet.rec_lo, wavelet.rec_hi))
    n = len(low)
    for k, (a, b) in itertools.product(range(n // 2), [(low, low), (high, high), (low, high)]):
        product = sum(x * y for x, y in zip(a[2 * k :], b, strict=False))
        assert abs(product - (k == 0 and a is b)) < 1e-15
    t = np.linspace(-1, 1, n)
    for degree in range(wavelet.vanishing_moments_psi):
        assert abs(np.polynomial.chebyshev.Chebyshev.basis(degree)(t) @ wavelet.dec_hi) < 4e-15
    np.testing.assert_allclose(wavelet.dec_lo, pywt.Wavelet(name).dec_lo, atol=2e-11)
    assert wavelet.orthogonal
    assert wavelet.dec_len == n


@pytest.mark.parametrize("name", ["sym2", "sym4", "sym8", "sym20", "db8", "coif3"])
def test_details_of_a_constant_are_zero_and_it_comes_back(name):
    y = np.full((1, 1, 512), 1.7e9)
    details = pywt.wavedec(y, orthogonal_wavelet(name), "periodization", 3)[1:]
    assert max(np.abs(d).max() for d in details) < 1e-14 * 1.7e9
    estimate = resolve(f"wavelet[wavelet={name},level=3]")[0].entry(y, sigma=1.0)
    np.testing.assert_allclose(estimate, y, rtol=1e-14)


def test_only_refined_wavelets_have_new_keys():
    """Values with other wavelets keep their bits, and so their finished cells."""
    for spec in ("wavelet[wavelet={}]", "block-wavelet[wavelet={}]", "l1[transform=wavelet[wavelet={}],lam=1]",
                 "ideal-projection[wavelet={}]", "speech-wavelet[wavelet={},fs=8000]"):  # fmt: skip
        assert "refined" not in repr(resolve(spec.format("sym8"))[0].entry)
        for name, refined in (("haar", False), ("db4", False), ("coif1", False), ("sym4", True)):
            assert ("'refined': True" in str(identity_of(spec.format(name)))) is refined


def identity_of(spec):
    from sigbench.core.fingerprint import identity

    return identity(resolve(spec)[0].entry)


def test_affine_of_constant_items_is_their_mean():
    pairs = Pairs(np.full((2, 1, 4), 3.0), np.full((2, 1, 4), 1.0))
    fitted = Affine().fit(Training(pairs, pairs, lambda n, rng: pairs, 10.0), rng=None)
    np.testing.assert_array_equal(fitted(pairs.noisy), pairs.target)
