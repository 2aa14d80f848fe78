"""The contract of every registered estimator."""

import dataclasses

import numpy as np
import pytest

from sigbench import ESTIMATORS, InputError, Oracle
from sigbench.benchmark.methods.describe import describe
from sigbench.benchmark.methods.resolve import Method
from sigbench.config.registry import build
from sigbench.core.fingerprint import identity

# At least one setting of each estimator.
SPECS = [
    "spectral-division[taps=4]",
    "spectral-division",
    "wiener-division[taps=4,alpha=0.1]",
    "wiener-division[taps=4]",
    "h1[taps=4,segment=16]",
    "h1[segment=10]",
    "h2[taps=4,segment=16]",
    "least-squares-fir[taps=4]",
    "least-squares-fir[taps=1]",
    "cramer-rao",
]
EXACT = [
    "spectral-division[taps=4]",
    "wiener-division[taps=4,alpha=0]",
    "least-squares-fir[taps=4]",
]


def records(n=64, items=5, dtype=np.float64, noise=0.1):
    """Return responses, inputs and outputs of circular systems of four taps."""
    rng = np.random.default_rng(7)
    h = np.array([1.0, -0.3, 0.2, 0.1]) + 0.1 * rng.standard_normal((items, 1, 4))
    x = rng.standard_normal((items, 1, n))
    y = sum(h[..., k : k + 1] * np.roll(x, k, axis=-1) for k in range(4))
    y += noise * rng.standard_normal(y.shape)
    return h.astype(dtype), x.astype(dtype), y.astype(dtype)


def ready(spec, h):
    entry = build("method", ESTIMATORS, spec)
    return entry.bind(h) if isinstance(entry, Oracle) else entry


def test_every_registered_estimator_is_covered():
    assert {spec.partition("[")[0] for spec in SPECS} == set(ESTIMATORS)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("n", [64, 37])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_dtype_and_input_are_kept(spec, n, dtype):
    h, x, y = records(n, dtype=dtype)
    before = x.copy(), y.copy()
    entry = build("method", ESTIMATORS, spec)
    first = ready(spec, h).estimate(x, y, sigma=0.1)
    whole = min(getattr(entry, "segment", n), n)
    lags = 4 if isinstance(entry, Oracle) else entry.taps or whole
    assert first.shape == (5, 1, lags)
    assert first.dtype == dtype
    assert np.isfinite(first).all()
    np.testing.assert_array_equal((x, y), before)
    np.testing.assert_array_equal(ready(spec, h).estimate(x, y, sigma=0.1), first)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("sigma", [0.1, "per item"])
def test_items_of_a_batch_are_independent(spec, sigma):
    h, x, y = records()
    levels = np.linspace(0.05, 0.2, len(x)) if sigma == "per item" else sigma
    whole = ready(spec, h).estimate(x, y, sigma=levels)
    for i in range(len(x)):
        one = slice(i, i + 1)
        level = levels[one] if sigma == "per item" else levels
        alone = ready(spec, h[one]).estimate(x[one], y[one], sigma=level)
        np.testing.assert_allclose(alone, whole[one], atol=1e-9)


@pytest.mark.parametrize("spec", SPECS)
def test_the_unit_of_h_is_output_over_input(spec):
    if spec == "cramer-rao":
        return  # its draw depends on the input
    h, x, y = records()
    expected = 20 / 5 * ready(spec, h).estimate(x, y, sigma=0.1)
    np.testing.assert_allclose(ready(spec, h).estimate(5 * x, 20 * y, sigma=2.0), expected)


@pytest.mark.parametrize("spec", EXACT)
@pytest.mark.parametrize("n", [64, 37])
def test_without_noise_the_response_is_exact(spec, n):
    h, x, y = records(n, noise=0)
    np.testing.assert_allclose(ready(spec, h).estimate(x, y), h, atol=1e-9)


@pytest.mark.parametrize("spec", SPECS)
def test_a_silent_input_does_not_divide_by_zero(spec):
    h, x, y = records()
    x[1] = 0
    if spec == "cramer-rao":
        with pytest.raises(InputError, match="an input excites fewer than taps=4 dimensions"):
            ready(spec, h).estimate(x, y, sigma=0.1)
        return
    found = ready(spec, h).estimate(x, y, sigma=0.1)
    assert np.isfinite(found).all()
    assert not found[1].any()


@pytest.mark.parametrize("spec", SPECS)
def test_all_legal_amplitudes_work_without_a_warning(spec):
    h, x, y = records()
    for a, b in [(1e-99, 1e-99), (1e99, 1e99), (1e-99, 1e99), (1e99, 1e-99)]:
        found = ready(spec, h).estimate(a * x, b * y, sigma=0.1 * b)
        assert np.isfinite(found).all()
        if spec != "cramer-rao":
            expected = ready(spec, h).estimate(x, y, sigma=0.1)
            np.testing.assert_allclose(found / (b / a), expected, rtol=1e-6, atol=1e-9)


# tests/test_validation.py has every bad record; here, that every estimator calls the check.


@pytest.mark.parametrize("spec", SPECS)
def test_an_amplitude_whose_power_overflows_is_refused(spec):
    h, x, y = records()
    x[1], y[1] = 1e200, 1e200
    with pytest.raises(InputError, match=r"x has a peak of 1e\+200"):
        ready(spec, h).estimate(x, y, sigma=0.1)
    with pytest.raises(InputError, match=r"y has a peak of 1e\+200"):
        ready(spec, h).estimate(0 * x, y, sigma=0.1)
    with pytest.raises(InputError, match=r"sigma=1e\+200 must be <= 1e\+100"):
        ready(spec, h).estimate(0 * x, 0 * x, sigma=1e200)


@pytest.mark.parametrize("spec", SPECS)
def test_bad_records_are_refused_with_their_value(spec):
    h, x, y = records()
    y[0, 0, 3] = np.nan
    with pytest.raises(InputError, match=r"y contains nan at \(0, 0, 3\)"):
        ready(spec, h).estimate(x, y, sigma=0.1)


@pytest.mark.parametrize("spec", SPECS)
def test_a_bad_sigma_is_refused_with_its_value(spec):
    h, x, y = records()
    with pytest.raises(InputError, match=r"sigma=-1.0 must be finite and >= 0"):
        ready(spec, h).estimate(x, y, sigma=-1.0)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("spectral-division[taps=0]", "taps=0 must be >= 1"),
        ("wiener-division[alpha=-1]", "alpha=-1 must be >= 0"),
        ("wiener-division[alpha=1e100]", r"alpha=1e\+100 must be >= 0 and < 1e\+100"),
        ("h1[segment=1]", "segment=1 must be >= 2"),
        ("h2[segment=1]", "segment=1 must be >= 2"),
        ("least-squares-fir[taps=2.5]", "taps=2.5 must be a whole number"),
    ],
)
def test_bad_parameters_are_refused(spec, message):
    with pytest.raises(InputError, match=message):
        build("method", ESTIMATORS, spec)


@pytest.mark.parametrize("spec", [s for s in SPECS if "taps=4" in s])
def test_more_taps_than_samples_are_refused(spec):
    _, x, y = records(n=3)
    with pytest.raises(InputError, match="taps=4 must be <= the record's length 3"):
        ready(spec, None).estimate(x, y, sigma=0.1)


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_print_compare_hash_and_are_frozen(spec):
    one, two = (build("method", ESTIMATORS, spec) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert identity(one) == identity(two)
    assert type(one).__name__ in repr(one)
    assert isinstance(describe(one), str)
    for field in dataclasses.fields(one):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, 1)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_it_is_documented(name):
    info = ESTIMATORS[name].info
    assert info.name == name
    assert info.source
    assert info.family
    assert info.domains == ("system",)
    assert Method(name, ESTIMATORS[name]()).task == "system identification"
    assert ESTIMATORS[name].__doc__
