"""Figures of networks show the computed values in the right order."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="figures are an extra")

import network_figures
from network_figures import Branch, Shrinkage, Stage
from result_figures import COLORS, Example

from sigbench import InputError
from sigbench.estimators.local_mean import local_mean_response
from sigbench.networks.models import NETWORKS
from sigbench.networks.models.base import first_weights, run
from sigbench.networks.pretrained import denoiser
from sigbench.networks.pretrained.weights import Weights

DOCS = Path(__file__).parents[1] / "docs"


def titles(figure):
    return [ax.get_title("left") for ax in figure.axes if ax.get_visible()]


def a_branch(stages, axis="sample"):
    return Branch(Example("in", np.arange(8.0), np.eye(8)[3]), stages, axis)


def test_feature_maps_lie_under_the_samples_that_they_are_of():
    stages = [Stage("a", np.ones((2, 8))), Stage("b", np.array([[0.0, 3.0]]), step=4)]
    figure = network_figures.feature_maps([a_branch(stages), a_branch(stages[:1], "lag")])
    left, right, a, _, b, unused, bar = figure.axes
    assert [ax.get_title("left") for ax in (left, right, a, b)] == ["in", "in", "a, ≤ 1", "b, ≤ 3"]
    assert a.images[0].get_extent() == [-0.5, 7.5, 1.5, -0.5]
    assert b.images[0].get_extent() == [-0.5, 7.5, 0.5, -0.5]
    assert left.get_xlim() == b.get_xlim() == (-0.5, 7.5)
    assert not unused.get_visible()
    assert b.get_xlabel() == "sample"
    assert len(bar.get_xticklabels()) == 3


def test_a_signal_above_its_feature_maps_is_drawn_with_the_clean_one():
    ax = network_figures.feature_maps([a_branch([Stage("a", np.ones((1, 8)))])]).axes[0]
    (lines,) = ax.collections
    assert [segment[1][1] for segment in lines.get_segments()] == list(range(8))
    (circles,) = ax.lines
    assert (list(circles.get_xdata()), list(circles.get_ydata())) == ([3], [1.0])


@pytest.mark.parametrize(
    ("maps", "neutral", "limits"),
    [([[-1.0, 3.0]], 0.0, (-3, 3)), ([[0.8, 1.1]], 1.0, (0.8, 1.2)), ([[0.0, 0.0]], 0.0, (-1, 1))],
)
def test_what_is_neutral_is_in_the_middle_of_the_colours(maps, neutral, limits):
    stage = Stage("a", np.array(maps), step=4, neutral=neutral)
    image = network_figures.feature_maps([a_branch([stage])]).axes[1].images[0]
    assert image.get_clim() == pytest.approx(limits)
    np.testing.assert_allclose(image.to_rgba(np.array([[neutral]]))[0, 0, :3], 1, atol=0.01)


def test_engines_lie_on_each_other_and_their_difference_below():
    first = np.array([1.0, -2.0, 0.5], np.float32)
    second = first + np.array([0, 2e-6, 0], np.float32)
    largest = {"down1.conv1": 1e-7, "down1": 3e-7, "out": 0.0}
    top, middle, bottom = network_figures.engines({"A": first, "B": second}, largest).axes
    assert [list(line.get_ydata()) for line in top.lines] == [list(first), list(second)]
    assert [text.get_text() for text in top.get_legend().get_texts()] == ["A", "B"]
    floor = middle.get_ylim()[0]
    dots = middle.lines[0].get_ydata()
    assert dots == pytest.approx([floor, 1e-6, floor], rel=0.1)  # 2e-6 over the largest, |-2|
    assert list(bottom.lines[0].get_ydata()) == [1e-7, 3e-7, floor]
    assert [label.get_text() for label in bottom.get_xticklabels()] == ["down1", "out"]
    assert list(bottom.get_xticks()) == [0.5, 2]
    for ax in (middle, bottom):
        assert ax.get_yscale() == "log"
        levels = [line.get_ydata()[0] for line in ax.lines if line.get_color() == COLORS[1]]
        assert levels == [1e-5, np.finfo(np.float32).eps]


def test_a_difference_beyond_what_is_allowed_is_not_cut_off():
    outputs = {"A": np.array([1.0, 0.0]), "B": np.array([1.0, 0.5])}
    _, middle, bottom = network_figures.engines(outputs, {"out": 0.1}).axes
    assert middle.get_ylim()[1] > 0.5
    assert bottom.get_ylim()[1] > 0.1


def test_shrinkage_is_drawn_whole_and_less_the_samplewise_mean():
    values, alone = np.array([0.0, 4.0, 8.0]), np.array([0.0, 1.0, 7.0])
    panels = [Shrinkage("few", alone + 0.5, alone + 0.25), Shrinkage("many", alone - 0.5, alone)]
    figure = network_figures.shrinkage(values, panels, threshold=values / 2, samplewise=alone)
    few, _, few_less, many_less = figure.axes
    assert titles(figure)[:2] == ["few", "many"]
    curve = {line.get_label(): list(line.get_ydata()) for line in few.lines}
    assert curve["ShrinkNet"] == [0.5, 1.5, 7.5]
    assert curve["limit"] == [0.25, 1.25, 7.25]
    assert curve["non-negative soft threshold"] == [0, 2, 4]
    for ax, network, limit in ((few_less, 0.5, 0.25), (many_less, -0.5, 0)):
        curve = {line.get_label(): list(line.get_ydata()) for line in ax.lines}
        assert (curve["ShrinkNet"], curve["limit"]) == ([network] * 3, [limit] * 3)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 5


def untrained(name):
    network = NETWORKS[name.partition("-")[0]]()
    return Weights(network, first_weights(network), {"name": name})


@pytest.fixture
def draw(monkeypatch):
    """docs/draw.py with untrained networks."""
    spec = importlib.util.spec_from_file_location("draw", DOCS / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "shipped", untrained)
    monkeypatch.setattr(denoiser, "shipped", untrained)
    return module


def images_of(figure):
    return {ax.get_title("left").partition(":")[0]: ax.images[0] for ax in figure.axes if ax.images}


def test_every_stage_of_the_network_is_shown(draw):
    images = images_of(draw.FIGURES["feature-maps"]())
    block = next(draw.problem_of("table1", "sparse-spikes").blocks(1, 1))
    weights, maps = untrained("icnn"), {}
    run(weights.network, weights.arrays, block.noisy, engine="numpy", maps=maps)
    stages = {name for name in maps if re.fullmatch(r"(down|up|prior)\d", name)}
    assert len(stages) == 13
    assert {name for name in images if "factors" not in name} == stages
    for name in stages:
        np.testing.assert_array_equal(images[name].get_array(), maps[name][0])
        assert images[name].get_extent()[1] <= 99.5


def test_the_factors_shown_are_those_that_the_network_multiplies_by(draw):
    images = images_of(draw.FIGURES["feature-maps"]())
    (factors,) = (image for name, image in images.items() if "factors" in name)
    block = next(draw.problem_of("table1", "sparse-spikes").blocks(1, 1))
    weights, maps = untrained("icnn"), {}
    run(weights.network, weights.arrays, block.noisy, engine="numpy", maps=maps)
    kernel = weights.arrays["down5.conv1.weight"] * factors.get_array()[:, None]
    pooled = maps["down4"].reshape(1, 16, 6, 2).max(axis=3)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(pooled[0], [(0, 0), (1, 1)]), 3, 1)
    modulated = (
        np.einsum("clk,ock->ol", windows, kernel) + weights.arrays["down5.conv1.bias"][:, None]
    )
    np.testing.assert_allclose(maps["down5.conv1"][0], modulated, atol=1e-12)


def test_the_response_shown_is_that_of_the_input(draw):
    response = draw.FIGURES["feature-maps"]().axes[2]
    block = next(draw.problem_of("table1", "sparse-spikes").blocks(1, 1))
    shown = [segment[1][1] for segment in response.collections[0].get_segments()]
    np.testing.assert_array_equal(shown, local_mean_response(block.noisy)[0, 0])


def test_both_engines_are_shown_with_every_feature_map(draw):
    pytest.importorskip("torch", reason="the other engine is an extra")
    top, _, bottom = draw.FIGURES["engines"]().axes
    assert len(top.lines) == 2
    assert len(bottom.lines[0].get_xdata()) == 13 * 5 + 1  # a stage: (conv, norm) × 2, itself; out
    assert max(bottom.lines[0].get_ydata()) <= 1e-5


def test_the_shrinkage_is_shown_among_few_and_among_many(draw):
    few, usual, many, *_ = titles(draw.FIGURES["shrinknet"]())
    counts = [
        int(re.search(r"\n(\d+) of the other 99 above 2σ$", t)[1]) for t in (few, usual, many)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[2]


def test_examples_name_the_methods_and_have_equal_axes(draw):
    figure = draw.FIGURES["networks-example"]()
    assert len(titles(figure)) == 12
    assert all(re.search(r": -?[\d.]+ dB$", title) for title in titles(figure))
    assert [t.partition(":")[0] for t in titles(figure)[6:10]] == ["ICNN"] * 2 + ["ShrinkNet"] * 2
    assert len({ax.get_ylim() for ax in figure.axes}) == 1


@pytest.mark.parametrize("name", ["networks-example", "feature-maps", "engines", "shrinknet"])
def test_a_figure_is_drawn_the_same_twice(draw, name, tmp_path):
    if name == "engines":
        pytest.importorskip("torch", reason="the other engine is an extra")
    for run_ in ("one", "two"):
        draw.save(draw.FIGURES[name](), tmp_path / f"{run_}.png")
    written = (tmp_path / "one.png").read_bytes()
    assert written == (tmp_path / "two.png").read_bytes()
    assert 0 < len(written) <= 150_000


def test_the_grid_of_learning_rates_shows_every_mean():
    def row(method, mean, metric="psnr"):
        return {"method": method, "mean": mean, "metric": metric}

    board = [
        row("uniform-lr2-batch4", "25.5"),
        row("uniform-lr0.5-batch16", "24.25"),
        row("xavier-lr2-batch4", "26.125"),
        row("xavier-lr2-batch4", "20", "psnr_global"),
        row("noisy", "20.5"),
    ]
    figure = network_figures.learning_rates(board)
    uniform, xavier = figure.axes
    assert [t.get_text() for t in uniform.texts] == ["", "24.25", "25.50", ""]
    assert [t.get_text() for t in uniform.get_yticklabels()] == ["0.5", "2"]
    assert [t.get_text() for t in xavier.texts] == ["26.12"]
    assert xavier.get_title(loc="left") == "xavier: mean PSNR in dB"
    with pytest.raises(InputError, match="a method named INITIAL-lrRATE-batchSIZE"):
        network_figures.learning_rates(board[-1:])


def board_of_levels():
    return [
        {
            "problem": f"sigma-{sigma}",
            "method": name,
            "metric": metric,
            "mean": str(30 - sigma / 10),
        }
        for sigma in (100, 20, 10)  # in no order
        for name in ("net", "noisy")
        for metric in ("psnr", "rmse")
    ]


def test_curves_over_the_noise_level():
    rows = [
        network_figures.ImageRow("net", "ours", COLORS[0], "--", trained_to=20),
        network_figures.ImageRow("noisy", "input", "0.5"),
    ]
    figure = network_figures.noise_levels(board_of_levels(), {"one": rows, "two": rows[1:]})
    differences = ["difference from ours", "difference from input"]
    assert titles(figure) == ["one", "two", *differences]
    net, noisy = figure.axes[0].lines
    zero, _, bar = figure.axes[2].lines
    assert list(zero.get_ydata()) == [0, 0, 0]
    assert list(net.get_xdata()) == [10, 20, 100]
    assert list(net.get_ydata()) == [29, 28, 20]
    assert (net.get_linestyle(), noisy.get_linestyle()) == ("--", "-")
    assert list(bar.get_xdata()) == [0, 20]
    assert len(figure.axes[1].lines) == 1
    with pytest.raises(InputError, match="method='nope' has no rows of problems named sigma-N"):
        network_figures.noise_levels(
            board_of_levels(), {"one": [network_figures.ImageRow("nope", "", "k")]}
        )
