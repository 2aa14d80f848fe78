"""Figures of speech show the gains and costs that a leaderboard contains."""

import numpy as np
import pytest

from sigbench.core.errors import InputError

pytest.importorskip("matplotlib", reason="figures are an extra")

import speech_figures
import speech_results
from matplotlib.text import Text
from speech_figures import Line
from speech_results import Cost, Gain

TABLE = """
| rank | method          |      waveform |             | intelligibility | information |
| ---- | --------------- | ------------: | ----------: | --------------: | ----------- |
|      |                 | *si_sdr (dB)* |  *llr (↓)* |         *estoi* |             |
| 1    | good            | **+{gain} ± 0.50** | +0.1 ± 0.2 | **+0.100 ± 0.010** | fitted |
|      | *oracle*        | +30.00 ± 0.50 | +0.1 ± 0.2  | +0.500 ± 0.010 † | oracle      |
| 2    | one\\|item      | -1.00         | -0.1        | -               | none        |
| 2    | noisy           |  5.00 ± 0.01  | 1.0 ± 0.1   | 0.500 ± 0.020   | none        |
"""
TEXT = f"""# speech

| method | waveform |
| ------ | -------: |
|        | *si_sdr (dB)* |
| good   | +4.00 (2) |

## babble-10dB
{TABLE.format(gain="3.25")}
## babble--5dB
{TABLE.format(gain="7.25")}
## Cost

| method | latency | real-time factor | memory (MiB) | parameters |
| ------ | ------: | ---------------: | -----------: | ---------: |
| good   | whole item | 0.012 | 100 | 9 |
| oracle | 32 ms | 0.01 | 100 | 9 |
| one\\|item | 32 ms | 0.1 | 100 | 9 |
| noisy | 0 ms | 0.001 | 100 | 9 |
"""


def test_gains_are_read_from_the_tables_of_the_problems():
    found = speech_results.gains(TEXT)
    assert list(found) == ["babble-10dB", "babble--5dB"]
    good = found["babble-10dB"]["good"]
    assert good == {"si_sdr": Gain(3.25, 0.5), "estoi": Gain(0.1, 0.01)}
    assert found["babble-10dB"]["oracle"]["estoi"] == Gain(0.5, 0.01)
    single = found["babble-10dB"]["one|item"]
    assert (list(single), single["si_sdr"].mean) == (["si_sdr"], -1)
    assert np.isnan(single["si_sdr"].half)
    assert found["babble-10dB"]["noisy"] == {}  # has no gain over itself


def test_costs_are_read_from_their_table():
    assert speech_results.costs(TEXT)["good"] == Cost(0.012, causal=False)
    assert speech_results.costs(TEXT)["one|item"] == Cost(0.1, causal=True)


def test_texts_without_gains_or_costs_are_refused():
    for read in (speech_results.gains, speech_results.costs):
        with pytest.raises(InputError, match="the leaderboard contains no"):
            read("# nothing\n\n| a | b |\n| - | - |\n| 1 | 2 |\n")


def test_gains_are_drawn_over_the_snr():
    lines = {"good": Line("ours", "b"), "absent": Line("not run", "r")}
    figure = speech_figures.over_snr(
        speech_results.gains(TEXT), {"babble": "talkers"}, lines, "oracle"
    )
    si_sdr, estoi = figure.axes
    assert si_sdr.get_title("left") == "talkers"
    (bars,) = si_sdr.containers
    assert bars.get_label() == "ours"
    curve, _, (intervals,) = bars.lines
    assert list(curve.get_xdata()) == [-5, 10]
    assert list(curve.get_ydata()) == [7.25, 3.25]
    assert intervals.get_segments()[1][:, 1].tolist() == [2.75, 3.75]
    assert si_sdr.get_ylim()[1] < 30  # the oracle does not determine the scale
    assert [t.get_text() for t in si_sdr.texts] == ["oracle +30.0 … +30.0", "ours", "noisy"]
    assert [t.get_text() for t in estoi.texts] == ["oracle +0.50 … +0.50", "ours", "noisy"]
    with pytest.raises(InputError, match="noise='rain' has no gains in si_sdr"):
        speech_figures.over_snr(speech_results.gains(TEXT), {"rain": "rain"}, lines, "oracle")


def test_gains_are_drawn_over_the_cost():
    families = {"good": "network", "one|item": "speech", "oracle": "limit", "absent": "speech"}
    figure = speech_figures.quality_over_cost(
        speech_results.gains(TEXT), speech_results.costs(TEXT), families
    )
    si_sdr, estoi = figure.axes
    points = {
        (line.get_xdata()[0], line.get_ydata()[0]): line
        for line in si_sdr.lines
        if len(line.get_xdata()) == 1
    }
    assert set(points) == {(0.012, 5.25), (0.1, -1.0)}
    assert points[0.012, 5.25].get_markerfacecolor() == "white"  # needs the whole signal
    assert points[0.1, -1.0].get_markerfacecolor() == points[0.1, -1.0].get_color()
    shown = {text.get_text() for text in si_sdr.texts}
    assert shown == {"references: oracle +30.00", "good", "one|item"}
    assert {text.get_text() for text in estoi.texts} == {"references: oracle +0.50", "good"}


def test_names_of_close_points_do_not_overlap():
    methods = [f"method-{i}" for i in range(6)]
    found = {"p": {m: {"si_sdr": Gain(5 + 0.02 * i, 0.1)} for i, m in enumerate(methods)}}
    cost = {m: Cost(0.01, causal=True) for m in methods}
    figure = speech_figures.quality_over_cost(found, cost, dict.fromkeys(methods, "speech"))
    figure.draw_without_rendering()
    # that of an annotation includes its arrow
    boxes = [Text.get_window_extent(t) for t in figure.axes[0].texts if t.get_text()]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_spectrograms_have_one_scale():
    t = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1000 * t)
    figure = speech_figures.spectrograms({"clean": tone, "weak": 0.1 * tone}, 8000.0)
    clean, weak, _ = figure.axes
    assert clean.get_title("left") == "clean"
    (first,), (second,) = clean.images, weak.images
    assert first.get_clim() == second.get_clim() == (-60, 0)
    level = first.get_array()
    assert level.max() == 0
    row = int(np.argmax(level[:, 20]))
    assert row * 8000 / 2 / (level.shape[0] - 1) == pytest.approx(1000)
    assert second.get_array().max() == pytest.approx(-20)
