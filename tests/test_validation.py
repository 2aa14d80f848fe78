"""The checks of inputs: every bad input once; the contracts test that every method calls them."""

import re

import numpy as np
import pytest

from sigbench import InputError
from sigbench.core.validation import check
from sigbench.estimators.inputs import check_records

NOISY = np.random.default_rng(7).standard_normal((4, 1, 64))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda y: np.where(np.arange(64) == 3, np.nan, y), r"contains nan at \(0, 0, 3\)"),
        (lambda y: np.where(np.arange(64) == 3, np.inf, y), r"contains inf at \(0, 0, 3\)"),
        (lambda y: y[:0], r"empty: shape \(0, 1, 64\)"),
        (lambda y: y[:, :, :0], r"empty: shape \(4, 1, 0\)"),
        (lambda y: y[:, 0], r"shape \(4, 64\)"),
        (lambda y: y[..., None, None], r"shape \(4, 1, 64, 1, 1\)"),
        (lambda y: y.astype(int), "dtype int64"),
        (lambda y: y.tolist(), "is a list"),
    ],
)
def test_bad_input_is_refused_with_its_value(spoil, message):
    with pytest.raises(InputError, match=message):
        check(spoil(NOISY), 1.0)


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (-1.0, r"sigma=-1.0 must be finite and >= 0"),
        (np.nan, "sigma=nan"),
        (np.ones(3), r"sigma has shape \(3,\): it must be a number or \(4,\)"),
        (np.array([1.0, 1.0, -2.0, 1.0]), "-2"),
    ],
)
def test_bad_sigma_is_refused_with_its_value(sigma, message):
    with pytest.raises(InputError, match=message):
        check(NOISY, sigma)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda y: np.where(np.arange(64) == 3, np.nan, y), r"y contains nan at \(0, 0, 3\)"),
        (lambda y: y[:, :, :0], r"y is empty: shape \(4, 1, 0\)"),
        (lambda y: y[:, 0], r"y has shape \(4, 64\): it must be \(N, 1, L\)"),
        (lambda y: np.repeat(y, 2, axis=1), r"y has shape \(4, 2, 64\)"),
        (lambda y: y[:, :, :60], r"x \(4, 1, 64\) and y \(4, 1, 60\) differ in shape"),
        (lambda y: y.astype(np.float32), "x float64 and y float32 differ in dtype"),
        (lambda y: y.astype(int), "y has dtype int64"),
        (lambda y: y.tolist(), "y is a list"),
    ],
)
def test_bad_records_are_refused_with_their_value(spoil, message):
    with pytest.raises(InputError, match=message):
        check_records(NOISY, spoil(NOISY), 0.1)


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e200, 1e307])
def test_records_whose_power_is_no_float_are_refused(size):
    legal = "it must be 0 or from 1e-100 to 1e+100"
    large = NOISY.copy()
    large[1] = size
    with pytest.raises(InputError, match=re.escape(f"x has a peak of {size:g}: {legal}")):
        check_records(large, large, 0.1)
    with pytest.raises(InputError, match=re.escape(f"y has a peak of {size:g}: {legal}")):
        check_records(NOISY, large, 0.1)
