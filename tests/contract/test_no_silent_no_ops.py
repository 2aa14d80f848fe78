"""No denoiser of the table returns noise unchanged without an error or a caution."""

import dataclasses
import warnings

import numpy as np
import pytest

from sigbench import DENOISERS, InputError, Learner, Oracle, Pairs, Training
from sigbench.core.errors import Caution

SETTINGS = {
    "gaussian-blur": {"width": 1.0},
    "sparse-deconvolution": {"lam_over_sigma": 1.0},
    "butterworth": {"cutoff": 0.1},
    "notch": {"frequency": 0.2},
}
# They return noise without outliers by definition.
LEGAL = {"noisy", "hampel"}
OPTIONAL = {"bm3d"}  # needs a package that is not free
# An item of one sample is its own average, of 2 or 3 samples its own running median, and 2 samples
# are a line.
FEWEST = {"median": 4, "kalman": 3}
SHAPES = [
    *[(1, 1, n) for n in range(2, 41)],
    *[(1, 1, n, n) for n in (2, 3, 4, 5, 8, 13, 16, 27, 28, 29, 30, 31, 32, 40)],
    *[(1, 3, 1, 40), (1, 3, 40, 1), (1, 3, 8, 8), (1, 3, 28, 28)],
]


def ready(name, shape, clean, noisy):
    """Return the denoiser at its default settings, with the information of a problem."""
    entry = DENOISERS[name](**SETTINGS.get(name, {}))
    fields = {field.name for field in dataclasses.fields(entry)}
    kernel = (0.75, 0.25) if len(shape) == 3 else ((0.75,), (0.25,)) if shape[2] > 1 else ((1.0,),)
    known = {"fs": 1000.0, "kernel": kernel}
    entry = dataclasses.replace(entry, **{k: v for k, v in known.items() if k in fields})
    if isinstance(entry, Learner):
        pairs = Pairs(noisy, clean)
        return entry.fit(Training(pairs, pairs, lambda n, rng: pairs, 10.0), rng=None)
    return entry.bind(clean) if isinstance(entry, Oracle) else entry


def answer(name, shape, sigma):
    """Return "changed", "unchanged", "caution" or "refused"."""
    rng = np.random.default_rng(3)
    clean = np.cumsum(rng.standard_normal(shape), axis=-1)
    noisy = clean + 10 * rng.standard_normal(shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", Caution)
        try:
            estimate = ready(name, shape, clean, noisy)(noisy, sigma=sigma)
        except InputError:
            return "refused"
    if caught:
        return "caution"
    assert np.isfinite(estimate).all()
    return "unchanged" if np.abs(estimate - noisy).max() < 1e-6 else "changed"


@pytest.mark.parametrize("sigma", [10.0, None])
@pytest.mark.parametrize("name", sorted(set(DENOISERS) - LEGAL - OPTIONAL))
def test_noise_never_comes_back_in_silence(name, sigma):
    shapes = [s for s in SHAPES if np.prod(s[2:]) >= FEWEST.get(name, 2)]
    if DENOISERS[name].info.domains == ("speech",):
        shapes = [s for s in shapes if len(s) == 3][::6]  # the others are refused by their shape
    assert [s for s in shapes if answer(name, s, sigma) == "unchanged"] == []


@pytest.mark.parametrize("name", ["wavelet", "block-wavelet"])
@pytest.mark.parametrize("space", [(29,), (28, 28), (40, 29)])
def test_wavelets_refuse_items_without_a_level(name, space):
    with pytest.raises(InputError, match=r"too short for wavelet=sym8: .* at least 30 samples"):
        DENOISERS[name]()(np.ones((1, 1, *space)), sigma=1.0)
    with pytest.raises(InputError, match="at least 30 samples"):
        DENOISERS["wavelet"](shifts="all")(np.ones((1, 1, *space)), sigma=1.0)


@pytest.mark.parametrize("space", [(30,), (30, 31)])
def test_wavelets_denoise_items_of_the_shortest_length(rng, space):
    y = rng.standard_normal((1, 1, *space))
    assert np.std(DENOISERS["wavelet"]()(y, sigma=1.0)) < 0.9 * np.std(y)


def test_a_level_that_is_estimated_as_zero_is_a_caution(rng):
    """Digital silence in most samples makes the median of the details zero."""
    y = np.zeros((3, 1, 400))
    y[0, 0, :100] = rng.standard_normal(100)
    y[1] = rng.standard_normal(400)
    with pytest.warns(Caution, match="noise level of 1 of 3 items is estimated as 0"):
        estimate = DENOISERS["wavelet"]("haar")(y)
    np.testing.assert_allclose(estimate[0], y[0], atol=1e-12)
    DENOISERS["wavelet"]("haar")(np.ones((1, 1, 400)))  # a constant has no noise: no caution
    DENOISERS["wavelet"]("haar")(y, sigma=1.0)  # given: no caution
