"""Figures show the values of leaderboards and examples, and the pages show every figure."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from sigbench.core.errors import InputError

pytest.importorskip("matplotlib", reason="figures are an extra")

import result_figures
from result_figures import COLORS, Example, Risk

DOCS = Path(__file__).parents[1] / "docs"


def row(problem, method, mean, knowledge="fitted"):
    low, high = str(mean - 0.2), str(mean + 0.2)
    return {"problem": problem, "method": method, "metric": "psnr", "knowledge": knowledge,
            "mean": str(mean), "ci_low": low, "ci_high": high}  # fmt: skip


BOARD = [
    row("one", "noisy", 10, "none"),
    row("one", "good-tuned", 15),
    row("one", "given", 14, "sigma"),
    row("one", "awful", -80, "none"),
    row("one", "limit", 16, "prior"),
    row("two", "noisy", 20, "none"),
    row("two", "good-tuned", 25),
    {**row("one", "given", 99), "metric": "rmse"},
    row("one", "of-another-family", 17, "blind"),
]
METHODS = ["noisy", "good-tuned", "given", "awful", "limit"]


def texts(ax):
    return {text.get_text().strip() for text in ax.texts}


def test_family_draws_a_panel_per_problem_and_a_number_per_row():
    figure = result_figures.family(BOARD, METHODS, ["one", "two"])
    one, two = figure.axes
    assert [ax.get_title("left") for ax in (one, two)] == ["one", "two"]
    order = ["awful", "noisy", "given", "good-tuned", "limit"]
    assert [label.get_text() for label in one.get_yticklabels()] == order
    assert texts(one) == {"10.0", "15.0", "14.0", "16.0", "◂ −80.0"}
    assert texts(two) == {"20.0", "25.0"}


def test_family_draws_dots_intervals_and_limit_at_their_values():
    ax = result_figures.family(BOARD, METHODS, ["one"]).axes[0]
    lines = [(list(line.get_xdata()), line.get_marker()) for line in ax.lines]
    assert ([14.8, 15.2], "None") in lines
    assert ([15.0], "o") in lines
    assert ([14.0], "s") in lines
    (limit,) = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert list(limit.get_xdata()) == [16, 16]
    low, high = ax.get_xlim()
    assert 0 < low < 9.8  # the interval of the noisy input is inside, the awful row is not
    assert high > 16.2


def test_printed_values_are_open_circles_of_their_methods():
    printed = {"given": 13.5, "of-another-suite": 1.0}
    figure = result_figures.family(BOARD, METHODS, ["one"], printed=printed)
    (circles,) = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "none"]
    row_of_given = ["awful", "noisy", "given"].index("given")
    assert (list(circles.get_xdata()), list(circles.get_ydata())) == ([13.5], [row_of_given])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][-1] == "printed value"


def test_the_legend_of_family_lists_only_the_information_in_use():
    (legend,) = result_figures.family(BOARD, METHODS, ["two"]).legends
    assert [t.get_text() for t in legend.get_texts()] == [
        "tuned or trained on the training split",
        "noisy input",
    ]
    assert legend.get_title().get_text() == "mean PSNR in dB with 95 % interval"


def test_a_problem_without_rows_is_an_error():
    with pytest.raises(InputError, match="problem='three' has no psnr of any of: noisy"):
        result_figures.family(BOARD, METHODS, ["one", "three"])


def test_signals_are_drawn_over_the_clean_ones():
    clean, estimate = np.array([0.0, 3.0, 0.0]), np.array([0.1, 2.0, -0.1])
    some = [Example("a", estimate, clean), Example("b", estimate), Example("c", clean)]
    *panels, unused = result_figures.signals(some).axes
    assert [ax.get_title("left") for ax in panels] == ["a", "b", "c"]
    assert [list(line.get_ydata()) for line in panels[0].lines] == [list(clean), list(estimate)]
    assert [list(line.get_ydata()) for line in panels[1].lines] == [list(estimate)]
    assert not unused.get_visible()


def test_spikes_are_lines_and_true_spikes_circles():
    clean, estimate = np.array([0.0, 3.0, 0.0]), np.array([0.1, 2.0, -0.1])
    ax = result_figures.signals([Example("a", estimate, clean)], spikes=True).axes[0]
    (circles,) = ax.lines
    assert (list(circles.get_xdata()), list(circles.get_ydata())) == ([1], [3.0])
    (lines,) = ax.collections
    assert [segment[1][1] for segment in lines.get_segments()] == list(estimate)


@pytest.mark.parametrize(("channels", "shape"), [(1, (4, 5)), (3, (4, 5, 3))])
def test_pictures_are_clipped_to_the_value_range(channels, shape):
    item = np.linspace(-50, 300, channels * 20).reshape(channels, 4, 5)
    ax = result_figures.pictures([Example("a", item)], 255.0, columns=1).axes[0]
    (image,) = ax.images
    assert image.get_array().shape == shape
    assert (image.get_array().min(), image.get_array().max()) == (0, 1)
    assert ax.get_title("left") == "a"


def test_risks_mark_both_minima():
    panel = Risk("one", [1.0, 2.0, 4.0], np.array([0.3, 0.2, 0.1]), np.array([0.4, 0.1, 0.2]))
    ax = result_figures.risks([panel], "weight").axes[0]
    rings = {
        line.get_color(): line.get_xdata()[0] for line in ax.lines if len(line.get_xdata()) == 1
    }
    assert rings == {"black": 2.0, COLORS[1]: 4.0}
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"true error", "SURE"}
    assert ax.get_xlabel() == "weight"


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw", DOCS / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_exists_and_is_shown_on_a_page(draw):
    shown = [
        name
        for page in [*(DOCS / "methods").glob("*.md"), *DOCS.glob("*.md")]
        for name in re.findall(
            r"!\[[^]]+\]\((?:\.\./)?figures/(\S+)\.png\)", page.read_text("utf-8")
        )
    ]
    drawn = [*draw.FIGURES, "page"]  # the last one by docs/screenshot.py
    assert sorted(shown) == sorted(drawn)
    assert {path.stem for path in (DOCS / "figures").iterdir()} == set(drawn)
    assert all(path.stat().st_size <= 150_000 for path in (DOCS / "figures").iterdir())


@pytest.mark.parametrize(
    "name", ["table1", "linear", "sparse", "wavelet", "images", "deconvolution", "system-function"]
)
def test_committed_runs_can_be_drawn(draw, name):
    figure = draw.FIGURES[name]()
    assert all(ax.get_title("left") for ax in figure.axes if ax.get_visible())


@pytest.mark.parametrize("name", ["wavelet-example", "total-variation", "deconvolution-example"])
def test_example_titles_give_the_psnr_of_each_estimate(draw, name, tmp_path):
    figure = draw.FIGURES[name]()
    values = [float(re.search(r": ([\d.]+) dB$", ax.get_title("left"))[1]) for ax in figure.axes]
    assert min(values) == values[0] or name == "total-variation"
    draw.save(figure, tmp_path / "example.png")
    assert 0 < (tmp_path / "example.png").stat().st_size <= 150_000
