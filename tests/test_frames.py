"""Frames and operators: Parseval, adjoint, and what they are."""

import numpy as np
import pytest
import pywt

from sigbench import InputError
from sigbench.transforms import DFT, STFT, Convolution, Operator, OversampledDFT, StationaryWavelet
from sigbench.transforms.operators import as_kernel, transfer_function

FRAMES = [
    OversampledDFT(2),
    OversampledDFT(3),
    StationaryWavelet("haar", 2),
    StationaryWavelet("db2", 3),
    StationaryWavelet("sym8"),
    STFT(16),
    STFT(16, hop=4),
    STFT(6, hop=3),
]
OPERATORS = [
    DFT(),
    Convolution((1.0, 0.5, -0.2)),
    Convolution((1.0, 0.5), StationaryWavelet("haar", 2)),
    Convolution((1.0, 0.5), OversampledDFT(2)),
]
SPACES = [(37,), (64,), (100,)]
IMAGES = [OversampledDFT(2), StationaryWavelet("haar", 2), StationaryWavelet("db2", 1)]
CASES = [(t, s) for t in FRAMES for s in SPACES] + [
    (t, s) for t in IMAGES for s in [(16, 12), (9, 7)]
]


@pytest.mark.parametrize(("frame", "space"), CASES, ids=str)
def test_a_parseval_frame_gives_the_signal_back(rng, frame, space):
    y = rng.standard_normal((2, 3, *space))
    u = frame.analysis(y)
    np.testing.assert_allclose(frame.synthesis(u, space), y, atol=1e-11)
    energy = np.sum(frame.geometry(space).multiplicity * np.abs(u) ** 2)
    assert energy == pytest.approx(np.sum(y**2))


@pytest.mark.parametrize(
    ("transform", "space"), CASES + [(t, s) for t in OPERATORS for s in SPACES], ids=str
)
def test_analysis_is_the_adjoint_of_synthesis(rng, transform, space):
    """In the inner product that counts every kept coefficient as often as it stands."""
    y = rng.standard_normal((2, 3, *space))
    c = transform.analysis(rng.standard_normal(y.shape))
    c *= rng.uniform(0.5, 2, c.shape[:2] + (1,) * (c.ndim - 2))
    if transform.real:
        c = c + rng.standard_normal(c.shape)
    geometry = transform.geometry(space)
    inner = np.sum(geometry.multiplicity * (c.conj() * transform.analysis(y)).real)
    assert np.sum(transform.synthesis(c, space) * y) == pytest.approx(inner)


@pytest.mark.parametrize(("transform", "space"), CASES, ids=str)
def test_float32_stays(rng, transform, space):
    y = rng.standard_normal((1, 1, *space)).astype(np.float32)
    u = transform.analysis(y)
    assert u.dtype in (np.float32, np.complex64)
    assert transform.synthesis(u, space).dtype == np.float32


def test_the_norm_of_a_convolution_is_its_largest_gain(rng):
    kernel = rng.standard_normal(5)
    a = np.stack(
        [Convolution(kernel).synthesis(e.reshape(1, 1, 16), (16,))[0, 0] for e in np.eye(16)]
    )
    largest = np.linalg.norm(a, 2) ** 2
    assert Convolution(kernel).geometry((16,)).norm == pytest.approx(largest)


def test_a_convolution_is_circular():
    x = np.array([[[1.0, 2.0, 3.0, 4.0]]])
    expected = 2 * x + 0.5 * np.roll(x, 1) - np.roll(x, 2)
    np.testing.assert_allclose(Convolution((2, 0.5, -1)).synthesis(x, (4,)), expected, atol=1e-12)


def test_the_stationary_wavelet_has_the_coefficients_of_pywavelets(rng):
    """Up to a circular shift of each band, which the convention of a filter's centre sets."""
    y = rng.standard_normal(64)
    theirs = pywt.swt(y, "db2", 3, norm=True, trim_approx=True)
    ours = StationaryWavelet("db2", 3).analysis(y.reshape(1, 1, 64))[0, 0]
    for band, other in zip(ours, theirs, strict=True):
        off = [np.abs(np.roll(other, s) - sign * band).max() for s in range(64) for sign in (1, -1)]
        assert min(off) < 1e-12


def test_the_stationary_wavelet_is_the_mean_over_all_shifts(rng):
    """Hard thresholds in it are cycle spinning over all shifts of the orthonormal transform."""
    y, depth = rng.standard_normal((1, 1, 64)), 3
    frame = StationaryWavelet("sym4", depth)
    u = frame.analysis(y)
    t = 1.5 * frame.geometry((64,)).weights
    estimate = frame.synthesis(np.where(np.abs(u) > t, u, 0), (64,))
    spun = np.zeros(64)
    for s in range(2**depth):
        parts = pywt.wavedec(np.roll(y[0, 0], s), "sym4", "periodization", depth)
        parts = [np.where(np.abs(d) > 1.5, d, 0) for d in parts]
        spun += np.roll(pywt.waverec(parts, "sym4", "periodization"), -s) / 2**depth
    np.testing.assert_allclose(estimate[0, 0], spun, atol=1e-10)


def test_an_operator_of_ones_own(rng):
    a = rng.standard_normal((3, 8))
    pair = Operator(lambda c, space: c @ a, lambda y: y @ a.T)
    norm = pair.geometry((8,)).norm
    assert norm >= np.linalg.norm(a, 2) ** 2
    assert norm <= 1.06 * np.linalg.norm(a, 2) ** 2


def test_a_pair_that_is_not_adjoint_is_refused(rng):
    a = rng.standard_normal((8, 8))
    with pytest.raises(InputError, match=r"not adjoint: ⟨Ac, y⟩ = [-\d.]+, but ⟨c, Aᴴy⟩ = [-\d.]+"):
        Operator(lambda c, space: c @ a, lambda y: y @ a).geometry((8,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OversampledDFT(1), "factor=1 must be >= 2"),
        (lambda: StationaryWavelet("bior2.2"), "'bior2.2' is not orthogonal"),
        (lambda: StationaryWavelet("haar", 0), "level=0 must be >= 1"),
        (lambda: STFT(5), "window=5 must be even"),
        (lambda: STFT(8, hop=3), "hop=3 must divide window=8"),
        (lambda: STFT(8, hop=5), "hop=5 must be >= 1 and <= 4"),
        (lambda: STFT(8).analysis(np.ones((1, 1, 8, 8))), r"the STFT requires \(N, C, L\)"),
        (lambda: Convolution((0.0, 0.0)), r"shape \(2,\) must be finite, not all zero"),
        (lambda: as_kernel("abc"), "kernel='abc' is not an array of numbers"),
        (lambda: as_kernel(np.ones((2, 2, 2))), r"shape \(2, 2, 2\)"),
        (lambda: transfer_function((1.0, 2.0, 3.0), (2,)), r"shape \(3,\) does not fit into"),
        (lambda: transfer_function((1.0, 2.0), (8, 8)), r"does not fit into items of \(8, 8\)"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
