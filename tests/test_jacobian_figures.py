"""Figures of Jacobians show the computed values."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="figures are an extra")

from sigbench import GaussianBlur, Median, Photos32
from sigbench.analysis import figures as jacobian_figures
from sigbench.analysis.figures import Sweep
from sigbench.analysis.study import study
from sigbench.benchmark.report.plots import png
from sigbench.problems.degradations import Gaussian
from sigbench.problems.denoising import Denoising


def portraits(dataset, sigma):
    problem = Denoising("p", dataset, Gaussian(sigma=sigma), 1)
    return {
        type(one).__name__: study(problem, one, item=0, sigma_given=False).portrait
        for one in (GaussianBlur(1.0), Median(3))
    }


@pytest.mark.parametrize("grey", [True, False])
def test_images(grey):
    shown = portraits(Photos32(window=8, stride=8, grey=grey, min_std=0), 20.0)
    figure = jacobian_figures.portraits(shown, 255.0)
    upper, lower = figure.subfigs
    first_portrait = next(iter(shown.values()))
    assert len(upper.axes) == 2 * 9
    first = upper.axes[:9]
    titles = [ax.get_title() for ax in first]
    assert titles == [
        "clean", "noisy", "estimate", "filter at ○", "filter at □", "u₁", "u₂", "u₃", "u₄",
    ]  # fmt: skip
    row, weights = first[3].images[0].get_array(), first_portrait.filters[0]
    if grey:
        np.testing.assert_allclose(row, weights[0])
        assert first[3].images[0].get_clim()[0] == -first[3].images[0].get_clim()[1]
    else:  # around grey
        around = (row - 0.5) * 2 * np.abs(weights).max()
        np.testing.assert_allclose(np.moveaxis(around, -1, 0), weights, atol=1e-12)
    spectrum = lower.axes[0].lines
    np.testing.assert_allclose(spectrum[0].get_ydata(), first_portrait.s)
    assert "Σs² = " in spectrum[1].get_label()
    assert png(figure).startswith(b"\x89PNG")


def test_signals():
    from sigbench import SparseSpikes

    shown = portraits(SparseSpikes(), 3.0)
    figure = jacobian_figures.portraits(shown, None)
    matrix = figure.subfigs[0].axes[1].images[0].get_array()
    np.testing.assert_allclose(matrix, shown["GaussianBlur"].jacobian)
    assert png(figure) == png(jacobian_figures.portraits(shown, None))


@pytest.mark.parametrize(("gain", "scale"), [(0.9, "linear"), (18.9, "symlog")])
def test_one_large_singular_value_makes_the_axis_logarithmic(gain, scale):
    problem = Denoising("p", Photos32(window=8, stride=8, grey=True), Gaussian(sigma=20.0), 1)
    shown = {
        "blur": study(problem, GaussianBlur(1.0), item=0, sigma_given=False).portrait,
        "gain": study(problem, lambda y, sigma=None: gain * y, item=0, sigma_given=False).portrait,
    }
    spectrum, symmetry, _ = jacobian_figures.portraits(shown, 255.0).subfigs[1].axes
    assert (spectrum.get_yscale(), symmetry.get_xscale()) == (scale, scale)


def test_zero_has_no_logarithm_and_no_label():
    nothing = Sweep([1, 2, 4], [0, 0, 0], [0] * 3, [0] * 3)
    ending = Sweep([1, 2, 4], [8, 2, 0], [8, 2, 0], [8, 2, 0])
    figure = jacobian_figures.effective_dimensions({"$zero$": nothing, "$\\frac{": ending}, 64)
    assert [text.get_text() for text in figure.axes[0].texts] == [r"\$\frac{"]
    assert png(figure)
    assert png(jacobian_figures.effective_dimensions({"zero": nothing}, 64))


def test_effective_dimensions():
    sweeps = {
        "falls": Sweep([10, 20, 40], [100, 50, 25], [90, 45, 20], [110, 55, 30], -1.0),
        "stays": Sweep([10, 20, 40], [9, 9, 9], [np.nan] * 3, [np.nan] * 3, 0.0),
    }
    figure = jacobian_figures.effective_dimensions(sweeps, 1024)
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.texts] == ["falls, slope −1.00", "stays, slope 0.00"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert png(figure).startswith(b"\x89PNG")
