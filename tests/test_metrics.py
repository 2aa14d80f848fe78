import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from sigbench import METRICS, InputError


def test_psnr_equals_scikit_image_per_item(rng):
    clean, estimate = rng.uniform(0, 255, (2, 4, 3, 8, 8))
    values = METRICS["psnr"](clean, estimate, 255.0)
    for one, x, y in zip(values, clean, estimate, strict=True):
        assert one == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255.0))


def test_psnr_table1_is_the_formula_of_the_report(rng):
    clean, estimate = rng.standard_normal((2, 5, 1, 100))
    mse = np.mean((clean - estimate) ** 2, axis=(1, 2))
    np.testing.assert_allclose(
        METRICS["psnr_table1"](clean, estimate, 10.0), 20 * np.log10(10 / mse)
    )
    psnr = METRICS["psnr"](clean, estimate, 10.0)
    np.testing.assert_allclose(psnr, 10 * np.log10(100 / mse))


def test_rmse(rng):
    clean, estimate = rng.standard_normal((2, 5, 2, 10))
    by_hand = [np.sqrt(np.mean((a - b) ** 2)) for a, b in zip(clean, estimate, strict=True)]
    np.testing.assert_allclose(METRICS["rmse"](clean, estimate, 1.0), by_hand)


def test_si_sdr_ignores_scale_and_equals_its_closed_form(rng):
    s = rng.standard_normal((3, 1, 400))
    n = rng.standard_normal(s.shape)
    n -= np.sum(n * s, axis=-1, keepdims=True) / np.sum(s**2, axis=-1, keepdims=True) * s
    expected = 10 * np.log10(np.sum(s**2, axis=(1, 2)) / np.sum(n**2, axis=(1, 2)))
    for gain in (0.1, 1.0, -3.0):
        np.testing.assert_allclose(METRICS["si_sdr"](s, gain * (s + n), 1.0), expected)


@pytest.mark.parametrize("name", [name for name, m in METRICS.items() if not m.needs_fs])
def test_the_direction_is_right_and_items_are_independent(rng, name):
    metric = METRICS[name]
    clean = rng.standard_normal((3, 1, 50))
    noise = rng.standard_normal(clean.shape)
    near, far = metric(clean, clean + 0.1 * noise, 1.0), metric(clean, clean + noise, 1.0)
    assert ((near > far) == metric.higher_is_better).all()
    np.testing.assert_allclose(metric(clean[1:2], clean[1:2] + noise[1:2], 1.0), far[1:2])
    with pytest.raises(InputError, match=r"\(3, 1, 50\) and estimate \(1, 1, 50\)"):
        metric(clean, clean[:1], 1.0)


def test_perfect_and_silent_items():
    x = np.ones((1, 1, 4))
    assert METRICS["psnr"](x, x, 1.0)[0] == np.inf
    assert METRICS["rmse"](x, x, 1.0)[0] == 0
    for what, clean, estimate in (("estimate", x, 0 * x), ("clean signal", 0 * x, x)):
        with pytest.raises(InputError, match=f"item 0: the {what} is silent: SI-SDR is undefined"):
            METRICS["si_sdr"](clean, estimate, 1.0)
