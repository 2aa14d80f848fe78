"""The figure of a denoised file, and its verdict on the residual."""

import io

import numpy as np
import pytest
from PIL import Image

from sigbench import InputError
from sigbench.cli.denoise.plot import draw, judged, save_plot
from sigbench.cli.denoise.plot_images import most_detailed
from sigbench.cli.denoise.residual import autocorrelation, edge_ratio, parts, whiteness
from sigbench.core.media import Content

pytest.importorskip("matplotlib")

SEEDS = range(200)


def noise(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def content(batch, domain="signal", fs=None, **more):
    peak = 255.0 if domain == "image" else None
    return Content(batch, domain, peak, fs, lambda estimate, suffix: b"", **more)


def verdicts(residuals):
    """Return verdicts on residuals of a zero estimate, shape (items, *space)."""
    return [judged(one[None], np.zeros_like(one[None])) for one in residuals]


@pytest.mark.parametrize("shape", [(100,), (1000,), (60, 70)])
def test_white_noise_is_called_white(shape):
    """The test is at 1 %: of 200 draws, more than 7 rejections have a probability of 0.1 %."""
    found = verdicts([noise(seed, *shape) for seed in SEEDS])
    assert found.count("residual: white") >= 193


def test_white_noise_whose_level_varies_is_called_white():
    """Box and Pierce's test, without the estimated variances, rejects 44 % of these."""
    level = np.repeat([1, 5], 500)
    found = verdicts([level * noise(seed, 1000) for seed in SEEDS])
    assert found.count("residual: white") >= 193


def test_noise_with_heavy_tails_is_called_white():
    draws = [np.random.default_rng(seed).standard_t(5, 1000) for seed in SEEDS]
    assert verdicts(draws).count("residual: white") >= 193


@pytest.mark.parametrize("sign", [1, -1])
def test_correlated_neighbors_are_found(sign):
    """MA(1) with coefficient 0.5: its autocorrelation is 0.5 / 1.25 = 0.4."""
    for seed in range(50):
        white = noise(seed, 1001)
        (text,) = verdicts([white[1:] + sign * 0.5 * white[:-1]])
        assert text.startswith("residual: not white (correlated neighbors")
        assert ("low" if sign > 0 else "high") in text


def test_correlated_pixels_are_found():
    for seed in range(20):
        white = noise(seed, 61, 60)
        (text,) = verdicts([white[1:] + 0.5 * white[:-1]])
        assert text.startswith("residual: not white (correlated neighbors, +0.")


def test_a_line_is_found():
    """Hum with a period of 40 samples: the first 20 distances contain its half period."""
    t = np.arange(4000)
    (text,) = verdicts([noise(1, 4000) + np.sin(2 * np.pi * t / 40)])
    assert text.startswith("residual: not white")


def test_small_correlations_of_long_signals_do_not_matter():
    white = noise(4, 400_001)
    (text,) = verdicts([white[1:] + 0.02 * white[:-1]])
    assert text == "residual: almost white (autocorrelations up to +0.02)"


def test_signal_in_the_residual_is_reported():
    clean = np.sin(np.arange(2000) / 30)[None]
    noisy = clean + 0.3 * noise(2, 1, 2000)
    # The residual is 0.4 of the signal, variance 0.08, and noise, variance 0.09.
    text = judged(noisy, 0.6 * clean)
    assert float(text.rpartition(" ")[2][:-1]) == pytest.approx((0.08 / 0.17) ** 0.5, abs=0.02)
    assert "contains signal (correlation with the estimate +0." in text
    assert judged(noisy, clean) == "residual: white"


def test_a_blurred_step_is_reported():
    step = np.repeat([0.0, 8.0, 0.0, 8.0], 500)[None]
    noisy = step + 0.5 * noise(3, 1, 2000)
    kernel = np.hanning(82)[1:-1] / np.hanning(82).sum()
    blurred = np.convolve(step[0], kernel, "same")[None]
    assert "as strong at edges of the estimate" in judged(noisy, blurred)
    assert edge_ratio(parts((noisy - step)[0]), parts(blurred[0])) == 1.0


@pytest.mark.parametrize(
    ("noisy", "text"),
    [
        (np.ones((1, 90)), "residual: a constant"),
        (noise(0, 1, 40), "residual: too short to judge"),
        (np.zeros((1, 90)), "residual: 0, nothing was removed"),
    ],
)
def test_residuals_that_are_not_judged(noisy, text):
    assert judged(noisy, np.zeros_like(noisy)) == text


def test_autocorrelation_is_that_of_statsmodels():
    acf = pytest.importorskip("statsmodels.tsa.stattools").acf
    signal = np.cumsum(noise(5, 300))
    signal -= signal.mean()
    own = autocorrelation(signal[None], [(lag,) for lag in range(1, 31)])
    np.testing.assert_allclose(own, acf(signal, nlags=30, fft=False)[1:], rtol=1e-10)


def test_the_statistic_is_that_of_box_and_pierce_if_the_level_is_constant():
    """For ±1 noise the estimated variances are exact: the sum of squared autocorrelations."""
    from scipy.stats import chi2

    signs = np.sign(noise(6, 1, 500))
    rho = [np.mean(signs[0, lag:] * signs[0, :-lag]) for lag in range(1, 21)]
    wanted = chi2.sf(sum((500 - lag) * r**2 for lag, r in enumerate(rho, 1)), 20)
    assert whiteness(signs).p_value == pytest.approx(wanted, rel=1e-9)


def test_missing_samples_are_not_judged():
    batch = noise(7, 1, 1, 1000)
    missing = np.zeros(batch.shape, bool)
    missing[..., 200:400] = True
    batch[missing] = 50.0
    figure = draw(content(batch, missing=missing), np.zeros_like(batch), "a")
    assert "residual: white" in figure.get_suptitle()
    lines = [line.get_ydata() for axes in figure.subfigs[0].axes for line in axes.lines]
    assert any(np.isnan(line).sum() == 200 for line in map(np.asarray, lines))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_figure_is_written(here, suffix):
    batch = noise(8, 1, 1, 500)
    path = here / f"a.{suffix}"
    path.write_text("it is replaced")
    save_plot(path, content(batch, fs=100.0), 0 * batch, "a.csv: median")
    start = path.read_bytes()
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert start.startswith(magic)
    assert b"Date" not in start  # so that the same call writes the same file
    if suffix == "png":
        with Image.open(io.BytesIO(start)) as image:
            assert image.size == (1300, 1118)


def test_other_suffixes_are_refused(here):
    batch = noise(8, 1, 1, 50)
    with pytest.raises(InputError, match=r"a\.gif: a figure must be one of \.png, \.svg, \.pdf"):
        save_plot(here / "a.gif", content(batch), batch, "a")
    assert list(here.iterdir()) == []


def test_matplotlib_may_be_missing(here, monkeypatch):
    monkeypatch.setattr("sigbench.cli.denoise.plot.find_spec", lambda name: None)
    batch = noise(8, 1, 1, 50)
    with pytest.raises(InputError, match=r"need Matplotlib: pip install 'sigbench\[plots\]'"):
        save_plot(here / "a.png", content(batch), batch, "a")


def test_four_of_many_columns_are_drawn():
    batch = noise(9, 7, 1, 400)
    figure = draw(content(batch), 0 * batch, "table.csv")
    assert figure.get_suptitle() == "table.csv (3 more columns are not shown)"
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert titles == [f"column {n} · residual: white" for n in (1, 2, 3, 4)]


def test_titles_are_plain_text(here):
    """No formulas, no control characters, no error for characters that the font lacks."""
    batch = noise(9, 1, 1, 60)
    title = "$x^2$ $\\frac \x1b 雑音.csv " + "x" * 300
    save_plot(here / "a.png", content(batch), 0 * batch, title)
    heading = draw(content(batch), 0 * batch, title).get_suptitle().split("\n")[0]
    assert "$x^2$ $\\frac \\x1b" in heading
    assert len(heading) < 160


@pytest.mark.parametrize(("channels", "pages"), [(1, 1), (3, 2), (5, 1)])
def test_images_are_drawn(here, channels, pages):
    batch = 100 + noise(10, pages, channels, 70, 90)
    save_plot(here / "a.png", content(batch, "image"), np.full_like(batch, 100), "a.png")
    with Image.open(here / "a.png") as image:
        assert image.size == ((1300, 962) if pages == 1 else (2080, 845))


@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
def test_tiny_images_and_signals_are_drawn(here, shape):
    batch = noise(11, 1, 1, *shape)
    save_plot(here / "a.png", content(batch, "image"), 0 * batch, "a.png")
    save_plot(here / "b.png", content(batch[:, :, 0]), 0 * batch[:, :, 0], "b.csv")


def test_a_long_signal_is_drawn_by_its_extremes():
    batch = noise(12, 1, 1, 2_500_000)
    batch[0, 0, 1_234_567] = 99.0
    figure = draw(content(batch, "speech", fs=8000.0), 0 * batch, "a.wav")
    axes = figure.subfigs[0].axes[0]
    top = max(path.vertices[:, 1].max() for c in axes.collections for path in c.get_paths())
    assert top == pytest.approx(99.0)
    assert sum(len(path.vertices) for c in axes.collections for path in c.get_paths()) < 10_000


def test_the_most_detailed_part_of_an_image_is_shown():
    image = np.zeros((900, 1300))
    image[500:520, 800:830] = noise(13, 20, 30)
    rows, columns = most_detailed(image)
    assert rows.start <= 500 < 520 <= rows.stop
    assert columns.start <= 800 < 830 <= columns.stop
    assert (rows.stop - rows.start, columns.stop - columns.start) == (320, 320)
