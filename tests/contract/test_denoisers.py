"""The contract of every registered denoiser, learner and oracle."""

import dataclasses
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from sigbench import ESTIMATORS, InputError, Learner, Oracle, Pairs, Training
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import METHODS
from sigbench.benchmark.methods.wrappers import WRAPPERS
from sigbench.config.registry import build
from sigbench.core.fingerprint import identity
from sigbench.core.protocols import info_of
from sigbench.denoisers.noise import NOISE_ESTIMATORS
from sigbench.denoisers.speech.trackers import TRACKERS

# One or more settings of each method; a test checks that none is missing.
SPECS = [
    "noisy",
    "silence",
    "metric-gamer[fs=8000]",
    "metric-gamer[fs=1000,cutoff_hz=50]",
    "affine",
    "gaussian-blur[width=0.8]",
    "local-wiener",
    "local-wiener[window=5,border=zero,noise_over_sigma=1.2]",
    "local-wiener[noise=1]",
    "l1[transform=dft,lam=1]",
    "l1[transform=identity,lam_over_sigma=1,nonneg=true]",
    "l1[transform=dct,lam=0.5,solver=iterative[tol=1e-8]]",
    "gmc[transform=wavelet[wavelet=haar],lam_over_sigma=1.5]",
    "gmc[transform=dft,lam=1,gamma=0.5,solver=iterative[tol=1e-8]]",
    "wavelet",
    "wavelet[rule=sure,shrink=firm,wavelet=haar]",
    "wavelet[rule=bayes,shrink=garrote,shifts=2]",
    "wavelet[rule=visu,shrink=hard]",
    "wavelet[rule=hybrid,by_level=true]",
    "wavelet[rule=sure,wavelet=haar,shifts=all]",
    "wavelet[rule=bayes,shifts=all,by_level=true]",
    "block-wavelet",
    "block-wavelet[wavelet=haar,shifts=2]",
    "l1[transform=oversampled-dft,lam_over_sigma=1]",
    "l1[transform=stationary-wavelet[wavelet=haar,level=2],lam=1,nonneg=true]",
    "l1[transform=oversampled-dft,lam=1,solver=bounded]",
    "gmc[transform=oversampled-dft,lam_over_sigma=2,gamma=0.5,solver=exact[tol=1e-10]]",
    "savitzky-golay",
    "median",
    "hampel[window=5]",
    "moving-average",
    "moving-average[window=4,causal=true]",
    "butterworth[cutoff=0.1]",
    "butterworth[cutoff=0.2,order=2,causal=true]",
    "notch[frequency=0.1,harmonics=3]",
    "notch[frequency=0.1,causal=true]",
    "kalman",
    "kalman[acceleration_over_sigma=0.1]",
    "kalman[acceleration_over_sigma=0.1,causal=true]",
    "local-wiener[noise_over_sigma=0.8,colors=opponent]",
    "tv[lam=1]",
    "tv[lam_over_sigma=1]",
    "sliding-dct",
    "sliding-dct[window=5,threshold=2,colors=as-is]",
    "sliding-dct[wiener=true]",
    "stft-l1[fs=8000]",
    "stft-l1[fs=1000,overlap=4,solver=bounded[tol=1e-6]]",
    "stft-gmc[fs=8000,tracker=leading[lead_in=300]]",
    "speech-dct[fs=8000]",
    "speech-wavelet[fs=8000]",
    "nl-means",
    "nl-means[h=1,patch=3]",
    "bilateral",
    "bilateral[contrast=2]",
    "bm3d",
    "spikes-posterior-mean",
    "spikes-posterior-mean[samplewise=true]",
    "ideal-projection[wavelet=haar]",
    "regularized-inverse[alpha=0.2]",
    "wiener-deconvolution[smooth=3]",
    "fitted-wiener",
    "sparse-deconvolution[lam_over_sigma=1]",
    "sparse-deconvolution[transform=dct,lam=1,gamma=0.5]",
    "boll-subtraction[fs=8000]",
    "berouti-subtraction[fs=8000]",
    "decision-directed-wiener[fs=8000]",
    "mmse-stsa[fs=8000,tracker=leading[lead_in=300]]",
    "log-mmse[fs=8000]",
    "log-mmse[fs=1000,overlap=2,xi_min_db=-15]",
    "om-lsa[fs=8000]",
    "oracle-wiener-mask[fs=8000]",
    "ideal-ratio-mask[fs=8000]",
    "network[weights=shrinknet]",
    "network[weights=icnn-report,statistics=input]",
    "dtln[fs=16000]",
    "rnnoise[fs=48000]",
    "deepfilternet[fs=48000]",
    "self-ensemble[denoiser=local-wiener[window=5]]",
    "self-ensemble[denoiser=wavelet[wavelet=haar,shifts=2]]",
]
OTHERS = {*ESTIMATORS, *TRACKERS, *NOISE_ESTIMATORS, *WRAPPERS, "trained"}
TABLE = {name: cls for name, cls in METHODS.items() if name not in OTHERS}
ON_SIGNALS = {"network": ("signal",)}  # domains of the shipped weights

# Limits that need the true spectrum of the problem; they are tested in test_deconvolution.
NEED_A_SPECTRUM = {"true-wiener", "gaussian-posterior-mean"}
SHAPES = {"signal": (4, 1, 64), "odd": (3, 1, 37), "image": (3, 3, 32, 30), "speech": (3, 1, 900)}
DOMAINS = {"signal": "signal", "odd": "signal", "image": "image", "speech": "speech"}


def domains(name):
    return ON_SIGNALS.get(name, TABLE[name].info.domains)


CASES = [
    (spec, shape)
    for spec in SPECS
    for shape in SHAPES
    if DOMAINS[shape] in domains(spec.partition("[")[0])
    and not (shape == "speech" and len(domains(spec.partition("[")[0])) > 1)
    and not ("opponent" in spec and shape != "image")
]


@pytest.fixture(autouse=True)
def bm3d_stands_in(monkeypatch):
    """Replace the package bm3d, which is not free, by a filter; only the adapter is tested."""

    def blur(image, sigma):
        return np.stack([np.roll(image, k, axis=0) for k in (-1, 0, 1)]).mean(axis=0)

    monkeypatch.setitem(sys.modules, "bm3d", SimpleNamespace(bm3d=blur, bm3d_rgb=blur))


@pytest.fixture(autouse=True)
def speech_networks_stand_in(speech_packages):
    """Replace the optional packages with speech networks; only the adapters are tested."""


def ready(spec, clean):
    """Return a denoiser: learners fitted, oracles bound."""
    entry = build("method", TABLE, spec)
    if isinstance(entry, Learner):
        pairs = Pairs(clean + 0.5, clean)
        return entry.fit(Training(pairs, pairs, lambda n, rng: pairs, 10.0), rng=None)
    return entry.bind(clean) if isinstance(entry, Oracle) else entry


def batch(shape, dtype=np.float64, level=1.0):
    rng = np.random.default_rng(7)
    clean = np.where(rng.random(SHAPES[shape]) < 0.2, rng.integers(2, 11, SHAPES[shape]), 0)
    return clean.astype(dtype), (clean + level * rng.standard_normal(clean.shape)).astype(dtype)


def test_every_registered_denoiser_is_covered():
    covered = {spec.partition("[")[0] for spec in SPECS}
    assert covered | NEED_A_SPECTRUM == set(TABLE)


@pytest.mark.parametrize(("spec", "shape"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_input_are_kept(spec, shape, dtype):
    clean, noisy = batch(shape, dtype)
    denoise = ready(spec, clean)
    before = noisy.copy()
    first = denoise(noisy, sigma=1.0)
    assert first.shape == noisy.shape
    assert first.dtype == dtype
    assert np.isfinite(first).all()
    assert not np.shares_memory(first, noisy)
    np.testing.assert_array_equal(noisy, before)
    np.testing.assert_array_equal(denoise(noisy, sigma=1.0), first)


@pytest.mark.parametrize(("spec", "shape"), CASES)
@pytest.mark.parametrize("sigma", [None, 1.0, "per item"])
def test_a_batch_is_its_items_one_by_one(spec, shape, sigma):
    clean, noisy = batch(shape)
    levels = np.linspace(0.5, 1.5, len(noisy)) if sigma == "per item" else sigma
    whole = ready(spec, clean)(noisy, sigma=levels)
    learner = isinstance(build("method", TABLE, spec), Learner)
    for i in range(len(noisy)):
        one = ready(spec, clean if learner else clean[i : i + 1])
        level = levels[i : i + 1] if sigma == "per item" else levels
        np.testing.assert_allclose(one(noisy[i : i + 1], sigma=level)[0], whole[i], atol=1e-9)


# Methods that work in the units of their input: scaling input and levels scales the estimate.
OTHERS = (
    "spikes",
    "affine",
    "ideal",
    "oracle",
    "fitted",
    "network",
    "dtln",
    "rnnoise",
    "deepfilternet",
)
SCALING = [s for s in SPECS if not s.startswith(OTHERS)]
ABSOLUTE = {"lam": 1.0, "noise": 1.0, "threshold": 1.0, "h": 1.0, "contrast": 1.0}


@pytest.mark.parametrize("spec", SCALING)
def test_units_are_kept(spec):
    _, noisy = batch(next(shape for case, shape in CASES if case == spec))
    denoise = build("method", TABLE, spec)
    levels = {
        name: 100 * getattr(denoise, name)
        for name in ABSOLUTE
        if getattr(denoise, name, None) is not None
    }
    scaled = dataclasses.replace(denoise, **levels)
    expected = 100 * denoise(noisy, sigma=1.0)
    np.testing.assert_allclose(scaled(100 * noisy, sigma=100.0), expected, atol=1e-6)


@pytest.mark.parametrize(("spec", "shape"), CASES)
def test_without_noise_the_input_comes_back(spec, shape):
    entry = build("method", TABLE, spec)
    info = info_of(entry)
    fixed = info.fixed_by and getattr(entry, info.fixed_by) is not None
    nonneg = getattr(entry, "nonneg", False)
    if not info.exact_at_zero or fixed:
        speech = info.domains == ("speech",)  # the noise is tracked, not given by sigma
        smoothers = ("affine", "gaussian-blur", "savitzky-golay", "median", "network")
        smoothers += ("moving-average", "butterworth", "notch", "kalman", "hampel")
        assert info.name in smoothers or info.family == "deconvolution" or fixed or speech
        return
    clean, noisy = batch(shape)
    noisy = np.abs(noisy) if nonneg else noisy
    np.testing.assert_allclose(ready(spec, clean)(noisy, sigma=0.0), noisy, atol=1e-9)


# tests/test_validation.py has every bad input; here, that every method calls the check.


@pytest.mark.parametrize("spec", SPECS)
def test_bad_input_is_refused_with_its_value(spec):
    clean, noisy = batch("signal")
    noisy[0, 0, 3] = np.nan
    with pytest.raises(InputError, match=r"contains nan at \(0, 0, 3\)"):
        ready(spec, clean)(noisy, sigma=1.0)


@pytest.mark.parametrize("spec", SPECS)
def test_bad_sigma_is_refused_with_its_value(spec):
    clean, noisy = batch("signal")
    with pytest.raises(InputError, match=r"sigma=-1.0 must be finite and >= 0"):
        ready(spec, clean)(noisy, sigma=-1.0)


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_print_compare_hash_and_stay(spec):
    one, two = (build("method", TABLE, spec) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert identity(one) == identity(two)
    assert type(one).__name__ in repr(one)
    assert isinstance(describe(one), str)
    for field in dataclasses.fields(one):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, 1)


@pytest.mark.parametrize("name", TABLE)
def test_it_says_where_it_comes_from(name):
    info = TABLE[name].info
    assert info.name == name
    assert info.source
    assert info.family
    assert TABLE[name].__doc__
