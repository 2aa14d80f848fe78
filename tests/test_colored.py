"""Methods in colored noise: they equal those for white noise where the model is white."""

import numpy as np
import pytest

from sigbench import InputError
from sigbench.benchmark.methods.resolve import resolve
from sigbench.benchmark.methods.wrappers import Whitened, WithNoise
from sigbench.denoisers import DENOISERS, Noisy, WaveletShrink
from sigbench.denoisers.coefficient_noise import coefficient_levels
from sigbench.denoisers.filtered_noise import (
    autocovariance,
    block_levels,
    cosine_spectrum,
    frame_spectrum,
    subband_levels,
)
from sigbench.denoisers.noise import MAD
from sigbench.denoisers.noise.models import StationaryNoise, VaryingNoise, white_noise
from sigbench.transforms import DCT, DFT, STFT, Identity, OversampledDFT, StationaryWavelet, Wavelet

METHODS = [
    "wavelet",
    "wavelet[rule=bayes,wavelet=haar,shifts=2]",
    "wavelet[rule=sure,wavelet=haar,shifts=all]",
    "wavelet[rule=hybrid,wavelet=haar,by_level=true]",
    "block-wavelet[wavelet=haar]",
    "sliding-dct",
    "sliding-dct[window=5,threshold=1,colors=as-is]",
    "local-wiener[window=5]",
    "local-wiener[window=5,border=zero,noise_over_sigma=1.2]",
    "local-wiener[noise=1]",
    "l1[transform=dct,lam_over_sigma=1]",
    "l1[transform=dft,lam_over_sigma=1]",
    "l1[transform=identity,lam=1]",
    "gmc[transform=wavelet[wavelet=haar],lam_over_sigma=1]",
    "l1[transform=stationary-wavelet[wavelet=haar,level=2],lam_over_sigma=1]",
    "gaussian-blur",
    "savitzky-golay",
    "median",
    "moving-average",
    "hampel",
    "sliding-dct[wiener=true]",
    "noisy",
]
SPACES = [(64,), (37,), (32, 30)]


def ar(space, pole=0.8, levels=(1.0,)):
    """Return autoregressive noise of the first order along every axis."""
    power = np.ones(space)
    for axis, n in enumerate(space):
        one = 1 / np.abs(1 - pole * np.exp(-2j * np.pi * np.fft.fftfreq(n))) ** 2
        power = power * one.reshape(-1, *[1] * (len(space) - axis - 1))
    power /= power.mean()
    return StationaryNoise(np.stack([level**2 * power for level in levels]))


def draw(noise, shape, rng):
    """Return circular noise with the spectrum of a model, for all channels."""
    axes = tuple(range(2, len(shape)))
    white = np.fft.fftn(rng.standard_normal(shape), axes=axes)
    return np.fft.ifftn(white * np.sqrt(noise.spectrum(shape[2:]))[:, None], axes=axes).real


def method(spec):
    return resolve(spec)[0].entry


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize("spec", METHODS)
def test_a_white_model_is_the_noise_level(rng, spec, space):
    if "stationary" in spec and len(space) == 2:
        pytest.skip("slow, and the same code as for signals")
    y = np.cumsum(rng.standard_normal((2, 3, *space)), axis=-1)
    levels = np.array([0.5, 1.5])
    for given in (levels, np.array([0.0, 1.0])):
        model = white_noise(given, len(space))
        expected = method(spec)(y, sigma=given)
        np.testing.assert_allclose(method(spec)(y, sigma=model), expected, atol=1e-9)
        whitened = Whitened(method(spec), MAD())
        np.testing.assert_allclose(whitened(y, sigma=model), expected, atol=1e-8)
        assert method(spec)(y.astype(np.float32), sigma=model).dtype == np.float32


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_whitening_is_inverted(rng, space):
    y = 10 * rng.standard_normal((2, 2, *space)) + 3
    model = ar(space, levels=(1.0, 7.0))
    np.testing.assert_allclose(Whitened(Noisy(), MAD())(y, sigma=model), y, atol=1e-10)
    np.testing.assert_allclose(Whitened(Noisy(), MAD())(y), y, atol=1e-10)


def test_whitened_noise_is_white_with_the_level(rng):
    class Record:
        def __call__(self, noisy, *, sigma=None):
            self.seen, self.sigma = noisy, sigma
            return noisy

    noise = ar((4096,), levels=(2.0,))
    record = Record()
    y = draw(noise, (1, 1, 4096), rng)
    Whitened(record, MAD())(y, sigma=noise)
    np.testing.assert_allclose(record.sigma, [2.0])
    power = np.abs(np.fft.rfft(record.seen[0, 0])) ** 2 / 4096
    for band in np.array_split(power[1:], 4):
        assert band.mean() == pytest.approx(4.0, rel=0.15)


def test_wrappers_prefer_a_given_model(rng):
    y = rng.standard_normal((1, 1, 64))
    model = ar((64,))
    np.testing.assert_array_equal(
        WithNoise(WaveletShrink("haar"), MAD())(y, sigma=model),
        WaveletShrink("haar")(y, sigma=model),
    )


def samples(noise, space, count, rng):
    stacked = StationaryNoise(np.repeat(noise.power, count, axis=0))
    return draw(stacked, (count, 1, *space), rng)


TRANSFORMS = [
    (Identity(), (32,)),
    (DFT(), (32,)),
    (DFT(), (8, 12)),
    (DCT(), (64,)),
    (Wavelet("haar"), (32,)),
    (Wavelet("db2"), (16, 8)),
    (StationaryWavelet("haar", level=3), (37,)),
    (StationaryWavelet("db2", level=1), (9, 16)),
    (OversampledDFT(2), (64,)),
    (STFT(16), (256,)),
]


@pytest.mark.parametrize(("transform", "space"), TRANSFORMS, ids=str)
def test_levels_are_the_deviations_of_coefficients(rng, transform, space):
    """Of 4000 samples of noise, relative to those in white noise; inside, for the STFT."""
    noise = ar(space, 0.6, levels=(3.0,))
    expected = coefficient_levels(transform, noise, space)[0]
    power, white = (
        np.mean(np.abs(transform.analysis(y)[:, 0]) ** 2, axis=0)
        for y in (samples(noise, space, 4000, rng), 3 * rng.standard_normal((4000, 1, *space)))
    )
    measured, expected = np.broadcast_arrays(np.sqrt(power / white), expected)
    if isinstance(transform, STFT):
        measured, expected = measured[2:-2], expected[2:-2]
    tolerance = 0.3 if isinstance(transform, DCT | OversampledDFT) else 0.06  # not exact there
    np.testing.assert_allclose(measured, expected, rtol=tolerance)


def test_subband_levels_are_exact(rng):
    """The level is √(aᵀCa) for the impulse response a of the subband."""
    space, noise = (64,), ar((64,), 0.7)
    first = np.fft.ifft(noise.spectrum(space)[0]).real
    covariance = np.array([np.roll(first, k) for k in range(64)])
    rows = Wavelet("db2").analysis(np.eye(64)[:, None])[:, 0].T
    exact = np.sqrt(np.einsum("ki,ij,kj->k", rows, covariance, rows))
    np.testing.assert_allclose(coefficient_levels(Wavelet("db2"), noise, space)[0], exact)
    depth = Wavelet("db2").depth(space)
    assert [len(part) for part in subband_levels(ar((8, 8)), (8, 8), "haar", 2)] == [1, 3, 3]
    assert len(subband_levels(noise, space, "db2", depth)) == depth + 1


def test_block_levels_are_exact():
    noise = ar((32, 32), 0.7)
    atoms = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, -1.0]])
    covariance = autocovariance(noise, (32, 32), 2)[0]
    lags = np.subtract.outer(np.arange(3), np.arange(3)) + 2
    for k, j in np.ndindex(2, 2):
        atom = np.outer(atoms[k], atoms[j])
        whole = covariance[lags[:, None, :, None], lags[None, :, None, :]]
        exact = np.sqrt(np.einsum("ab,abcd,cd->", atom, whole, atom))
        assert block_levels(noise, (32, 32), atoms)[0, k, j] == pytest.approx(exact)


def test_an_image_spectrum_is_averaged_over_the_diagonals():
    power = np.arange(16.0).reshape(1, 4, 4)
    noise = StationaryNoise(power)
    cosines = cosine_spectrum(noise, (2, 2))
    assert cosines[0, 1, 1] == pytest.approx(np.mean(power[0][[1, 1, 3, 3], [1, 3, 1, 3]]))


def test_frames_of_noise_have_the_mean_power(rng):
    noise = ar((512,), 0.8)
    taper = STFT(32, 8).taper
    y = samples(noise, (512,), 4000, rng)[:, 0, 100:132]
    power = np.mean(np.abs(np.fft.fft(y * taper, norm="ortho")) ** 2, axis=0)
    np.testing.assert_allclose(frame_spectrum(noise, taper)[0], power, rtol=0.1)


def test_the_model_lowers_the_error_in_colored_noise(rng):
    """Noise alone with strong low frequencies; a threshold for white noise keeps most of it."""
    noise = ar((4096,), 0.8)
    y = draw(noise, (1, 1, 4096), rng)
    for spec in ("wavelet[rule=visu]", "sliding-dct[window=128]", "l1[lam_over_sigma=3]"):
        known, assumed = method(spec)(y, sigma=noise), method(spec)(y, sigma=1.0)
        assert np.mean(known**2) < 0.7 * np.mean(assumed**2)


SPEECH = ["om-lsa", "boll-subtraction", "log-mmse", "speech-dct", "speech-wavelet", "stft-gmc"]


@pytest.mark.parametrize("name", SPEECH)
def test_a_known_spectrum_replaces_the_tracker(rng, name):
    noise = ar((4000,), 0.9)
    y = draw(noise, (1, 1, 4000), rng)
    denoiser = DENOISERS[name](fs=8000.0)
    known = denoiser(y, sigma=noise)
    assert np.mean(known**2) < 0.15 * np.mean(y**2)
    np.testing.assert_array_equal(denoiser(y, sigma=1.0), denoiser(y))
    assert not np.array_equal(known, denoiser(y))


def test_local_levels_are_used(rng):
    """Noise alone, 4 times as strong in the second half, leaves the same share in both halves."""
    levels = np.repeat([1.0, 4.0], 512).reshape(1, 1, -1)
    y = levels * rng.standard_normal((1, 1, 1024))
    model = VaryingNoise(levels)
    for spec in ("sliding-dct[window=16]", "local-wiener[window=31]"):
        x = method(spec)(y, sigma=model)
        one, two = (np.mean(part**2) for part in np.array_split(x[0, 0], 2))
        assert 8 < two / one < 32


def test_a_model_of_other_items_is_refused():
    with pytest.raises(InputError, match="the noise model has 2 items: noisy has 3"):
        WaveletShrink("haar")(np.ones((3, 1, 64)), sigma=white_noise(np.ones(2), 1))


def test_a_method_for_white_noise_refuses_a_model():
    with pytest.raises(InputError, match=r"sigma is a StationaryNoise: .* use whitened\[method"):
        method("tv[lam=1]")(np.ones((1, 1, 64)), sigma=ar((64,)))


@pytest.mark.parametrize("spec", ["butterworth[cutoff=0.1]", "notch[frequency=0.1]"])
def test_filters_with_a_frequency_do_not_use_the_noise(rng, spec):
    y = rng.standard_normal((1, 1, 64))
    np.testing.assert_array_equal(method(spec)(y, sigma=ar((64,))), method(spec)(y))
