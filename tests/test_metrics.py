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


# They compare descriptions of noise models: tests/test_noise_estimation.py.
OF_NOISE = {"noise_level_error", "noise_band_error", "noise_gray_error", "noise_profile_error"}


@pytest.mark.parametrize(
    "name",
    [name for name, metric in METRICS.items() if not metric.needs_fs and name not in OF_NOISE],
)
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


class TestRange:
    """Errors near the ends of the range of float64."""

    CLEAN = np.array([[3.0, -1.0, 2.0, 0.5]])

    @pytest.mark.parametrize("error", [1e-200, 1e-300, 5e-324])
    def test_a_tiny_error_is_not_perfect(self, error):
        """For a silent item: 20·log10(1/error) dB; only the clean item is perfect."""
        silent = np.zeros((1, 1, 4))
        assert METRICS["psnr"](silent, silent + error, 1.0)[0] == pytest.approx(
            -20 * np.log10(error), rel=1e-6
        )
        assert METRICS["rmse"](silent, silent + error, 1.0)[0] == pytest.approx(error, rel=1e-6)
        assert METRICS["psnr"](silent, silent, 1.0)[0] == np.inf

    @pytest.mark.parametrize("value", [1e160, 1e200, 1e308, -1.7e308])
    def test_an_error_beyond_the_range_is_infinite(self, value):
        clean = self.CLEAN[None]
        estimate = np.full_like(clean, value)
        found = {name: float(METRICS[name](clean, estimate, 10.0)[0]) for name in
                 ("psnr", "psnr_global", "psnr_table1", "rmse", "system_error")}  # fmt: skip
        assert found == {
            "psnr": -np.inf, "psnr_global": -np.inf, "psnr_table1": -np.inf, "rmse": np.inf,
            "system_error": np.inf,
        }  # fmt: skip
        assert METRICS["inverse_error"](clean, estimate, 10.0)[0] > 0

    @pytest.mark.parametrize("power", [-1000, -700, 0, 700, 1000])
    def test_si_sdr_does_not_depend_on_the_scale(self, rng, power):
        clean = rng.standard_normal((1, 1, 50))
        estimate = clean + 0.1 * rng.standard_normal(clean.shape)
        expected = METRICS["si_sdr"](clean, estimate, 1.0)[0]
        scaled = METRICS["si_sdr"](clean, np.ldexp(estimate, power), 1.0)[0]
        assert scaled == pytest.approx(expected, rel=1e-9)
        both = METRICS["si_sdr"](np.ldexp(clean, power), np.ldexp(estimate, power), 1.0)[0]
        assert both == pytest.approx(expected, rel=1e-9)
        assert METRICS["si_sdr"](clean, np.ldexp(clean, power), 1.0)[0] == np.inf

    def test_float32_does_not_overflow(self):
        clean = self.CLEAN[None].astype(np.float32)
        estimate = np.full_like(clean, 3e38)
        assert METRICS["psnr"](clean, estimate, 1.0)[0] == pytest.approx(-20 * np.log10(3e38))
