import numpy as np
import pytest

from sigbench import InputError
from sigbench.transforms import DCT, DFT, Identity, Wavelet

TRANSFORMS = [Identity(), DFT(), DCT(), Wavelet("haar"), Wavelet("sym4"), Wavelet("db3", level=2)]
SHAPES = [(2, 1, 64), (2, 1, 100), (2, 3, 32, 32), (1, 1, 48, 32)]


@pytest.mark.parametrize("transform", TRANSFORMS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip_keeps_values_and_dtype(rng, transform, shape, dtype):
    y = rng.standard_normal(shape).astype(dtype)
    back = transform.synthesis(transform.analysis(y), shape[2:])
    assert back.dtype == dtype
    np.testing.assert_allclose(back, y, atol=1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("transform", [t for t in TRANSFORMS if t.real], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inner_products_are_kept(rng, transform, shape):
    x, y = rng.standard_normal((2, *shape))
    assert np.vdot(transform.analysis(x), transform.analysis(y)) == pytest.approx(np.vdot(x, y))


@pytest.mark.parametrize("n", [63, 64])
def test_the_half_spectrum_holds_the_energy(rng, n):
    y = rng.standard_normal((1, 1, n))
    u = np.abs(DFT().analysis(y)[0, 0]) ** 2
    twice = u[1:-1] if n % 2 == 0 else u[1:]
    assert u.sum() + twice.sum() == pytest.approx(np.sum(y**2))


def test_odd_lengths(rng):
    for transform in (Identity(), DFT(), DCT(), Wavelet("haar")):
        y = rng.standard_normal((2, 1, 37))
        np.testing.assert_allclose(transform.synthesis(transform.analysis(y), (37,)), y, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Wavelet("nope"), "wavelet='nope' is unknown"),
        (lambda: Wavelet("bior2.2"), "wavelet='bior2.2' is not orthogonal"),
        (lambda: Wavelet("haar", level=0), "level=0 must be >= 1"),
        (lambda: Wavelet("haar", level=3).analysis(np.ones((1, 1, 12))), "level=3 must be <= 2"),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
