"""Moving average, Butterworth, notch, Kalman and Hampel against definitions and dense algebra."""

import itertools

import numpy as np
import pytest
from scipy import signal

from sigbench import Butterworth, Hampel, InputError, Kalman, MovingAverage, Notch


def wave(cycles, n):
    return np.sin(2 * np.pi * cycles * np.arange(n)).reshape(1, 1, -1)


def gain(denoise, cycles, n=4000):
    """Return the gain at a frequency, away from the borders."""
    y = wave(cycles, n)
    middle = slice(n // 2 - 500, n // 2 + 500)
    return np.std(denoise(y)[..., middle]) / np.std(y[..., middle])


@pytest.mark.parametrize("window", [1, 4, 5, 12])
def test_moving_average_is_the_mean_of_each_window(rng, window):
    y = rng.standard_normal((2, 1, 40))
    centered, causal = MovingAverage(window)(y), MovingAverage(window, causal=True)(y)
    for i in range(window, 40 - window):
        start = i - window // 2
        expected = y[..., start : start + window].mean(axis=-1)
        np.testing.assert_allclose(centered[..., i], expected, atol=1e-14)
        expected = y[..., i - window + 1 : i + 1].mean(axis=-1)
        np.testing.assert_allclose(causal[..., i], expected, atol=1e-14)


def test_moving_average_of_an_image_is_the_mean_of_each_square(rng):
    y = rng.standard_normal((1, 2, 9, 10))
    expected = y[:, :, 3:6, 4:7].mean(axis=(2, 3))
    np.testing.assert_allclose(MovingAverage(3)(y)[:, :, 4, 5], expected, atol=1e-14)


CAUSAL = [
    MovingAverage(7, causal=True),
    Butterworth(cutoff=0.1, causal=True),
    Notch(frequency=0.1, harmonics=2, causal=True),
    Kalman(0.1, causal=True),
]


@pytest.mark.parametrize("denoise", CAUSAL)
def test_a_causal_filter_does_not_use_the_future(rng, denoise):
    y = rng.standard_normal((2, 1, 200))
    changed = y.copy()
    changed[..., 120:] += 100
    np.testing.assert_array_equal(denoise(changed)[..., :120], denoise(y)[..., :120])
    assert np.abs(denoise(changed)[..., 120:] - denoise(y)[..., 120:]).max() > 1


@pytest.mark.parametrize("denoise", [MovingAverage(9), MovingAverage(8), Hampel(9)])
def test_the_reach_is_that_of_the_window(rng, denoise):
    y = rng.standard_normal((1, 1, 100))
    for sign in (-1, 1):
        changed = y.copy()
        changed[0, 0, 50 + sign * (denoise.reach + 1)] = 1e3
        assert denoise(changed)[0, 0, 50] == denoise(y)[0, 0, 50]


@pytest.mark.parametrize("order", [1, 4])
def test_butterworth_has_half_the_power_at_the_cutoff(order):
    assert gain(Butterworth(0.1, order=order, causal=True), 0.1) ** 2 == pytest.approx(
        0.5, abs=3e-3
    )
    assert gain(Butterworth(0.1, order=order), 0.1) == pytest.approx(0.5, abs=3e-3)


def test_butterworth_equals_scipy(rng):
    y = rng.standard_normal((3, 1, 300))
    sections = signal.butter(3, 0.2, output="sos")  # half the sampling rate is 1
    theirs = signal.sosfiltfilt(sections, y, padlen=15)  # 12 by default, for odd orders
    np.testing.assert_allclose(Butterworth(0.1, order=3)(y), theirs, atol=1e-10)
    start = signal.sosfilt_zi(sections)[:, None] * y[:, 0, :1]
    theirs, _ = signal.sosfilt(sections, y[:, 0], zi=start)
    np.testing.assert_allclose(Butterworth(0.1, order=3, causal=True)(y)[:, 0], theirs, atol=1e-10)


def test_frequencies_in_hertz_are_the_same(rng):
    y = rng.standard_normal((1, 1, 300))
    np.testing.assert_array_equal(Butterworth(cutoff_hz=50.0, fs=500.0)(y), Butterworth(0.1)(y))
    np.testing.assert_array_equal(Notch(frequency_hz=50.0, fs=500.0)(y), Notch(0.1)(y))


def test_notch_removes_the_harmonics_and_little_else():
    notch = Notch(0.05, harmonics=3)
    assert max(gain(notch, 0.05 * k, n=8000) for k in (1, 2, 3)) < 1e-3
    assert min(gain(notch, cycles) for cycles in (0.02, 0.075, 0.2)) > 0.98
    assert gain(notch, 0.051, n=8000) ** 2 == pytest.approx(0.25, abs=0.05)  # −3 dB per pass


def test_harmonics_above_half_the_sampling_rate_are_left_out(rng):
    y = rng.standard_normal((1, 1, 300))
    np.testing.assert_array_equal(Notch(0.2, harmonics=9)(y), Notch(0.2, harmonics=2)(y))


def posterior_mean(y, ratio):
    """Return E[x|y] by dense algebra: precision of the states (position, velocity) and of y."""
    n, q = y.shape[-1], ratio**2
    step = np.array([[1.0, 1.0], [0.0, 1.0]])
    inverse = np.linalg.inv(q * np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]))
    precision = np.zeros((2 * n, 2 * n))
    for k in range(n - 1):
        change = np.zeros((2, 2 * n))
        change[:, 2 * k : 2 * k + 2], change[:, 2 * k + 2 : 2 * k + 4] = -step, np.eye(2)
        precision += change.T @ inverse @ change
    seen = np.eye(2 * n)[::2]
    return seen @ np.linalg.solve(precision + seen.T @ seen, seen.T @ y.T).reshape(2 * n, -1)


@pytest.mark.parametrize("ratio", [0.05, 0.5])
def test_kalman_is_the_posterior_mean_of_its_model(rng, ratio):
    y = rng.standard_normal((2, 1, 30)).cumsum(axis=-1)
    expected = posterior_mean(y[:, 0], ratio).T
    np.testing.assert_allclose(Kalman(ratio)(y)[:, 0], expected, atol=1e-9)


def test_the_causal_estimate_is_the_posterior_mean_given_the_past(rng):
    y = rng.standard_normal((2, 1, 40)).cumsum(axis=-1)
    causal = Kalman(0.3, causal=True)(y)
    for n in (3, 4, 17, 40):
        np.testing.assert_allclose(causal[..., n - 1], Kalman(0.3)(y[..., :n])[..., -1], atol=1e-12)


def test_the_likelihood_finds_the_acceleration(rng):
    """Signals of the model: by likelihood the error is within 2 % of that of the true ratio."""
    ratio, n = 0.03, 500
    mean, covariance = [0, 0], ratio**2 * np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]])
    moves = rng.multivariate_normal(mean, covariance, size=(40, n))
    velocity = moves[..., 1].cumsum(axis=1)
    x = (moves[..., 0] + velocity - moves[..., 1]).cumsum(axis=1)[:, None]
    y = x + rng.standard_normal(x.shape)
    blind, known = (np.mean((k(y) - x) ** 2) for k in (Kalman(), Kalman(ratio)))
    assert blind < 1.02 * known


def test_kalman_of_a_line_or_two_samples_is_the_input():
    line = np.linspace(3, 4, 25).reshape(1, 1, -1)
    np.testing.assert_allclose(Kalman()(line), line, atol=1e-12)
    np.testing.assert_array_equal(Kalman()(line[..., :2]), line[..., :2])


@pytest.mark.parametrize("shape", [(2, 1, 40), (1, 2, 8, 9)])
def test_hampel_is_its_definition(rng, shape):
    y = rng.standard_normal(shape)
    y[(0, 0, *[5] * (len(shape) - 2))] = 30
    x = Hampel(5, deviations=2.0)(y)
    pad = np.pad(y, [(0, 0), (0, 0), *[(2, 2)] * (len(shape) - 2)], "symmetric")
    for at in itertools.product(*map(range, shape)):
        window = pad[at[0], at[1]][tuple(slice(i, i + 5) for i in at[2:])]
        median = np.median(window)
        spread = 1.4826 * np.median(np.abs(window - median))
        assert x[at] == (median if abs(y[at] - median) > 2 * spread else y[at])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(0), "window=0 must be >= 1"),
        (lambda: MovingAverage(0.1 * 50), "window=5.0 must be a whole number"),
        (lambda: Hampel(2.5), "window=2.5 must be a whole number"),
        (lambda: Butterworth(), r"set one of cutoff and cutoff_hz \(got None and None\)"),
        (lambda: Butterworth(0.5), r"cutoff=0.5 must be > 0 and < 0.5 \(cycles per sample\)"),
        (lambda: Butterworth(1e-9), "cutoff=1e-09 cycles per sample must be >= 1e-07"),
        (lambda: Notch(frequency_hz=1e-5, fs=1e3), "frequency=1e-08 cycles per sample must be"),
        (lambda: Butterworth(0.1, order=21), "order=21 must be >= 1 and < 21"),
        (lambda: Notch(0.1, 50.0), "set one of frequency and frequency_hz"),
        (lambda: Notch(frequency_hz=60.0, fs=100.0), "frequency_hz=60 must be < 50, half the"),
        (lambda: Notch(0.1, width=1.0), "width=1 must be >= 1e-06 and < 1"),
        (lambda: Kalman(causal=True), "causal=true needs acceleration_over_sigma"),
        (lambda: Kalman(0.0), "acceleration_over_sigma=0 must be >= 1e-06"),
        (lambda: Hampel(4), "window=4 must be odd"),
        (lambda: Hampel(deviations=-1.0), "deviations=-1 must be >= 0"),
        (
            lambda: Butterworth(cutoff_hz=5.0)(np.zeros((1, 1, 9))),
            "cutoff_hz=5 needs the sampling rate, which is not known: set fs= or cutoff=",
        ),
        (lambda: Kalman()(np.zeros((1, 1, 4, 4))), "kalman is for signals"),
        (lambda: Notch(0.1)(np.zeros((1, 1, 4, 4))), "notch is for signals"),
    ],
)
def test_invalid_values_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
