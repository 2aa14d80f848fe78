"""Missing samples and gaps: filled for the filter, and better than by interpolation."""

import numpy as np
import pytest

from sigbench import DemoSignals, GaussianBlur, WaveletShrink
from sigbench.cli.denoise.missing import refine_missing
from sigbench.cli.denoise.uneven import LONG_GAP, on_uniform_grid, segments


def interpolated(values, missing):
    at = np.arange(len(values))
    return np.interp(at, at[~missing], values[~missing])[None, None]


def bursts(n, length, count, rng):
    missing = np.zeros(n, bool)
    for start in rng.choice(n - length, count, replace=False):
        missing[start : start + length] = True
    return missing


def test_without_missing_samples_a_method_is_called_once():
    calls = []
    batch = np.ones((2, 1, 8))
    out = refine_missing(lambda y: calls.append(1) or 2 * y, batch, np.zeros(batch.shape, bool))
    np.testing.assert_array_equal(out, 2 * batch)
    assert len(calls) == 1


def test_a_linear_projection_fills_missing_samples_exactly():
    """Signals of low frequencies are recovered from most of their samples (Papoulis-Gerchberg)."""

    def low_pass(y):
        spectrum = np.fft.rfft(y)
        spectrum[..., 5:] = 0
        return np.fft.irfft(spectrum, y.shape[-1])

    rng = np.random.default_rng(0)
    clean = low_pass(rng.standard_normal((1, 1, 64)))
    missing = rng.random(clean.shape) < 0.2
    start = interpolated(clean[0, 0], missing[0, 0])
    out = refine_missing(low_pass, start, missing, rounds=100)
    np.testing.assert_allclose(out, clean, atol=1e-6)


def test_the_prior_of_wavelets_is_better_than_interpolation(rng):
    gains = []
    for name in ("bumps", "doppler", "heavisine"):
        clean = DemoSignals(name, 1024).item("train", 2, 0)[0]
        clean = clean / clean.std()
        noisy = clean + 0.1 * rng.standard_normal(1024)
        missing = bursts(1024, 8, 13, rng)
        batch = interpolated(noisy, missing)

        def method(y):
            return WaveletShrink(rule="bayes", shifts=8)(y, sigma=0.1)

        plain, refined = method(batch), refine_missing(method, batch, missing[None, None])
        error = [np.mean((one[0, 0] - clean)[missing] ** 2) for one in (plain, refined)]
        gains.append(10 * np.log10(error[0] / error[1]))
    assert np.mean(gains) > 0.3


def test_a_method_for_which_it_is_worse_is_not_refined():
    """Halving a signal gives ever smaller estimates of missing samples."""
    batch = np.ones((1, 1, 50))
    missing = np.zeros(batch.shape, bool)
    missing[..., 5:9] = True
    np.testing.assert_array_equal(refine_missing(lambda y: y / 2, batch, missing), batch / 2)


def test_the_identity_stays_the_identity(rng):
    positions = np.cumsum(rng.choice([1.0, 1.0, 1.0, 1.0, 3.0, 80.0], 400))
    batch = rng.standard_normal((2, 1, 400)).astype(np.float32)
    for at in (positions, -positions):
        out = on_uniform_grid(lambda y: y, at)(batch)
        np.testing.assert_array_equal(out, batch)
        assert out.dtype == batch.dtype


def test_even_samples_and_jitter_are_denoised_as_they_are(rng):
    batch = rng.standard_normal((1, 1, 100))
    method = GaussianBlur(2.0)
    for at in (np.arange(100.0), np.arange(100) + rng.uniform(-0.2, 0.2, 100)):
        np.testing.assert_array_equal(on_uniform_grid(method, at)(batch), method(batch))


def test_samples_on_both_sides_of_a_gap_are_not_neighbors():
    at = np.concatenate([np.arange(50.0), 70 + np.arange(50.0)])
    step = np.repeat([0.0, 1.0], 50)[None, None]
    out = on_uniform_grid(GaussianBlur(2.0), at)(step)
    assert np.abs(out[0, 0, :48]).max() < 0.05
    assert np.abs(GaussianBlur(2.0)(step)[0, 0, :48]).max() > 0.1  # as neighbors
    np.testing.assert_allclose(out[0, 0, ::-1], 1 - out[0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [((300, 300), [300, 300]), ((300, 20), [320]), ((20, 300, 300), [320, 300])],
)
def test_long_gaps_divide_a_signal_if_the_parts_are_long_enough(lengths, expected):
    lacking = np.zeros(sum(lengths) - 1, int)
    lacking[np.cumsum(lengths)[:-1] - 1] = LONG_GAP + 1
    assert [part.stop - part.start for part in segments(lacking)] == expected


def test_gaps_are_better_filled_than_ignored(rng):
    errors = []
    for name in ("bumps", "doppler", "heavisine"):
        clean = DemoSignals(name, 1024).item("train", 3, 0)[0]
        clean = clean / clean.std()
        kept = ~bursts(1024, 20, 10, rng)
        noisy = (clean + 0.1 * rng.standard_normal(1024))[kept][None, None]

        def method(y):
            return WaveletShrink(rule="sure", shifts=8)(y, sigma=0.1)

        at = np.arange(1024.0)[kept]
        both = (method(noisy), on_uniform_grid(method, at)(noisy))
        errors.append([np.mean((one[0, 0] - clean[kept]) ** 2) for one in both])
    ignored, filled = np.log10(errors).T
    assert filled.mean() < ignored.mean()
